"""What officers do with drafts, for pages, API and command line alike: one method an action, each one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from console.rulebooks import approval
from console.rulebooks.checking import check
from console.rulebooks.files import Changes, applied, carried_over, normal, refuse_unusable
from console.rulebooks.reports import CheckReport, DifferenceReport
from console.rulebooks.shelf import Shelf
from console.rulebooks.sources import FileEvents, JudgedEvents, SimulatedEvents
from console.rulebooks.work import Comparison, Search
from console.rulebooks.workshop import Job, Workshop
from console.store import drafts, recent_alerts
from console.store.actor import Actor, need
from console.store.drafts import Draft
from console.store.errors import NotFound, Stale, StoreError
from console.store.opening import Store

RECENT_ALERTS: Final = 5  # each of them is judged again some hundred times


class BaseUnknown(StoreError):
    """The rulebook that a draft began from is not known here now."""

    def __init__(self) -> None:
        super().__init__(
            "The rulebook that this draft began from is not known here.",
            "It is read from Kafka: try again in a moment.",
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft with the files it makes of its base."""

    draft: Draft
    base: dict[str, str]
    whole: dict[str, str]


@dataclass(slots=True)
class Desk:
    """The store, the rulebooks that are known, and the workshop; `topic` where there is a Kafka."""

    store: Store
    shelf: Shelf
    workshop: Workshop
    clock: Callable[[], int]
    topic: approval.Topic | None = None
    bootstrap_servers: str | None = None
    event_files: Path | None = None  # a folder with files of events to compare on
    closing: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        """End what runs in the background."""
        self.closing.set()
        self.workshop.close()

    def begin(self, actor: Actor, title: str) -> int:
        """Begin a draft from the rulebook in force."""
        base, _ = self.shelf.in_force()
        with self.store.writing() as connection:
            return drafts.begin(connection, actor, title, base, now=self.clock())

    def open(self, draft_id: int) -> Opened:
        """A draft with its files.

        Raises:
            NotFound: there is none with this number.
            BaseUnknown: its base cannot be read now.
        """
        with self.store.reading() as connection:
            draft = drafts.find(connection, draft_id)
        base = self.shelf.files(draft.base_digest)
        if base is None:
            raise BaseUnknown
        return Opened(draft, base, applied(base, draft.changes))

    def save(self, actor: Actor, draft_id: int, path: str, text: str | None, version: int) -> Draft:
        """Set the text of one file, or take it out with None.

        Raises:
            Stale: the draft was changed since `version` was looked at.
            FilesRefused: no rulebook has such a file.
        """
        opened = self.open(draft_id)
        changes: dict[str, str | None] = {**opened.draft.changes, path: normal(text) if text is not None else None}
        kept = {each: said for each, said in changes.items() if opened.base.get(each) != said}
        return self._change(actor, opened, kept, version)

    def try_out(self, draft_id: int, path: str, text: str) -> CheckReport:
        """The faults of the draft as if one file were this text, and the examples of that file; nothing is kept."""
        opened, change = self.open(draft_id), {path: normal(text)}
        refuse_unusable(change)
        return check(applied(opened.base, {**opened.draft.changes, **change}), examples_in=path)

    def run_examples(self, actor: Actor, draft_id: int) -> CheckReport:
        """Check a draft and run all its examples, and keep what was found."""
        need(actor, drafts.WRITE)
        report = check(self.open(draft_id).whole)
        with self.store.writing() as connection:
            drafts.note_checked(connection, draft_id, report)
        return report

    def compare(self, actor: Actor, draft_id: int, events: FileEvents | SimulatedEvents | JudgedEvents) -> Job:
        """Begin to compare a draft with the rulebook in force; the report is kept with the draft.

        Raises:
            NotReady: it has errors.
            Busy: too much work waits.
        """
        need(actor, drafts.WRITE)
        opened, (in_force, _) = self.open(draft_id), self.shelf.in_force()
        if opened.draft.checked is None or opened.draft.checked.errors:
            raise approval.NotReady("checked")

        def keep(report: str) -> None:
            with self.store.writing() as connection:
                drafts.note_difference(connection, draft_id, DifferenceReport.model_validate_json(report))

        return self.workshop.ask(
            Comparison(old=in_force, new=opened.whole, events=events, bootstrap_servers=self.bootstrap_servers), keep
        )

    def bring_up_to_date(self, actor: Actor, draft_id: int, version: int) -> list[str]:
        """Put a draft's changes on the rulebook in force; the files that both changed, where the draft's text stays."""
        opened, (in_force, _) = self.open(draft_id), self.shelf.in_force()
        changes, conflicts = carried_over(opened.base, in_force, opened.draft.changes)
        self._change(actor, Opened(opened.draft, in_force, applied(in_force, changes)), changes, version)
        return conflicts

    def propose(self, actor: Actor, draft_id: int, reason: str, version: int) -> int:
        """Propose a draft; the proposal's number.

        Raises:
            NotReady: see console.rulebooks.approval.
            Stale: it was changed since `version` was looked at.
        """
        opened = self.open(draft_id)
        if opened.draft.version != version:
            raise Stale(opened.draft.name, opened.draft.of)
        digest = self.in_force_digest()
        with self.store.writing() as connection:
            return approval.propose(connection, actor, opened.draft, opened.whole, digest, reason, now=self.clock())

    def roll_back(self, actor: Actor, generation: int, reason: str) -> int:
        """Propose an earlier generation again; the proposal's number.

        Raises:
            NotFound: the topic has no such generation.
            NotReady: it is in force.
        """
        known = self.shelf.known()
        earlier = next((one for one in known.generations if one.generation == generation), None)
        in_force = known.in_force(self.clock())
        if earlier is None or in_force is None:
            raise NotFound(f"generation {generation}")
        with self.store.writing() as connection:
            return approval.propose_rollback(connection, actor, earlier, in_force, reason, now=self.clock())

    def publish(self, actor: Actor) -> None:
        """Publish what is approved, where there is a Kafka."""
        if self.topic is not None:
            approval.publish(self.store, self.topic, actor=actor)
            self.shelf.known(anew=True)

    def publish_waiting(self, actor: Actor) -> None:
        """As `publish`, where something waits: asked every few seconds."""
        with self.store.reading() as connection:
            left = approval.waiting(connection)
        if left:
            self.publish(actor)

    def seek_evasions(self, typology_id: str) -> Job:
        """Begin to look for the cheapest evasions of a typology in force: of its examples, and of its latest alerts.

        Raises:
            NotFound: no typology in force has this id.
            Busy: too much work waits.
        """
        files, _ = self.shelf.in_force()
        if typology_id not in {typology.id for typology in self.shelf.rulebook(files).typologies}:
            raise NotFound(f"typology {typology_id}")
        with self.store.reading() as connection:
            alerts = recent_alerts.latest(connection, typology_id, RECENT_ALERTS) if self.bootstrap_servers else []
        return self.workshop.ask(
            Search(
                files=files,
                typology=typology_id,
                alerts=tuple(alerts),
                bootstrap_servers=self.bootstrap_servers,
            )
        )

    def in_force_digest(self) -> str:
        """The digest of the rulebook in force."""
        files, _ = self.shelf.in_force()
        return self.shelf.rulebook(files).digest

    def events(self, source: str, *, days: int, people: int, seed: int) -> FileEvents | SimulatedEvents | JudgedEvents:
        """The events that a form or a call names: `simulated`, `judged`, or `file:` and a name of `files_of_events`.

        Raises:
            NotFound: there is no such file.
        """
        if source == "simulated":
            return SimulatedEvents(seed=seed, people=people, days=days)
        if source == "judged":
            return JudgedEvents(days=days)
        name = source.removeprefix("file:")
        if self.event_files is None or name not in self.files_of_events():
            raise NotFound("file of events")
        return FileEvents(paths=(self.event_files / name,))

    def files_of_events(self) -> list[str]:
        """The names of the files of events that drafts can be compared on."""
        if self.event_files is None or not self.event_files.is_dir():
            return []
        return sorted(path.name for path in self.event_files.iterdir() if path.name.endswith((".jsonl", ".jsonl.gz")))

    def _change(self, actor: Actor, opened: Opened, changes: Changes, version: int) -> Draft:
        with self.store.writing() as connection:
            return drafts.change(
                connection, actor, opened.draft.draft_id, opened.base, changes, version, now=self.clock()
            )
