"""What a worker tells the batch transport: which partitions go together, where its state stands, what to leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from faust.types import TP

from streams.batches import BATCH_BYTES, BATCH_RECORDS
from streams.fetch_clock import FetchClock


class Positions(Protocol):
    """Where the stateful partitions stand; the worker gives one to the transport."""

    async def assigned(self, positions: Mapping[TP, int], log_start: Mapping[TP, int]) -> None:
        """Prepare the state of these partitions (restore snapshots) and drop that of all others.

        `positions` are the committed offsets (or the log's start), `log_start` the earliest offsets that Kafka keeps.
        """

    def start_of(self, partition: TP) -> int | None:
        """The offset to read next, or None for the committed one."""


@dataclass(slots=True)
class BatchSettings:
    """What the worker may change; set on the Faust app as `app.batches` before it starts."""

    together: tuple[str, ...] = ()  # topics of which equal partition numbers go to one worker, and stay there
    whole: tuple[str, ...] = ()  # topics of which one worker has all partitions; the others stand by
    positions: Positions | None = None
    clock: FetchClock = field(default_factory=FetchClock)
    # Not to be read for now: sources far ahead of the slowest, partitions of `facts` far ahead of their views.
    held_sources: set[TP] = field(default_factory=set)
    held_facts: set[TP] = field(default_factory=set)
    max_records: int = BATCH_RECORDS
    max_bytes: int = BATCH_BYTES


def settings_of(app: Any) -> BatchSettings:
    """The app's batch settings, made with defaults where the app has none (a plain `faust -A` application)."""
    found = getattr(app, "batches", None)
    if found is None:
        found = app.batches = BatchSettings()
    assert isinstance(found, BatchSettings)
    return found
