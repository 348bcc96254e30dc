"""A page waits for nobody who writes, and yet a session that is used goes on."""

from __future__ import annotations

from sqlalchemy import select

from console.people.sessions import IDLE_MS, TOUCH_MS
from console.store.opening import Store
from console.store.tables import sessions
from tests.console.builders import NOW
from tests.console.web.clients import signed_in


def test_the_use_of_a_session_is_written_down_after_the_page(store: Store) -> None:
    now = [NOW]
    browser = signed_in(store, "analyst", clock=lambda: now[0])
    now[0] += TOUCH_MS + 1
    with store.writing():
        assert browser.get("/queue").status_code == 200
    assert seen_at(store) == NOW
    browser.app.state.house.uses.write()  # type: ignore[attr-defined]
    assert seen_at(store) == now[0]


def test_a_session_that_is_about_to_end_is_written_down_at_once(store: Store) -> None:
    now = [NOW]
    browser = signed_in(store, "analyst", clock=lambda: now[0])
    for _ in range(3):
        now[0] += IDLE_MS - 1
        assert browser.get("/queue").status_code == 200
    assert seen_at(store) == now[0]


def seen_at(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute(select(sessions.c.seen_at)).scalar_one()
