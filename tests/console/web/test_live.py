"""Server-sent events: what has come is told once to everybody who waits, also to who comes back."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.store.opening import Store
from console.web import live
from console.web.house import House
from console.web.live import Pulse
from tests.console.builders import alert, feed
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


def test_events_have_ids_to_go_on_from(store: Store) -> None:
    feed(store, "suspicious-operations", *(alert(number) for number in range(1, 4)))

    class Asking:
        """A request as far as a stream of events looks at it."""

        def __init__(self) -> None:
            self.app = SimpleNamespace(state=SimpleNamespace(pulse=pulse_over(store)))

        async def is_disconnected(self) -> bool:
            return False

    async def first_two() -> list[str]:
        events = live._events(cast(Any, Asking()), 1)
        return [await anext(events), await anext(events)]

    greeting, told = asyncio.run(first_two())
    assert greeting == "retry: 2000\nid: 1\n\n"
    assert told == 'id: 3\nevent: alerts\ndata: {"newest": 3, "new": 2}\n\n'


def test_a_stranger_is_told_nothing(store: Store) -> None:
    assert stranger(store).get("/live").status_code == 303
    assert signed_in(store, "admin").get("/live").status_code == 403
