"""How fast the console answers over HTTP with a million alerts in its store, 50 live viewers, and alerts coming in.

    python load-tests/console_http.py [--store sqlite:///var/console/load.db] [--viewers 50] [--rate 10] [--json]

An empty store is filled first (some minutes). Then `antifraud console --no-feed` is started as users start it, in a
process of its own, and three others beside it: viewers, who hold the queue's stream of new rows open as its page does
(console_watchers.py); arrivals, which write alerts and operations as the feed does (console_arrivals.py); and
this one, which asks for pages. None of them takes the server's interpreter, all of them share the machine.

Pages are asked for at random times, `--rate` a second in the mean, whether or not those before have been answered, and
an answer's time counts from when it was due: a server that falls behind cannot hide it. The rate is 50 people who each
open a page every ten seconds: reading an alert takes longer than that, so it is more than 50 people ask for. What they
ask for, and how often, stands in console_pages.py. The first `--warm` seconds are not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import httpx
from console_filling import opened
from console_pages import Page, pages

from console.people import sessions, users
from console.texts import LANGUAGES
from console.web.house import wall_clock
from console.web.viewer import COOKIE
from streams.kafka_ports import free_port
from streams.tokens import DEMO_VARIABLE

HERE: Final = Path(__file__).parent
ANALYSTS: Final = 20
START_SECONDS: Final = 60.0
Answers = tuple[list[float], list[int]]  # ms and bytes of each
# What viewers look at: most of them the whole queue, some what is theirs, of one kind, or grave.
WATCHED: Final = ("", "", "", "view=alerts", "assignee=me", "typology=T03", "severity=critical&severity=high")


def main() -> None:
    """Fill where need be, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="sqlite:///var/console/load.db", help="or postgresql+psycopg://…")
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--rate", type=float, default=5.0, help="pages a second")
    parser.add_argument("--arriving", type=float, default=5.0, help="alerts a second")
    parser.add_argument("--moving", type=float, default=100.0, help="operations a second")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--warm", type=float, default=20.0)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    wanted = parser.parse_args()
    viewers, analysts = prepare(wanted)
    with server(wanted.store) as address:
        told = measure(wanted, address, viewers, analysts)
    show(told)
    if wanted.json:
        print(json.dumps(told))


# -- before -----------------------------------------------------------------------------------------------------------


def prepare(wanted: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Fill an empty store, and sign in those who watch and those who ask: their cookies."""
    store = opened(wanted.store, wanted.alerts, wanted.operations)
    now = wall_clock()
    with store.writing() as connection:
        there = {user.username for user in users.everybody(connection)}
        cookies = []
        for number in range(wanted.viewers + ANALYSTS):
            name = f"analyst{number}"
            if name not in there:
                language = LANGUAGES[number % len(LANGUAGES)]
                users.insert_user(connection, name, f"Analyst {number}", "analyst", language, now)
            cookies.append(f"{COOKIE}={sessions.begin(connection, name, now)}")
    store.close()
    return cookies[: wanted.viewers], cookies[wanted.viewers :]


@contextlib.contextmanager
def server(store: str) -> Iterator[str]:
    """The console, as the command line starts it; its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streams.cli", "console", "--no-feed", "--store", store, "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        heads = str(Path(folder) / "heads.jsonl")
        environment = {**os.environ, DEMO_VARIABLE: "1", "ANTIFRAUD_CONSOLE_AUDIT_HEADS": heads}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            _wait(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/sign-in").status_code == 200:
                return
        time.sleep(0.2)
    raise SystemExit("The console did not start.")


# -- what is measured -------------------------------------------------------------------------------------------------


def measure(wanted: argparse.Namespace, address: str, viewers: list[str], analysts: list[str]) -> dict[str, Any]:
    """Let viewers, arrivals and analysts do what they do for the time; all that was seen."""
    until = time.time() + wanted.seconds
    watching = [{"cookie": cookie, "query": WATCHED[n % len(WATCHED)]} for n, cookie in enumerate(viewers)]
    others = [
        _beside("console_watchers.py", address=address, until=until, viewers=watching),
        _beside(
            "console_arrivals.py",
            store=wanted.store,
            until=until,
            alerts=wanted.arriving,
            operations=wanted.moving,
        ),
    ]
    asked_for = asyncio.run(_ask(address, analysts, pages(wanted.alerts), wanted, until))
    seen, stored = (json.loads(other.communicate()[0]) for other in others)
    return {
        "store": wanted.store.split(":", 1)[0],
        "rate": wanted.rate,
        "viewers": wanted.viewers,
        "arriving": wanted.arriving,
        "pages": {name: _figures(*told) for name, told in asked_for.items()},
        "families": {name: _figures(*told) for name, told in _families(asked_for).items()},
        "events": sum(map(len, seen["seen"])),
        "event_bytes": seen["bytes"],
        "streams_broken": seen["ended"],
        "to_viewer": _figures(_delays(seen["seen"], watching, stored["stored"])),
    }


def _beside(script: str, **asked: Any) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / script)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(asked))
    process.stdin.close()
    process.stdin = None
    return process


