"""The thread that keeps the case store up to date with Kafka, waits out what fails, and says what it is doing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog

from console.feed import offsets
from console.feed.broker import Broker, open_broker
from console.feed.offsets import OtherCluster, Partition, Place, ReadElsewhere
from console.feed.projection import BUNDLE_BYTES, bundles, store_records
from console.feed.pruning import Pruner
from console.feed.records import Reader, Record
from console.feed.state import FeedState, Phase
from console.store.errors import StoreError
from console.store.opening import Store
from streams.delivery import DeliveryError

log = structlog.get_logger(__name__)

ASK_SECONDS: Final = 2.0  # between two looks at where the topics end
DISCOVER_SECONDS: Final = 15.0
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 15.0
_TRANSACTION_SECONDS: Final = 0.5
_LONGEST_REST: Final = 1.0
_SMALLEST_BUNDLE: Final = 16 * 1024  # bytes of records
_LARGEST_BUNDLE: Final = 4 * 1024 * 1024
_CAUGHT_UP: Final = 100  # records behind that are called keeping up


class Feed:
    """`start` it once; `state` may be read by any thread at any time."""

    def __init__(
        self,
        store: Store,
        servers: str,
        reader: Reader,
        *,
        options: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
        operations_days: int = 0,
        rest: float = 0.0,
    ) -> None:
        """`options` of kafka-python say how to reach the broker and who one is; `clock` tells seconds since 1970.

        Operations that nobody has a reason to look at are kept for `operations_days`; 0: for ever. After each
        transaction the feed rests `rest` times as long as it took.
        """
        self._store = store
        self._servers = servers
        self._reader = reader
        self._options = dict(options or {})
        self._clock = clock
        self._pruner = Pruner(store, operations_days)
        self._stopping = threading.Event()
        self._places: dict[Partition, Place] = {}
        self._rest = rest
        self._bundle_bytes = BUNDLE_BYTES
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self.state = FeedState("starting", self._now())

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """End after the batch in hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            try:
                with open_broker(self._servers, self._options) as broker:
                    wait = _FIRST_WAIT
                    self._read_on(broker)
            except OtherCluster as error:
                self._say("refused", error.message, error.remedy)
                return
            except (DeliveryError, StoreError) as error:
                self._say(
                    "no_broker" if isinstance(error, DeliveryError) else "store_waits", error.message, error.remedy
                )
                self._stopping.wait(wait)
                wait = min(_LONGEST_WAIT, 2 * wait)
            except Exception as error:
                # Not understood, so not to be tried again and again: the pages go on and say that nothing new comes.
                log.exception("the feed has ended")
                words = f"The feed has ended by a fault of the center ({type(error).__name__})."
                self._say("failed", words, "Start the console again; if it ends again, send the log to who keeps it.")
                return
        self._say("stopped")

    def _read_on(self, broker: Broker) -> None:
        with self._store.reading() as connection:
            self._places = offsets.read(connection, broker.cluster)
        asked = discovered = float("-inf")
        while not self._stopping.is_set():
            now = time.monotonic()
            if now - discovered >= DISCOVER_SECONDS:
                broker.discover(self._places)
                discovered = now
            if now - asked >= ASK_SECONDS:
                self._measure(broker)
                asked = now
            records = broker.poll()
            if not records and self.state.phase == "following":
                self._pruner.step(self._now())
            for bundle in bundles(records, lambda: self._bundle_bytes):
                began = time.monotonic()
                self._keep(bundle, broker.cluster)
                took = time.monotonic() - began
                self._fit(took)
                self._stopping.wait(min(_LONGEST_REST, self._rest * took))

    def _fit(self, seconds: float) -> None:
        """Let a bundle be as large as can be written quickly: an analyst's change waits for it.

        How much that is depends on what else the machine does, which the feed leaves the processor to.
        """
        if seconds > _TRANSACTION_SECONDS:
            self._bundle_bytes = max(_SMALLEST_BUNDLE, self._bundle_bytes // 2)
        elif seconds < _TRANSACTION_SECONDS / 3:
            self._bundle_bytes = min(_LARGEST_BUNDLE, self._bundle_bytes * 2)

    def _keep(self, records: Sequence[Record], cluster: str) -> None:
        """Write a bundle, however long the store makes it wait: what is not written is not passed over."""
        wait = _FIRST_WAIT
        before = self.state
        while not self._stopping.is_set():
            try:
                self._places = store_records(self._store, self._reader, records, self._places, cluster, self._now())
            except ReadElsewhere:
                raise
            except StoreError as error:
                # What a transaction that was undone has told of tokens is to be told again.
                self._reader.told.clear()
                self._say("store_waits", error.message, error.remedy)
                self._stopping.wait(wait)
                wait = min(_LONGEST_WAIT, 2 * wait)
                continue
            if not self.state.well:
                self._say(before.phase if before.well else "catching_up")
            unreadable = self._reader.unreadable.total()
            self.state = replace(self.state, unreadable=unreadable)
            return

    def _measure(self, broker: Broker) -> None:
        behind = offsets.behind(self._places, broker.ends())
        self._say("catching_up" if behind > _CAUGHT_UP else "following")
        self.state = replace(self.state, behind=behind)

    def _say(self, phase: Phase, message: str = "", remedy: str = "") -> None:
        if (phase, message) == (self.state.phase, self.state.message):
            return
        if message:
            log.warning("feed", phase=phase, reason=message)
        self.state = replace(self.state, phase=phase, since=self._now(), message=message, remedy=remedy)

    def _now(self) -> int:
        return int(self._clock() * 1000)
