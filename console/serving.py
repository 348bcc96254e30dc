"""Everything that `antifraud console` runs: the web server and the sender to Kafka here, the feed from it beside."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from console.feed.process import FeedProcess
from console.keyring import Keyring
from console.outbound import Sender
from console.settings import ConsoleSettings
from console.store.opening import Store
from console.web.app import create_app
from console.web.house import wall_clock
from console.web.rulebooks import open_desk

_BACKLOG: Final = 128
_SWITCH_SECONDS: Final = 0.0005
_STOP_SECONDS: Final = 5


class AddressTaken(Exception):
    """Nothing can listen at this address; `remedy` says what to do about it."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.message = f"The console cannot listen at {host}:{port}: {reason}."
        self.remedy = "Choose another with --host and --port; --port 0 takes any free one."
        super().__init__(f"{self.message} {self.remedy}")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any free one.

    Raises:
        AddressTaken: another program listens there, or the address is not this machine's.
    """
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        reason = "another program does" if error.errno == errno.EADDRINUSE else (error.strerror or "no such address")
        raise AddressTaken(host, port, reason) from None


def serve(
    settings: ConsoleSettings, store: Store, keys: Keyring, servers: str | None, listening: socket.socket
) -> None:
    """Answer requests at a socket until the process is asked to end; without `servers` nothing comes from Kafka.

    `app.state.feed` and `app.state.sender` tell pages how those two are doing; both are None without Kafka.
    """
    # A thread that reads rows gives the interpreter away at each of them, and one that renders a page keeps it for so
    # long: with Python's 5 ms a page of many rows would come last.
    sys.setswitchinterval(_SWITCH_SECONDS)
    app = create_app(settings, store, keys)
    # uvicorn ends the process by the signal that it got: as an exception, so that the feed's process is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with connected(app, settings, store, keys, servers):
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,  # addresses name alerts and subjects
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[listening])


@contextlib.contextmanager
def connected(
    app: FastAPI, settings: ConsoleSettings, store: Store, keys: Keyring, servers: str | None
) -> Iterator[None]:
    """Run the feed and the sender beside an application, where there is a Kafka to run them with."""
    app.state.feed = app.state.sender = None
    with contextlib.closing(open_desk(app, servers)):
        if servers is None:
            yield
            return
        yield from _with_kafka(app, settings, store, keys, servers)


def _with_kafka(app: FastAPI, settings: ConsoleSettings, store: Store, keys: Keyring, servers: str) -> Iterator[None]:
    feed = FeedProcess(settings.store, servers)
    sender = Sender(store, servers, keys.vault, wall_clock, {})
    app.state.feed, app.state.sender = feed, sender
    feed.start()
    sender.start()
    try:
        yield
    finally:
        feed.stop()
        sender.stop()
