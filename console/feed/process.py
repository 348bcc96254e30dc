"""The feed in a process of its own, kept running: it takes no processor from the pages, and they none from it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Final

import structlog

from console.feed.state import ENDED, FeedState, read

log = structlog.get_logger(__name__)

_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0
_WELL_SECONDS: Final = 60.0  # after a process that ran for so long the next waits only as long as the first
_STOP_SECONDS: Final = 8.0
_REMEDY: Final = "It is started again by itself; where that does not help, its log says why."


class FeedProcess:
    """`start` it once; `state` may be read by any thread at any time, and is what the process last told."""

    def __init__(self, store: str, servers: str) -> None:
        """`store` is the address of the case store, `servers` that of Kafka."""
        # Not as arguments: the store's address may have a password, and who may list processes sees those.
        self._environment = {"ANTIFRAUD_STORE": store, "KAFKA_BOOTSTRAP_SERVERS": servers}
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        # The process ends with the thread that started it: it is this one, not one that ends before.
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self.state = FeedState("starting", _now())

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping.set()
        if self._process is not None:
            self._process.terminate()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        if self._process is not None:
            self._process.kill()

    def _run(self) -> None:
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                code = self._listen()
            except OSError as error:  # no memory for another process, say
                code = error.errno or 0
            if self._stopping.is_set() or self.state.phase in ENDED:
                return
            if self.state.well or self.state.phase == "starting":
                words = f"The feed's process has ended (code {code})."
                self.state = FeedState("failed", _now(), self.state.behind, message=words, remedy=_REMEDY)
            if time.monotonic() - began >= _WELL_SECONDS:
                wait = _FIRST_WAIT
            log.warning("feed's process ended, starting it again", code=code, seconds=wait)
            self._stopping.wait(wait)
            wait = min(_LONGEST_WAIT, 2 * wait)

    def _listen(self) -> int:
        """Run the process to its end, taking in what it tells; its exit code."""
        self._process = process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "console.feed", str(os.getpid())],
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        if self._stopping.is_set():
            process.terminate()  # asked for while it was being started
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                self.state = read(line)
        return process.returncode


def _now() -> int:
    return int(time.time() * 1000)
