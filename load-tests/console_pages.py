"""The pages that analysts ask for in load tests: addresses by name, each as often as an office would want it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from console_filling import BANKS, CASES, NOW, PEOPLE, alert_id_of, token_of

from console.statistics.period import today

FAR_DOWN: Final = "2..5000000.1000000000"  # a place in the queue behind some hundred thousand alerts
FAR_DOWN_CLOSED: Final = "2..0.300000"
_LAST_DAY: Final = today(NOW)


@dataclass(frozen=True)
class Page:
    """A kind of page: `share` of all that is asked for, and an address of it by chance."""

    name: str
    share: float
    address: Callable[[random.Random], str]


def _queue(**filters: object) -> Callable[[random.Random], str]:
    address = f"/queue?{urlencode(filters, doseq=True)}"
    return lambda _: address


def _a_day(chance: random.Random) -> str:
    day = _LAST_DAY - timedelta(days=chance.randrange(1, 300))
    return f"/queue?{urlencode({'view': 'alerts', 'since': day.isoformat(), 'until': day.isoformat()})}"


def _subject(chance: random.Random) -> str:
    return f"/subjects/{token_of(chance.randrange(1_000, PEOPLE))}"


def _busiest(chance: random.Random) -> str:
    return f"/subjects/{token_of(chance.randrange(3))}"


def _network(subject: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
    return lambda chance: f"/api{subject(chance)}/network?hops=2&most=200"


def _way(chance: random.Random) -> str:
    ends = {"from": token_of(chance.randrange(PEOPLE)), "to": token_of(chance.randrange(PEOPLE))}
    return f"/api/paths?{urlencode(ends)}"


def _statistics(block: str, days: int) -> Callable[[random.Random], str]:
    def address(chance: random.Random) -> str:
        last: date = _LAST_DAY - timedelta(days=chance.randrange(5))
        period = {"from": (last - timedelta(days=days - 1)).isoformat(), "to": last.isoformat()}
        return f"/statistics/{block}?{urlencode(period)}"

    return address


def pages(alerts: int) -> tuple[Page, ...]:
    """All of them, over a store that was filled with so many alerts."""
    return (
        Page("queue: campaigns", 14, _queue()),
        Page("queue: campaigns, second page", 3, _queue(after="3..40000000.1000000000")),
        Page("queue: campaigns, far down", 2, _queue(after=FAR_DOWN)),
        Page("queue: campaigns, typology and bank", 3, _queue(typology="T19", institution=BANKS[5])),
        Page("queue: campaigns, mine", 3, _queue(assignee="me")),
        Page("queue: alerts", 4, _queue(view="alerts")),
        Page("queue: alerts, far down", 2, _queue(view="alerts", after=FAR_DOWN)),
        Page("queue: alerts, one typology", 2, _queue(view="alerts", typology="T19")),
        Page("queue: three filters", 2, _queue(view="alerts", typology="T19", institution=BANKS[5], assignee="-")),
        Page("queue: critical ones of payers", 2, _queue(view="alerts", severity="critical", role="payer")),
        Page("queue: a day", 2, _a_day),
        Page("queue: from 50 million", 2, _queue(view="alerts", least=50_000_000)),
        Page("queue: search by name", 3, _queue(text="пирамид")),
        Page("queue: nothing passes", 2, _queue(institution="NOBANKKZ")),
        Page("queue: closed", 2, _queue(state="closed")),
        Page("queue: closed, typology, far down", 2, _queue(state="closed", typology="T19", after=FAR_DOWN_CLOSED)),
        Page("queue: closed, nothing passes", 2, _queue(state="closed", institution="NOBANKKZ")),
        Page("queue: a campaign opened", 3, lambda chance: f"/queue/campaigns/{chance.randrange(1, alerts // 20)}"),
        Page("queue: the largest campaign opened", 1, lambda _: "/queue/campaigns/1"),
        Page("alert", 20, lambda chance: f"/alerts/{alert_id_of(chance.randrange(1, alerts + 1))}"),
        Page("subject", 8, _subject),
        Page("subject, the busiest", 2, _busiest),
        Page("cases", 2, lambda _: "/cases"),
        Page("case", 2, lambda chance: f"/cases/{chance.choice([n for n in range(1, CASES + 1) if n % 10])}"),
        Page("network of 200", 4, _network(_subject)),
        Page("network of 200, the busiest", 2, _network(_busiest)),
        Page("a way between two", 1, _way),
        Page("statistics: frauds, a month", 2, _statistics("frauds", 30)),
        Page("statistics: frauds, a year", 1, _statistics("frauds", 365)),
        Page("statistics: money, a year", 1, _statistics("money", 365)),
    )  # fmt: skip
