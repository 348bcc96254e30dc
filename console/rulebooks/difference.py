"""What two rulebooks make of the same events, alert by alert: counted by typology, institution, decision and day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from console.rulebooks.reports import AlertLine, CountChange, DayChange, DifferenceReport, RulebookName
from rules.events import LOCAL_OFFSET_MS

MOST_LISTED: Final = 200  # alerts of each list: a page shows them, the counts stay whole


@dataclass(slots=True)
class Run:
    """What one rulebook made of the events: each alert once, by its id."""

    rulebook: RulebookName
    alerts: dict[str, AlertLine] = field(default_factory=dict)
    judged: int = 0
    rejected: int = 0
    first_at: int | None = None  # ms, of what was judged
    last_at: int | None = None

    def saw(self, first_at: int, last_at: int) -> None:
        """Widen the time that the run covers."""
        self.first_at = first_at if self.first_at is None else min(self.first_at, first_at)
        self.last_at = last_at if self.last_at is None else max(self.last_at, last_at)


def compare(old: Run, new: Run, *, events: str, seconds: float) -> DifferenceReport:
    """The report on two runs over the same events; `events` names them, `seconds` is what both runs took."""
    return DifferenceReport(
        old=old.rulebook,
        new=new.rulebook,
        events=events,
        judged=new.judged,
        rejected=new.rejected,
        first_at=new.first_at,
        last_at=new.last_at,
        seconds=round(seconds, 3),
        total=_counted("", old.alerts, new.alerts, lambda _: ""),
        typologies=_by(old, new, lambda alert: alert.typology),
        institutions=_by(old, new, lambda alert: alert.institution),
        decisions=_by(old, new, _decision),
        days=_days(old, new),
        new_alerts=_listed(new.alerts, old.alerts),
        gone_alerts=_listed(old.alerts, new.alerts),
    )


def day_of(at: int) -> str:
    """The day of Kazakhstan's calendar in which an instant (ms UTC) lies.

    >>> day_of(1_795_460_400_000)
    '2026-11-24'
    """
    return datetime.fromtimestamp((at + LOCAL_OFFSET_MS) // 1000, UTC).strftime("%Y-%m-%d")


def _decision(alert: AlertLine) -> str:
    return "shadow" if alert.status == "shadow" else alert.decision or "none"


def _by(old: Run, new: Run, name_of: Callable[[AlertLine], str]) -> list[CountChange]:
    names = sorted({name_of(alert) for alert in chain(old.alerts.values(), new.alerts.values())})
    return [_counted(name, old.alerts, new.alerts, name_of) for name in names]


def _counted(
    name: str, old: Mapping[str, AlertLine], new: Mapping[str, AlertLine], name_of: Callable[[AlertLine], str]
) -> CountChange:
    before = {key: alert for key, alert in old.items() if name_of(alert) == name}
    after = {key: alert for key, alert in new.items() if name_of(alert) == name}
    # An alert that only changed its decision is new under one decision and gone under another.
    fresh = [after[key] for key in after.keys() - before.keys()]
    gone = [before[key] for key in before.keys() - after.keys()]
    labelled = any(alert.fraud is not None for alert in chain(before.values(), after.values()))
    return CountChange(
        name=name,
        before=len(before),
        after=len(after),
        new=len(fresh),
        gone=len(gone),
        new_wrong=sum(alert.fraud is False for alert in fresh) if labelled else None,
        gone_right=sum(alert.fraud is True for alert in gone) if labelled else None,
    )


def _days(old: Run, new: Run) -> list[DayChange]:
    before, after = (Counter(day_of(alert.occurred_at) for alert in run.alerts.values()) for run in (old, new))
    return [DayChange(day=day, before=before[day], after=after[day]) for day in sorted({*before, *after})]


def _listed(those: Mapping[str, AlertLine], without: Mapping[str, AlertLine]) -> list[AlertLine]:
    only: Iterable[AlertLine] = (alert for key, alert in those.items() if key not in without)
    return sorted(only, key=lambda alert: (-alert.score, alert.occurred_at, alert.alert_id))[:MOST_LISTED]
