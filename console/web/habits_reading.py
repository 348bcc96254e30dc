"""Puts what is usual for a subject into the form that pages and the API show, beside an alert and on its own."""

from __future__ import annotations

from dataclasses import asdict

from console.store.habits import Habits, hour_of
from console.web.api.alert_detail import HabitsView, SideView


def habits_view(
    usual: Habits, moment: int, *, times_median: float | None = None, counterparty_is_new: bool | None = None
) -> HabitsView:
    """The habits, and whether `moment` (ms UTC) is among their hours; the rest is of an event that they are held to."""
    hour, usual_hours = hour_of(moment), usual.usual_hours
    return HabitsView(
        operations=usual.operations,
        days=usual.days,
        paid=SideView(**asdict(usual.paid)),
        received=SideView(**asdict(usual.received)),
        hours=list(usual.hours),
        usual_hours=sorted(usual_hours),
        times_median=times_median,
        hour=hour,
        hour_is_usual=hour in usual_hours,
        counterparty_is_new=counterparty_is_new,
    )
