"""The console of the demo: filled from its topics, with three cases to open; it stays when the demo has ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streams.center import NotReady, demo_environment
from streams.cli.common import output
from streams.kafka_ports import free_port
from streams.topics import TopicSettings

if TYPE_CHECKING:
    from console.showcase import Case

FOLDER: Final = Path("var/demo")  # where the demo's console keeps what it has
FILL_SECONDS: Final = 120.0
START_SECONDS: Final = 60.0
PORT: Final = 8400


@dataclass(frozen=True, slots=True)
class Prepared:
    """A filled store in a folder, and the cases in it that are worth opening."""

    folder: Path
    store: str
    cases: list[Case]

    @property
    def command(self) -> str:
        """What opens it later."""
        return f"ANTIFRAUD_DEMO=1 antifraud console --store {self.store} --no-feed"


def prepare(folder: Path, servers: str, topics: TopicSettings) -> Prepared:
    """Put everything that the demo's center said into a fresh store in a fresh folder, and open three cases.

    Raises:
        NotReady: not everything came into the store in time.
    """
    from console.keyring import Keyring
    from console.showcase import FeedStopped, fill, open_cases
    from console.store.opening import Store

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder / 'cases.db'}"
    keys = Keyring.load({**os.environ, **demo_environment()})
    store = Store.open(url)
    try:
        fill(store, keys, servers, topics, FILL_SECONDS)
        return Prepared(folder, url, open_cases(store, keys))
    except FeedStopped as error:
        raise NotReady(str(error)) from None
    finally:
        store.close()


@contextlib.contextmanager
def running(prepared: Prepared, servers: str) -> Iterator[str]:
    """The console as a process of its own while the block runs; its address.

    Raises:
        NotReady: it does not answer.
    """
    port = PORT if _is_free(PORT) else free_port()
    where = ("--store", prepared.store, "--port", str(port))
    log = (prepared.folder / "console.log").open("ab")
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "streams.cli", "console", *where, "--bootstrap", servers],
        env={
            **os.environ,
            **demo_environment(),
            "ANTIFRAUD_CONSOLE_AUDIT_HEADS": str(prepared.folder / "audit-heads.jsonl"),
        },
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        address = f"http://127.0.0.1:{port}/"
        _wait_for(process, address, prepared.folder)
        yield address
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        log.close()


def show(prepared: Prepared, address: str | None) -> None:
    """The demo's last words: where the console is, how to sign in, what to open."""
    from console.people.passwords import DEMO_PASSWORD

    if address is None:
        output.print(f"\nThe console keeps what was found: {prepared.command}", soft_wrap=True, highlight=False)
    else:
        output.print(f"\nThe console is at [bold]{address}[/]")
    output.print(
        f"Sign in as analyst, senior, compliance, auditor or admin; the password is {DEMO_PASSWORD}.", soft_wrap=True
    )
    for case in prepared.cases:
        where = (address or f"http://127.0.0.1:{PORT}/") + f"cases/{case.case_id}"
        output.print(f"  {where}  {case.title} ({case.alerts} alerts)", soft_wrap=True, highlight=False)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _wait_for(process: subprocess.Popen[bytes], address: str, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}sign-in", timeout=2):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise NotReady(f"The console does not answer: see {folder / 'console.log'}")
