"""What a case is about in a few figures, what is to be done next in it, and its course day by day."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

from console.store.errors import NotFound
from console.web.api.alert_models import AlertRow
from console.web.api.case_models import CaseDetail, MomentView
from console.web.formats import KAZAKHSTAN

PAGE: Final = 100  # alerts of a case that its page shows at once: it stays light
Next = Literal["nothing", "close", "check", "add", "work", "file"]


class Found(NamedTuple):
    """A typology and how many alerts of the case it raised."""

    typology: str
    name: str
    alerts: int


class Summary(NamedTuple):
    """A case at a glance: instants are ms UTC, None where the case has no alerts."""

    typologies: list[Found]
    people: int  # whom its alerts are about, each counted once
    first: int | None
    last: int | None
    unworked: int  # alerts that nobody has closed
    next: Next


class Step(NamedTuple):
    """A line of the course: alerts of one day together, anything else alone."""

    at: int
    moments: list[MomentView]
    typologies: list[tuple[str, int]]  # of the alerts and how many of each, the most frequent first


def summary(found: CaseDetail) -> Summary:
    """What the case is about."""
    names = {each.typology: each.typology_name for each in found.alerts}
    counted = Counter(each.typology for each in found.alerts).most_common()
    moments = [each.occurred_at for each in found.alerts]
    unworked = sum(each.state != "closed" for each in found.alerts)
    return Summary(
        typologies=[Found(typology, names[typology], number) for typology, number in counted],
        people=len({each.subject for each in found.alerts}),
        first=min(moments, default=None),
        last=max(moments, default=None),
        unworked=unworked,
        next=_next(found, unworked),
    )


class Part(NamedTuple):
    """The alerts that one page of a case lists: its `page`, counted from 1, and which of all they are."""

    alerts: list[AlertRow]
    page: int
    first: int  # counted from 1
    last: int  # 0 where the case has none
    more: bool


def part(found: CaseDetail, page: int) -> Part:
    """A page of the alerts; NotFound where the case has fewer, but for the first page of an empty one."""
    first = PAGE * (page - 1)
    alerts = found.alerts[first : first + PAGE]
    if not alerts and page > 1:
        raise NotFound("page")
    last = first + len(alerts)
    return Part(alerts, page, first + 1, last, last < len(found.alerts))


def course(moments: Sequence[MomentView]) -> list[Step]:
    """The moments of a case, the latest first, with the alerts of one day in one line."""
    steps: list[Step] = []
    for day, same in itertools.groupby(moments, key=_day):
        together = list(same)
        if day is None:
            steps += [Step(each.at, [each], []) for each in together]
        else:
            typologies = Counter(each.what for each in together).most_common()
            steps.append(Step(together[0].at, together, typologies))
    return steps


def _day(moment: MomentView) -> date | None:
    """The day in Kazakhstan of an alert; None for what stands alone."""
    return datetime.fromtimestamp(moment.at / 1_000, KAZAKHSTAN).date() if moment.sort == "alert" else None


def _next(found: CaseDetail, unworked: int) -> Next:
    if found.case.state == "closed":
        return "nothing"
    if any(each.state == "proposed" for each in found.proposals):
        return "check"
    if found.case.state == "filed":
        return "close"
    if not found.alerts:
        return "add"
    return "work" if unworked else "file"
