"""`python -m console.feed PARENT`: the feed as a process of its own, started by console/feed/process.py.

The environment says which store and which Kafka; each new state of the feed goes to standard output as a line of JSON.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Final, TextIO

from console.feed.feed import Feed
from console.feed.records import Reader
from console.feed.state import ENDED, FeedState, written
from console.settings import ConsoleSettings
from console.store.errors import StoreError
from console.store.opening import Store
from streams.kafka import KafkaSettings
from streams.logs import configure_logs
from streams.supervisor import die_with_parent
from streams.tokens import TokenKey
from streams.topics import Topics

# The center judges first, and pages are answered first. Lower still, and a busy machine would let it stand still with
# the store in its hands.
NICENESS: Final = 10
REST: Final = 2.0  # times as long as it wrote: of one processor it takes at most a third
_TELL_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 3.0  # then the batch in hand is given up: nothing of it is written, and it is read again


def main() -> int:
    """Feed the store until asked to end, or until there is nothing more to be done; the exit code."""
    die_with_parent(int(sys.argv[1]))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the console's, which then ends this process
    configure_logs()
    telling = _only_ours()
    settings = ConsoleSettings()
    try:
        store = Store.open(settings.store)
    except StoreError as error:
        _tell(telling, FeedState("store_waits", int(time.time() * 1000), message=error.message, remedy=error.remedy))
        return 1
    sources = {source.name: source for source in Topics.load().sources}
    os.nice(NICENESS)  # now that it has started
    reader = Reader(TokenKey.load(os.environ), sources)
    feed = Feed(store, KafkaSettings().bootstrap_servers, reader, operations_days=settings.operations_days, rest=REST)
    _run(feed, stopping, telling)
    store.close()
    return 0


def _only_ours() -> TextIO:
    """Standard output for our lines alone: what a library prints goes to standard error."""
    telling = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return telling


def _run(feed: Feed, stopping: threading.Event, telling: TextIO) -> None:
    feed.start()
    told: FeedState | None = None
    while not (stopping.wait(_TELL_SECONDS) or (told and told.phase in ENDED)):
        if feed.state != told:
            told = feed.state
            _tell(telling, told)
    feed.stop(_STOP_SECONDS)


def _tell(telling: TextIO, state: FeedState) -> None:
    telling.write(f"{written(state)}\n")
    telling.flush()


if __name__ == "__main__":
    sys.exit(main())
