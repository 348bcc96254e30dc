"""What the demo leaves in a console: its people, everything that the center said, and three cases worth opening."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from console import audit
from console.feed.feed import Feed
from console.feed.records import Reader
from console.keyring import Keyring
from console.people import demo
from console.people.roles import permissions_of
from console.store import cases
from console.store.opening import Store
from console.store.tables import alerts, campaigns
from console.web.house import wall_clock
from streams.topics import Topics, TopicSettings

OWNER: Final = "analyst"
# What each case is about: of the campaigns that these typologies found, the one that most people lost money to.
_CASES: Final = (
    ("A pyramid that pays the old with the money of the new", ("T01", "T13")),
    ("A call, a loan, and the money gone", ("T06", "T07", "T12", "T18")),
    ("Strangers' money passed on within the hour", ("T03", "T04", "T16")),
)


class FeedStopped(RuntimeError):
    """The feed has not brought everything into the store; its words say why."""


class Case(NamedTuple):
    """A case as the demo's last words name it."""

    case_id: int
    title: str
    alerts: int


def fill(store: Store, keys: Keyring, servers: str, topics: TopicSettings, seconds: float) -> None:
    """Bring everything that stands on the topics into the store.

    Raises:
        FeedStopped: it took longer than `seconds`, or the feed ended.
    """
    sources = {source.name: source for source in Topics.of(topics).sources}
    feed = Feed(store, servers, Reader(keys.tokens, sources))
    feed.start()
    deadline = time.monotonic() + seconds
    try:
        while not (feed.state.phase == "following" and feed.state.behind == 0):
            if feed.state.phase in ("refused", "failed"):
                raise FeedStopped(f"{feed.state.message} {feed.state.remedy}")
            if time.monotonic() > deadline:
                raise FeedStopped(f"After {seconds:.0f} s {feed.state.behind:,} records are not in the case store yet.")
            time.sleep(0.1)
    finally:
        feed.stop()


def open_cases(store: Store, keys: Keyring, clock: Callable[[], int] = wall_clock) -> list[Case]:
    """Make the demo's people and, from the campaigns that cost people most, their cases; kinds not found have none."""
    analyst = audit.System(OWNER, "analyst", permissions_of("analyst"))
    made = []
    with store.writing() as connection:
        demo.add_people(connection, keys, clock())
        for title, typologies in _CASES:
            found = _costliest(connection, typologies)
            if found is None:
                continue
            campaign_id, size = found
            case_id = cases.open_case(connection, analyst, title, now=clock(), campaign_id=campaign_id)
            made.append(Case(case_id, title, size))
    return made


def _costliest(connection: Connection, typologies: tuple[str, ...]) -> tuple[int, int] | None:
    """The campaign without a case in which these typologies found most victims, then money, and how many alerts."""
    query = (
        select(campaigns.c.campaign_id, campaigns.c.alerts)
        .join(alerts, alerts.c.campaign_id == campaigns.c.campaign_id)
        .where(alerts.c.typology.in_(typologies), alerts.c.status == "active", alerts.c.case_id.is_(None))
        .where(campaigns.c.alerts <= cases.MOST_ALERTS)
        .group_by(campaigns.c.campaign_id, campaigns.c.alerts, campaigns.c.victims, campaigns.c.amount)
        .order_by(func.count().desc(), campaigns.c.victims.desc(), campaigns.c.amount.desc(), campaigns.c.campaign_id)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row[0], row[1])
