"""How smoothly a browser pans and zooms a subject's network of 2,000 nodes: the time from frame to frame.

    python load-tests/console_network.py [--store sqlite:///var/console/network.db] [--seconds 5] [--json]

An empty store is filled first (half a minute). The console is started as users start it; Chromium without a window and
without a graphics card opens a subject's page, asks for the whole network, and a mouse runs over its subjects, drags
it about and turns its wheel. A screen shows 60 frames a second, 16.7 ms each: what takes longer than two of them is
seen as a stutter.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from console_filling import opened, token_of
from console_http import server
from playwright.sync_api import Mouse, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # tests/ is not installed

from tests.tools.chromium import fill_door, launch

ALERTS: Final = 10_000
OPERATIONS: Final = 200_000
SUBJECT: Final = 0  # one of the three with most payments
STUTTER_MS: Final = 34.0
_FRAMES: Final = """
window.frames = []; window.counting = true;
requestAnimationFrame(function first(before) {
  requestAnimationFrame(function next(now) {
    window.frames.push(now - before); before = now;
    if (window.counting) requestAnimationFrame(next);
  });
});
"""


def main() -> None:
    """Fill where need be, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="sqlite:///var/console/network.db")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each movement")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    wanted = parser.parse_args()
    opened(wanted.store, ALERTS, OPERATIONS).close()
    with server(wanted.store) as address:
        told = measure(address, wanted.seconds)
    show(told)
    if wanted.json:
        print(json.dumps(told))


def measure(address: str, seconds: float) -> dict[str, Any]:
    """Open the network in a browser and move it; frames in ms by movement."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        page.goto(f"{address}/sign-in")
        fill_door(page, "analyst")
        page.wait_for_url(lambda url: "sign-in" not in url)
        page.goto(f"{address}/subjects/{token_of(SUBJECT)}")
        nodes, shown = _open(page)
        told = {name: _while(page, movement, seconds) for name, movement in _MOVEMENTS.items()}
        browser.close()
    return {"nodes": nodes, "shown_ms": shown, "frames": told}


def _open(page: Page) -> tuple[int, float]:
    """Ask for all of the network: how many nodes it has then, and after how many ms they were there."""
    nodes = page.locator(".network-list li")
    nodes.first.wait_for()
    began = time.monotonic()
    page.locator("[data-do=more]").click()
    page.locator("[data-do=more]").wait_for(state="hidden")
    shown = (time.monotonic() - began) * 1_000
    page.locator("[data-network] canvas").scroll_into_view_if_needed()
    return nodes.count(), round(shown)


def _while(page: Page, movement: Callable[[Mouse, int], None], seconds: float) -> dict[str, float]:
    """Times between frames while a mouse in the middle of the picture makes a movement, step by step."""
    box = page.locator("[data-network] canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.evaluate(_FRAMES)
    until, step = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        movement(page.mouse, step)
        step += 1
        page.wait_for_timeout(8)  # as often as a mouse tells where it is
    page.mouse.up()
    frames = page.evaluate("() => { window.counting = false; return window.frames; }")
    return {
        "frames": len(frames),
        "median": round(median(frames), 1),
        "p95": round(quantiles(frames, n=20)[-1], 1),
        "worst": round(max(frames), 1),
        "stutters": sum(each > STUTTER_MS for each in frames),
    }


def _rest(_: Mouse, __: int) -> None:
    """Nothing moves: what the machine itself stutters."""


def _drag(mouse: Mouse, step: int) -> None:
    if step == 0:
        mouse.down()
    _around(mouse, step)


def _zoom(mouse: Mouse, step: int) -> None:
    mouse.wheel(0, 40 if step // 40 % 2 else -40)


def _around(mouse: Mouse, step: int) -> None:
    mouse.move(680 + 200 * math.cos(step / 20), 450 + 120 * math.sin(step / 20))


_MOVEMENTS: Final = {"still": _rest, "pointed at": _around, "dragged": _drag, "zoomed": _zoom}


def show(told: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{told['nodes']:,} nodes, shown {told['shown_ms']:,.0f} ms after they were asked for")
    print(f"{'ms from frame to frame':24} {'frames':>7} {'median':>7} {'p95':>7} {'worst':>7} {'> 2 frames':>10}")
    for name, each in told["frames"].items():
        cells = f"{each['median']:7.1f} {each['p95']:7.1f} {each['worst']:7.1f} {each['stutters']:10}"
        print(f"{name:24} {each['frames']:7} {cells}")


if __name__ == "__main__":
    main()