async def _ask(
    address: str, cookies: list[str], kinds: Sequence[Page], wanted: argparse.Namespace, until: float
) -> dict[str, Answers]:
    """Ask for pages at random times; ms and bytes of each answer, by the name of the page."""
    chance = random.Random(1)
    told: dict[str, Answers] = {page.name: ([], []) for page in kinds}
    shares = [page.share for page in kinds]
    counted_from = time.time() + wanted.warm
    # Kept for less than the server keeps them: one that closes just then would count as a failure.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        due, asking = time.time(), []
        while (due := due + chance.expovariate(wanted.rate)) < until:
            await asyncio.sleep(max(0.0, due - time.time()))
            [page] = chance.choices(kinds, shares)
            cookie = chance.choice(cookies)
            into = told[page.name] if due >= counted_from else ([], [])
            asking.append(asyncio.create_task(_one(client, page, page.address(chance), cookie, due, into)))
        await asyncio.gather(*asking)
    return told


async def _one(client: httpx.AsyncClient, page: Page, path: str, cookie: str, due: float, into: Answers) -> None:
    answer = await client.get(path, headers={"Cookie": cookie})
    if answer.status_code != 200:
        raise RuntimeError(f"{page.name}: {path} is answered with {answer.status_code}.")
    into[0].append((time.time() - due) * 1_000)
    into[1].append(len(answer.content))


def _delays(
    seen: list[list[tuple[int, float]]], watching: list[dict[str, str]], stored: list[tuple[int, int, float]]
) -> list[float]:
    """From the commit of alerts to their rows at each viewer of the whole queue, ms."""
    delays = []
    for answers in (each for each, viewer in zip(seen, watching, strict=True) if not viewer["query"]):
        place = 0
        for _, last, at in stored:
            while place < len(answers) and answers[place][0] < last:
                place += 1
            if place == len(answers):
                break
            delays.append((answers[place][1] - at) * 1_000)
    return delays


def _families(pages: dict[str, Answers]) -> dict[str, Answers]:
    """Answers of pages whose names begin the same, put together: few of one kind say little of its slowest."""
    families: dict[str, Answers] = {}
    for name, (taken, sizes) in pages.items():
        family = families.setdefault(re.split("[:,]", name)[0], ([], []))
        family[0].extend(taken)
        family[1].extend(sizes)
    return families


# -- what is told -----------------------------------------------------------------------------------------------------


def _figures(taken: list[float], sizes: Sequence[int] = (0,)) -> dict[str, float]:
    if len(taken) < 2:
        return {"times": len(taken)}
    return {
        "times": len(taken),
        "median": round(median(taken), 1),
        "p95": round(quantiles(taken, n=20, method="inclusive")[-1], 1),
        "worst": round(max(taken), 1),
        "bytes": round(median(sizes)),
    }


def show(told: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{'ms':36} {'times':>6} {'median':>8} {'p95':>8} {'worst':>8} {'bytes':>9}")
    for lines in (told["pages"], told["families"], {"from commit to viewer": told["to_viewer"]}):
        for name, figures in lines.items():
            cells = [f"{figures.get(column, 0):8.1f}" for column in ("median", "p95", "worst")]
            print(f"{name:36} {figures['times']:6} {' '.join(cells)} {figures.get('bytes', 0):9,.0f}")
        print()
    print(f"{told['viewers']} viewers, {told['events']:,} events to them, {told['streams_broken']} streams broke off")


if __name__ == "__main__":
    main()
