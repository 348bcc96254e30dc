"""Pages are made one after another; a slow kind, a stuck page and an open stream keep nobody from theirs."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from console.store.opening import Store
from console.web.lanes import Lane, Lanes
from tests.console.builders import alert, feed
from tests.console.web.clients import signed_in


def test_turns_come_in_the_order_of_asking_and_one_at_a_time() -> None:
    told: list[str] = []

    async def take(lane: Lane, name: str) -> None:
        async with lane.turn():
            told.append(f"{name} begins")
            await asyncio.sleep(0)
            told.append(f"{name} ends")

    async def all_of_them() -> None:
        lane = Lane()
        await asyncio.gather(*(take(lane, name) for name in "abc"))

    asyncio.run(all_of_them())
    assert told == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


def test_who_has_waited_for_long_goes_beside_and_frees_no_turn_but_his_own() -> None:
    async def told() -> list[bool]:
        lane, stuck = Lane(patience_seconds=0.01), asyncio.Event()

        async def hold() -> None:
            async with lane.turn():
                await stuck.wait()

        holding = asyncio.create_task(hold())
        await asyncio.sleep(0)
        async with lane.turn():
            beside = not holding.done()
        still_taken = lane._one.locked()
        stuck.set()
        await holding
        return [beside, still_taken, not lane._one.locked()]

    assert asyncio.run(told()) == [True, True, True]


def test_an_error_gives_the_turn_back() -> None:
    async def locked_after() -> bool:
        lane = Lane()
        with pytest.raises(ValueError, match=r"^broken$"):
            async with lane.turn():
                raise ValueError("broken")
        return lane._one.locked()

    assert not asyncio.run(locked_after())


def test_long_pages_and_changes_do_not_wait_for_the_quick_ones(store: Store) -> None:
    browser = signed_in(store)
    lanes: Lanes = browser.app.state.lanes
    form = {"csrf": browser.csrf, "language": "kk"}

    async def answered() -> list[int]:
        transport = httpx.ASGITransport(browser.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="https://testserver", cookies=browser.cookies
        ) as client:
            async with lanes.quick.turn():
                waiting = asyncio.create_task(client.get("/queue"))
                long, changed = await client.get("/statistics"), await client.post("/language", data=form)
                assert not waiting.done()
            return [long.status_code, changed.status_code, (await waiting).status_code]

    assert asyncio.run(answered()) == [200, 303, 200]


def test_a_stream_that_is_open_has_left_its_lane(store: Store) -> None:
    feed(store, "suspicious-operations", alert(1))
    browser = signed_in(store)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = [(b"host", b"testserver"), (b"cookie", cookies.encode())]
    asked = {"type": "http", "method": "GET", "scheme": "https", "path": "/live", "query_string": b""}

    async def locked_while_open() -> bool:
        told = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError("the browser stays")

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                told.set()

        stream = asyncio.create_task(browser.app({**asked, "headers": headers}, receive, send))
        await asyncio.wait_for(told.wait(), 10.0)
        locked: bool = browser.app.state.lanes.quick._one.locked()
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)
        return locked

    assert not asyncio.run(locked_while_open())
