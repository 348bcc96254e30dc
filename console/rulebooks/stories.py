"""An example as a story that can be changed: single events with the times at which they happen, and its judgement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from rules.events import LOCAL_OFFSET_MS
from rules.examples import judge, tell, written_out
from rules.rulebook import Rulebook
from rules.typology import Example, Occurrence


class Moment(NamedTuple):
    """One event of a story; `own` where the typology looks at it, so that an evader would change it."""

    at: int  # ms UTC
    said: Occurrence
    own: bool

    @property
    def amount(self) -> float:
        """Tenge; 0 where no money moves."""
        amount = self.said.amount
        return amount if isinstance(amount, float) else 0.0


Story = tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rulebook says of a story, for one typology and for the others."""

    silent: bool
    score: float  # the typology's highest
    others: tuple[str, ...]  # other typologies that alert anywhere in the story


def story_of(rulebook: Rulebook, place: int, example: Example) -> Story:
    """The story of an example of the typology at `place`."""
    told = written_out(example)
    rows = tell(example).rows
    rows["amount_kzt"] = rulebook.amounts_in_tenge(rows)
    needed = iter(rulebook.applicable(rows).tolist())
    # Entries of lists are no events: they have no row.
    own = [said.entry is None and bool(next(needed) >> place & 1) for _, said in told]
    return tuple(Moment(at, said, mine) for (at, said), mine in zip(told, own, strict=True))


def verdict(rulebook: Rulebook, place: int, story: Iterable[Moment]) -> Verdict:
    """Judge a story by the engine's own judge, from histories that know nothing else."""
    judged = judge(rulebook, tell(_example(story)))
    fired = np.any(judged.score >= rulebook.alert_at, axis=0).tolist()
    return Verdict(
        silent=not fired[place],
        score=float(judged.score[:, place].max(initial=0.0)),
        others=tuple(one.id for t, one in enumerate(rulebook.typologies) if t != place and fired[t]),
    )


def _example(story: Iterable[Moment]) -> Example:
    # What was valid stays valid: amounts, names and times are all that was changed.
    events = [moment.said.model_copy(update={"at": _local(moment.at)}) for moment in story]
    return Example.model_construct(name="", events=events, alerts="any")


def _local(at: int) -> str:
    return datetime.fromtimestamp((at + LOCAL_OFFSET_MS) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
