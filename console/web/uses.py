"""When sessions were last used, written down a little later and together: no page waits for whoever writes then."""

from __future__ import annotations

import threading
from typing import Final

from console.people import sessions
from console.store.errors import StoreAway, StoreFull, StoreLocked
from console.store.opening import Store

WRITE_SECONDS: Final = 5.0


class Uses:
    """`note` may be called by any thread; between `start` and `stop` what was noted is written every few seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[str, int] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session-uses", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is not written yet, and end."""
        self._over.set()
        self._thread.join()

    def note(self, session_hash: str, now: int) -> None:
        """A session was used, at `now` in ms UTC."""
        with self._lock:
            self._noted[session_hash] = now

    def write(self) -> None:
        """Write down what was noted; while the store cannot be written to it stays noted."""
        with self._lock:
            noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            with self._store.writing() as connection:
                for session_hash, now in sorted(noted.items()):
                    sessions.touch(connection, session_hash, now)
        except (StoreFull, StoreLocked, StoreAway):
            with self._lock:
                self._noted = noted | self._noted

    def _run(self) -> None:
        while not self._over.wait(WRITE_SECONDS):
            self.write()
        self.write()
