"""Server-sent events: what has come is told once to everybody who waits, also to who comes back."""

from __future__ import annotations

import asyncio
import json
import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.people.roles import Role, permissions_of
from console.store.opening import Store
from console.web import live
from console.web.arrivals import Arrivals, Lines
from console.web.house import House
from console.web.lanes import Lane
from console.web.live import Pulse
from console.web.queue_query import QueueQuery
from console.web.viewer import Viewer
from tests.console.builders import NOW, alert, feed
from tests.console.web.clients import signed_in, stranger


def pulse_over(store: Store) -> Pulse:
    return Pulse(cast(House, SimpleNamespace(store=store)))


def test_fifty_viewers_are_told_by_one_who_looks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    read = Pulse._read
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(Pulse, "_read", lambda self: looked.append(1) or read(self))

    async def told() -> list[int | None]:
        pulse = pulse_over(store)
        waiting = [asyncio.create_task(pulse.beyond(0, 10.0)) for _ in range(50)]
        await asyncio.sleep(0.1)
        await asyncio.to_thread(feed, store, "suspicious-operations", alert(1), alert(2))
        return await asyncio.gather(*waiting)

    assert asyncio.run(told()) == [2] * 50
    assert len(looked) < 50


def test_who_comes_back_is_told_of_all_he_missed(store: Store) -> None:
    feed(store, "suspicious-operations", *(alert(number) for number in range(1, 6)))

    async def told() -> tuple[int | None, int | None]:
        pulse = pulse_over(store)
        return await pulse.beyond(2, 5.0), await pulse.beyond(5, 0.2)

    assert asyncio.run(told()) == (5, None)


class Asking:
    """A request as far as a stream of events looks at it."""

    def __init__(self, store: Store) -> None:
        self.app = signed_in(store, clock=lambda: NOW).app
        self.cookies: dict[str, str] = {}

    async def is_disconnected(self) -> bool:
        return False


def viewer(username: str = "analyst", role: Role = "analyst") -> Viewer:
    return Viewer(username, username, role, "en", permissions_of(role), "", "", False)


def test_events_bring_the_rows_that_pass_and_have_ids_to_go_on_from(store: Store) -> None:
    feed(store, "suspicious-operations", *(alert(n, typology="T01" if n == 2 else "T03") for n in range(1, 4)))

    async def first_two() -> list[str]:
        query = QueueQuery(typology=["T03"])
        events = live._events(cast(Any, Asking(store)), viewer(), query, 1)
        return [await anext(events), await anext(events)]

    greeting, told = asyncio.run(first_two())
    assert greeting == "retry: 2000\nid: 1\n\n"
    number, kind, data = told.strip().split("\n")
    said = json.loads(data.removeprefix("data: "))
    assert (number, kind, said["newest"], said["new"]) == ("id: 3", "event: alerts", 3, 1)
    assert re.findall(r'id="a-([0-9a-f]+)"', said["rows"]) == [f"{3:032x}"]


def test_rows_are_made_once_for_all_who_see_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(store, "suspicious-operations", alert(1), alert(2))
    made = []
    html = Arrivals._html
    monkeypatch.setattr(Arrivals, "_html", lambda self, *asked: made.append(1) or html(self, *asked))

    async def told() -> list[Lines]:
        arrivals = Arrivals(Asking(store).app.state.house, Lane())
        all_of_it, mine = QueueQuery(), QueueQuery(assignee="me")
        asked = [(viewer(f"analyst{n}"), all_of_it) for n in range(20)] + [(viewer(), mine)]
        return await asyncio.gather(*(arrivals.lines(*each, 0, 2) for each in asked))

    *same, mine = asyncio.run(told())
    assert {lines.count for lines in same} == {2}
    assert mine.count == 0
    assert len(made) == 1


def test_a_stranger_is_told_nothing(store: Store) -> None:
    assert stranger(store).get("/live").status_code == 303
    assert signed_in(store, "admin").get("/live").status_code == 403
