"""What would have kept the latest alerts of a typology from being raised: their operations, changed and judged again.

Histories begin empty at the first operation that is kept; lists and the models' scores are as they were known when the
alert was raised. An alert that is not raised again from what is kept is told as such, and nothing more is said of it.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from kafka.errors import KafkaError

from console.rulebooks.evasions import cheapest_ways
from console.rulebooks.judged_log import Log
from console.rulebooks.kept_events import search
from console.rulebooks.reports import AlertEvasions, RecentAlerts, Way
from console.rulebooks.stories import Kept, Story, story_of_events, verdict
from console.store.recent_alerts import RecentAlert
from rules.rulebook import Rulebook

SECONDS: Final = 90.0  # for all alerts together
WAYS: Final = 3  # of each alert
TRIES: Final = 200  # judgements of each alert: real histories are longer than those of examples

# Finds events (hash → append time, ms UTC) until it is told to end.
Find = Callable[[Mapping[int, int], Callable[[], bool]], dict[int, Kept]]


def of_log(
    rulebook: Rulebook,
    typology_id: str,
    alerts: Sequence[RecentAlert],
    log: Log,
    *,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> RecentAlerts:
    """The cheapest ways past each alert, whose operations are read from the log."""
    began = time.monotonic()
    try:
        told = of_alerts(rulebook, typology_id, alerts, functools.partial(search, log), progress=progress)
    except KafkaError:
        return RecentAlerts(standing="away", seconds=0, alerts=[])
    return RecentAlerts(standing="read", seconds=round(time.monotonic() - began, 1), alerts=told)


def of_alerts(
    rulebook: Rulebook,
    typology_id: str,
    alerts: Sequence[RecentAlert],
    find: Find,
    *,
    seconds: float = SECONDS,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[AlertEvasions]:
    """The cheapest ways past each alert by what `find` finds of it; each gets its share of the seconds left."""
    place = [typology.id for typology in rulebook.typologies].index(typology_id)
    end = time.monotonic() + seconds
    told = []
    for number, alert in enumerate(alerts):
        left = end - time.monotonic()
        told.append(_of_one(rulebook, place, alert, find, time.monotonic() + left / (len(alerts) - number)))
        progress(number + 1, len(alerts))
    return told


def _of_one(rulebook: Rulebook, place: int, alert: RecentAlert, find: Find, end: float) -> AlertEvasions:
    def ended() -> bool:
        return time.monotonic() >= end

    kept = find(alert.appended_at, ended)
    story = story_of_events(kept.values(), alert.own)
    standing, ways = _ways(rulebook, place, alert, kept, story, ended)
    return AlertEvasions(
        alert_id=alert.alert_id,
        occurred_at=alert.occurred_at,
        standing=standing,
        operations=len(kept),
        missing=len(alert.appended_at.keys() - kept.keys()),
        ways=ways,
    )


def _ways(
    rulebook: Rulebook,
    place: int,
    alert: RecentAlert,
    kept: Mapping[int, Kept],
    story: Story,
    ended: Callable[[], bool],
) -> tuple[Literal["found", "none", "gone", "not_raised", "no_time"], list[Way]]:
    if alert.event not in kept:
        return ("no_time" if ended() else "gone"), []
    if verdict(rulebook, place, story).silent:
        return "not_raised", []
    ways, _ = cheapest_ways(rulebook, place, story, most_ways=WAYS, most_tries=TRIES, ended=ended)
    if ways:
        return "found", ways
    return ("no_time" if ended() else "none"), []
