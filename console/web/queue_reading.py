"""What the queue's page and the queue's API answer with: one function for both."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from console.store import queue
from console.store.queue import COUNTED
from console.store.severity import LEVELS
from console.store.sieve import Sieve
from console.web.api.alert_models import Counts, QueuePage, alert_rows, queue_page
from console.web.queue_query import QueueQuery
from console.web.viewer import Viewer
from rules.rulebook import Rulebook
from rules.typology import Typology

MOST_NEW = 50  # that are put into a page that is open; of more it is told how many there are


@functools.cache
def typologies() -> tuple[Typology, ...]:
    """The typologies of this version of the center, by whose names one can search."""
    return _rulebook().typologies


@functools.cache
def feature_texts() -> Mapping[str, Mapping[str, str]]:
    """What each declared feature measures, by its name and the language."""
    return {feature.name: feature.text for feature in _rulebook().declared}


@functools.cache
def _rulebook() -> Rulebook:
    return Rulebook.load()


def read(connection: Connection, viewer: Viewer, query: QueueQuery, *, now: int) -> QueuePage:
    """A page of the queue."""
    sieve = query.sieve(viewer.username, typologies())
    found = queue.by_severity(connection, sieve, now=now)
    counts = Counts(
        cap=COUNTED,
        total=min(sum(found.values()), COUNTED + 1),
        by_severity={LEVELS[rank]: number for rank, number in found.items()},
    )
    newest = queue.newest(connection)
    # A severity of which there is nothing need not be walked.
    wanted = replace(sieve, severities=tuple(rank for rank, number in found.items() if number))
    if not wanted.severities:
        return QueuePage(counts=counts, next=None, newest=newest)
    reading = queue.grouped if query.view == "campaigns" else queue.page
    return queue_page(connection, viewer, reading(connection, wanted, now=now, after=query.place), counts, newest)


def arrived(connection: Connection, viewer: Viewer, query: QueueQuery, seq: int, *, now: int) -> QueuePage:
    """Alerts that pass and came after `seq`, the newest first and at most MOST_NEW; counts are of these."""
    sieve: Sieve = query.sieve(viewer.username, typologies())
    newest = queue.newest(connection)
    rows = alert_rows(connection, viewer, queue.since(connection, sieve, seq, now=now, limit=MOST_NEW))
    by_severity = {level: sum(row.severity == level for row in rows) for level in LEVELS}
    return QueuePage(
        alerts=rows, counts=Counts(cap=MOST_NEW, total=len(rows), by_severity=by_severity), next=None, newest=newest
    )
