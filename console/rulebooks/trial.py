"""What a typology on trial found beside what is active: how many people, whom both name, and which side was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal

from pydantic import Field
from sqlalchemy import Connection

from console.rulebooks.difference import day_of
from console.rulebooks.reports import Report
from console.store import subjects, trials
from console.store.trials import Known, Raised

FEW: Final = 10  # subjects of each list that are shown


class TrialSide(Report):
    """What one side found; subjects are counted by what analysts know of them."""

    alerts: int
    subjects: int
    confirmed: int
    refuted: int
    precision: float | None = Field(description="The share of frauds among the subjects of whom a verdict is known")


class TrialSubject(Report):
    """One subject of a side, with its latest alert there."""

    token: str
    alerts: int
    alert_id: str
    at: int = Field(description="ms since 1970 UTC")
    known: Literal["confirmed", "refuted", "open"]


class TrialPart(Report):
    """Subjects that both sides name, or one alone; `few` are the latest of them."""

    subjects: int
    confirmed: int
    refuted: int
    few: list[TrialSubject]


class TrialDay(Report):
    """Alerts of one day (YYYY-MM-DD)."""

    day: str
    shadow: int
    active: int


class TrialResult(Report):
    """A trial beside an active typology, or beside all of them, from its first alert within the last 30 days on."""

    against: str | None = Field(description="None: all active typologies, as far as they name the trial's subjects")
    since: int = Field(description="ms since 1970 UTC")
    until: int
    on_trial: TrialSide
    live: TrialSide
    in_common: TrialPart
    only_on_trial: TrialPart
    only_live: TrialPart | None = Field(description="None beside all typologies")
    alone: int = Field(description="Alerts of the trial on events of which no looked-at active typology alerted")
    days: list[TrialDay]


def trial(connection: Connection, typology_id: str, until: int, against: str | None) -> TrialResult | None:
    """The trial of a typology up to `until` (ms UTC); None where it has found nothing in 30 days."""
    new = trials.shadow(connection, typology_id, until)
    if not new:
        return None
    since, named = new[-1].at, {one.subject for one in new}
    if against is None:
        old = trials.active_about(connection, named, since, until)
    else:
        old = trials.active(connection, against, since, until)
    both = named | {one.subject for one in old}
    known = trials.known(connection, both)
    common = named & {one.subject for one in old}
    tokens = _Tokens(connection, known)
    events = {one.event for one in old}
    return TrialResult(
        against=against,
        since=since,
        until=until,
        on_trial=_side(new, known),
        live=_side(old, known),
        in_common=tokens.part(new, common),
        only_on_trial=tokens.part(new, named - common),
        only_live=tokens.part(old, both - named) if against is not None else None,
        alone=sum(one.event not in events for one in new),
        days=_days(new, old),
    )


class _Tokens:
    """Tells subjects by their tokens."""

    def __init__(self, connection: Connection, known: Mapping[int, Known]) -> None:
        self._connection = connection
        self._known = known

    def part(self, raised: Sequence[Raised], chosen: Collection[int]) -> TrialPart:
        """Those of a side's subjects that are chosen; `raised` has the latest alert first."""
        latest: dict[int, Raised] = {}
        for one in raised:
            if one.subject in chosen:
                latest.setdefault(one.subject, one)
        counts = Counter(one.subject for one in raised)
        few = list(latest.values())[:FEW]
        named = subjects.named(self._connection, [one.subject for one in few])
        return TrialPart(
            subjects=len(chosen),
            confirmed=sum(self._known[key] == "confirmed" for key in chosen),
            refuted=sum(self._known[key] == "refuted" for key in chosen),
            few=[
                TrialSubject(
                    token=named[one.subject].token,
                    alerts=counts[one.subject],
                    alert_id=one.alert_id,
                    at=one.at,
                    known=self._known[one.subject],
                )
                for one in few
            ],
        )


def _side(raised: Sequence[Raised], known: Mapping[int, Known]) -> TrialSide:
    counts = Counter(known[key] for key in {one.subject for one in raised})
    decided = counts["confirmed"] + counts["refuted"]
    return TrialSide(
        alerts=len(raised),
        subjects=counts.total(),
        confirmed=counts["confirmed"],
        refuted=counts["refuted"],
        precision=counts["confirmed"] / decided if decided else None,
    )


def _days(new: Sequence[Raised], old: Sequence[Raised]) -> list[TrialDay]:
    shadow, active = (Counter(day_of(one.at) for one in raised) for raised in (new, old))
    return [TrialDay(day=day, shadow=shadow[day], active=active[day]) for day in sorted({*shadow, *active})]
