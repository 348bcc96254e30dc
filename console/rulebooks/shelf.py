"""The rulebooks that are known: every generation of the topic, as far as Kafka answers, and the packaged one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from kafka.errors import KafkaError

from console.rulebooks.checking import read_folder
from rules.rulebook import Rulebook
from rules.rulebook_files import PACKAGED, digest_of
from streams.generations import Generation, Generations

FRESH_MS: Final = 10_000
PATIENCE_SECONDS: Final = 2.0  # a page waits so long for the first reading, and for none after it

Standing = Literal["read", "reading", "away", "without"]  # without: this console has no Kafka


@dataclass(frozen=True, slots=True)
class Known:
    """What is known now. `read_at` (ms UTC): when the topic was last read to its end; None: never."""

    generations: tuple[Generation, ...]
    standing: Standing
    read_at: int | None

    def in_force(self, now: int) -> Generation | None:
        """The generation that judges at `now`; None where none is known."""
        if not self.generations:
            return None
        return Generations(self.generations).in_force(now)


class Shelf:
    """Reads the topic in the background, so that no page waits for a broker that is away."""

    def __init__(
        self,
        read: Callable[[], Generations] | None,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`read`: `RulebookTopic.read` of the cluster; None for a console without Kafka."""
        self._read = read
        self._clock = clock
        self._changed = threading.Condition()
        self._known = Known((), "without" if read is None else "reading", None)
        self._begun = self._ended = self._wanted = 0  # readings, counted: the last one that was begun, and so on
        self._tried_at = -FRESH_MS
        self._packaged = read_folder(PACKAGED)
        self._packaged_digest = digest_of(self._packaged)
        self._compiled: dict[str, Rulebook] = {}

    def known(self, *, anew: bool = False) -> Known:
        """What is known of the topic, read anew in the background where that is some seconds old.

        `anew`: something has just been published. It is waited for, though not for long; and a reading that was under
        way, which may have missed it, is followed by another one.
        """
        if self._read is None:
            return self._known
        with self._changed:
            reading = self._ended < self._begun
            if anew or (not reading and self._clock() - self._tried_at >= FRESH_MS):
                self._wanted = self._begun + 1
            wanted = self._wanted
            if not reading and self._begin():
                threading.Thread(target=self._refresh, name="rulebook-topic", daemon=True).start()
            if anew or self._known.standing == "reading":
                self._changed.wait_for(lambda: self._ended >= wanted, PATIENCE_SECONDS)
            return self._known

    def in_force(self) -> tuple[dict[str, str], Generation | None]:
        """The files that judge now, and their generation; the packaged ones where no generation is known."""
        generation = self.known().in_force(self._clock())
        return (dict(generation.documents), generation) if generation is not None else (self._packaged, None)

    def files(self, digest: str) -> dict[str, str] | None:
        """The rulebook with this digest, if it is known."""
        if digest == self._packaged_digest:
            return self._packaged
        return next((dict(one.documents) for one in self.known().generations if one.digest == digest), None)

    def alert_at(self, digest: str, typology_id: str) -> float | None:
        """From which score on a typology alerted by the rulebook with this digest; None where that is not known."""
        files = self.files(digest)
        if files is None:
            return None
        typologies = self.rulebook(files).typologies
        return next((one.alert_at for one in typologies if one.id == typology_id), None)

    def rulebook(self, files: dict[str, str]) -> Rulebook:
        """The compiled rulebook of files that have no errors; the last few are kept.

        Raises:
            RulebookInvalid: they have errors.
        """
        digest = digest_of(files)
        found = self._compiled.get(digest)
        if found is None:
            found = Rulebook.from_documents(files)
            with self._changed:
                while len(self._compiled) >= 8:
                    self._compiled.pop(next(iter(self._compiled)), None)
                self._compiled[digest] = found
        return found

    def _begin(self) -> bool:
        """Count another reading as begun, if one is wanted; whoever calls has the lock."""
        if self._wanted <= self._begun:
            return False
        self._begun, self._tried_at = self._begun + 1, self._clock()
        return True

    def _refresh(self) -> None:
        """Read until no reading is wanted that has not begun."""
        assert self._read is not None
        more = True
        while more:
            known = replace(self._known, standing="away")
            try:
                with contextlib.suppress(KafkaError):
                    known = Known(self._read().all, "read", self._clock())
            finally:
                with self._changed:
                    self._known, self._ended = known, self._begun
                    more = self._begin()
                    self._changed.notify_all()
