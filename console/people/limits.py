"""How often one address may knock: attempts to sign in are counted before a password is looked at."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import Final

_ADDRESSES: Final = 10_000  # kept at most; the one that has been silent for longest is forgotten


class Attempts:
    """So many attempts in so long for each address, in this process."""

    def __init__(self, most: int = 20, within_ms: int = 60_000) -> None:
        self._most = most
        self._within = within_ms
        self._lock = threading.Lock()
        self._times: OrderedDict[str, deque[int]] = OrderedDict()

    def allowed(self, address: str, now: int) -> bool:
        """Count one more attempt of an address, unless it has had its share.

        >>> attempts = Attempts(most=2, within_ms=1_000)
        >>> [attempts.allowed("192.0.2.1", now) for now in (0, 1, 2, 1_001)]
        [True, True, False, True]
        """
        with self._lock:
            times = self._times.setdefault(address, deque())
            self._times.move_to_end(address)
            while times and times[0] <= now - self._within:
                times.popleft()
            if len(times) >= self._most:
                return False
            times.append(now)
            if len(self._times) > _ADDRESSES:
                self._times.popitem(last=False)
            return True
