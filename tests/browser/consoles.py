"""A console of a test's own, without a center: over a small store, in this process, so that a test can fault it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from playwright.sync_api import Browser
from sqlalchemy import delete, func, insert, select, update

from console.people.demo import add_people
from console.serving import connected, listen
from console.settings import ConsoleSettings
from console.store.opening import Store
from console.store.tables import alerts, identities, sessions, users
from console.web.app import create_app
from console.web.house import wall_clock
from tests.browser.conftest import Tab, sign_in
from tests.console.builders import alert, feed, person
from tests.console.web.clients import KEYS

ALERTS: Final = 12
TOPIC: Final = "suspicious-operations"
IIN: Final = "791028302728"
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True)
class Own:
    """A running console and the store behind it."""

    address: str
    store: Store
    file: Path
    somebody: Callable[..., Tab]

    def count(self, table: Any, *conditions: Any) -> int:
        """How many rows of a table there are."""
        with self.store.reading() as connection:
            return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()

    def state_of(self, number: int) -> str:
        """The state of alert `number`."""
        with self.store.reading() as connection:
            chosen = select(alerts.c.state).where(alerts.c.alert_id == f"{number:032x}")
            return str(connection.scalar(chosen))

    def end_sessions(self, username: str) -> None:
        """Sign somebody out, as time does."""
        with self.store.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.username == username))


def filled(folder: Path, *, name: str = "Айгүл", explanation: str | None = None) -> tuple[Store, Path]:
    """A store with alerts 1 to ALERTS, each on a payment between two others, all with the same `name` and number."""
    store, file = empty(folder)
    feed(store, TOPIC, *(alert_of(number, explanation) for number in range(1, ALERTS + 1)), now=wall_clock())
    plain = json.dumps({"kind": "person", "id": IIN, "name": name}).encode()
    tokens = [person(number).text for party in (100, 200) for number in range(party + 1, party + ALERTS + 1)]
    keys = [key for token in tokens for key in (token, f"{token}/name")]
    sealed = [{"record_key": key, "sealed": KEYS.vault.seal(key.encode(), plain)} for key in keys]
    with store.writing() as connection:
        connection.execute(insert(identities), sealed)
    return store, file


def empty(folder: Path) -> tuple[Store, Path]:
    """A store with the demo's people in it, to whom no alert has come yet."""
    file = folder / "cases.db"
    store = Store.open(f"sqlite:///{file}")
    with store.writing() as connection:
        add_people(connection, KEYS, wall_clock())
        connection.execute(update(users).values(language="en"))
    return store, file


def alert_of(number: int, explanation: str | None = None) -> dict[str, Any]:
    """Alert `number`, an hour old."""
    said: dict[str, Any] = (
        {} if explanation is None else {"explanation": dict.fromkeys(("kk", "ru", "en"), explanation)}
    )
    return alert(number, payer=person(100 + number), payee=person(200 + number), at=wall_clock() - _HOUR_MS, **said)


def path_of(number: int) -> str:
    """Where the page of alert `number` is."""
    return f"alerts/{number:032x}"


@contextmanager
def own_console(chromium: Browser, folder: Path, **said: str) -> Iterator[Own]:
    """A console without Kafka over a store of its own, which says what `filled` is told; while the block runs."""
    store, file = filled(folder, **said)
    with contextlib.closing(store), served(store, file, chromium) as running:
        yield running


@contextmanager
def served(store: Store, file: Path, chromium: Browser, *, port: int = 0, servers: str | None = None) -> Iterator[Own]:
    """The console while the block runs, connected to `servers` where they are given."""
    settings = ConsoleSettings(store=f"sqlite:///{file}", audit_heads=file.parent / "audit-heads.jsonl")
    app = create_app(settings, store, KEYS)
    listening = listen("127.0.0.1", port)
    # Streams of events do not end by themselves: nobody waits for them here.
    config = uvicorn.Config(app, log_config=None, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    with connected(app, settings, store, KEYS, servers):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        contexts = []

        def somebody(username: str, language: str = "en") -> Tab:
            tab, context = sign_in(chromium, address, username, language)
            contexts.append(context)
            return tab

        yield Own(address, store, file, somebody)
        for context in contexts:
            context.close()
        server.should_exit = True
        thread.join()
