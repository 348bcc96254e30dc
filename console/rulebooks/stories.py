"""An example as a story that can be changed: single events with the times at which they happen, and its judgement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.events import DEVICE_NEW, KINDS, LOCAL_OFFSET_MS, NO_TIME, PARTY_KINDS, REMOTE_ACCESS, ROLES
from rules.examples import Told, judge, tell, written_out
from rules.rulebook import Rulebook
from rules.typology import Example, Occurrence


class Kept(NamedTuple):
    """One real event as the center judged it; `row` is a record of EVENT."""

    row: np.void
    scores: NDArray[np.float64]  # [2] anomaly of the payer's and the payee's side
    lists: NDArray[np.uint32]  # [4] bit l: the subject in this role was on rules.references.LISTS[l]


class Logged(NamedTuple):
    """What the log has of a real event, and how it was told before anything was changed."""

    kept: Kept
    said: Occurrence


class Moment(NamedTuple):
    """One event of a story; `own` where an evader would change it: the typology looks at it, or an alert names it."""

    at: int  # ms UTC
    said: Occurrence
    own: bool
    logged: Logged | None = None  # none: an example's

    @property
    def amount(self) -> float:
        """Tenge; 0 where no money moves."""
        amount = self.said.amount
        return amount if isinstance(amount, float) else 0.0


Story = tuple[Moment, ...]

_SOME_WORDS: Final = "?"  # the log keeps hashes of a purpose's words
_CHANGED_FLAGS: Final = DEVICE_NEW | REMOTE_ACCESS
_AS_IT_WAS: Final = (
    *("institution", "channel", "merchant_category", "sim_changed_at"),
    *("payer_region", "payee_region", "payer_institution", "payee_institution"),
)


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


def story_of_events(kept: Iterable[Kept], own: Collection[int]) -> Story:
    """The story of real events; `own` has the hashes of those that an evader would change.

    Parties keep their tokens as names, so that whoever is the same stays the same.
    """
    told = [(int(each.row["event"]) in own, Logged(each, _occurrence(each.row))) for each in kept]
    moments = [Moment(int(each.kept.row["occurred_at"]), each.said, mine, each) for mine, each in told]
    return tuple(sorted(moments, key=lambda moment: moment.at))


def verdict(rulebook: Rulebook, place: int, story: Sequence[Moment]) -> Verdict:
    """Judge a story by the engine's own judge, from histories that know nothing else.

    Of real events only the evader's own count: what the subject's other operations raise is no matter of this alert.
    """
    told = tell(_example(story))
    counted = np.ones(len(told.rows), bool)
    if any(moment.logged for moment in story):
        told, counted = _as_logged(told, story), np.array([moment.own for moment in story])
    score = judge(rulebook, told).score[counted]
    fired = np.any(score >= rulebook.alert_at, axis=0).tolist()
    return Verdict(
        silent=not fired[place],
        score=float(score[:, place].max(initial=0.0)),
        others=tuple(one.id for t, one in enumerate(rulebook.typologies) if t != place and fired[t]),
    )


def _example(story: Iterable[Moment]) -> Example:
    # What was valid stays valid: amounts, names and times are all that was changed.
    events = [moment.said.model_copy(update={"at": _local(moment.at)}) for moment in story]
    return Example.model_construct(name="", events=events, alerts="any")


def _local(at: int) -> str:
    return datetime.fromtimestamp((at + LOCAL_OFFSET_MS) / 1000, UTC).isoformat(timespec="milliseconds")[:23]


def _occurrence(row: np.void) -> Occurrence:
    """What changes look at and change, of a real event; `_as_logged` puts the rest back."""
    names: dict[str, Any] = {}
    for role in ROLES:
        kind = PARTY_KINDS[row[f"{role}_kind"]] if role in ("payer", "payee") else role
        names[role] = f"{kind}:{int(row[role]):016x}" if row[role] else None
    for role in ("payer", "payee"):
        account = int(row[f"{role}_account"])
        names[f"{role}_account"] = f"{account:016x}" if account else None
        opened = int(row[f"{role}_account_opened_at"])
        names[f"{role}_account_opened"] = _local(opened)[:10] if opened != NO_TIME else None
    return Occurrence.model_construct(
        at=_local(int(row["occurred_at"])),
        kind=KINDS[row["kind"]],
        amount=int(row["amount_kzt"]) / 100,
        purpose=_SOME_WORDS if row["words"].any() else None,
        purpose_code=int(row["purpose_code"]) or None,
        device_new=bool(row["flags"] & DEVICE_NEW),
        remote_access=bool(row["flags"] & REMOTE_ACCESS),
        **names,
    )


def _as_logged(told: Told, story: Sequence[Moment]) -> Told:
    """Rows of real events as the log has them, but for what was changed; lists and scores as they were known then."""
    lists = np.zeros((len(story), len(ROLES)), np.uint32)
    for i, moment in enumerate(story):
        assert moment.logged is not None
        kept, said = moment.logged.kept, moment.said
        row = told.rows[i]
        flags = int(row["flags"]) & _CHANGED_FLAGS | int(kept.row["flags"]) & ~_CHANGED_FLAGS
        for name in _AS_IT_WAS:
            row[name] = kept.row[name]
        row["flags"] = flags
        if said.purpose is not None:
            row["words"] = kept.row["words"]
        told.scores[i] = kept.scores
        # Somebody else in this role is on no list.
        same = [getattr(said, role) == getattr(moment.logged.said, role) for role in ROLES]
        lists[i] = np.where(same, kept.lists, 0)
    return replace(told, lists=lists)
