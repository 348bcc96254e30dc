"""Live viewers of a console for load tests: each holds its stream of new rows open, as the queue's page does.

console_audience.py runs them in a thread of the test. console_http.py runs this file in a process of its own: it reads
{"address", "until", "viewers": [{"cookie", "query"}]} from its input and prints what the viewers saw as JSON: `seen`
has [seq up to which rows were there, seconds since 1970] for each event of each viewer, `bytes` what came to all of
them, `ended` how many streams broke off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

RETRY_SECONDS: Final = 2.0  # as the stream itself asks for


@dataclass
class Viewer:
    """One open page of the queue."""

    cookie: str
    query: str
    newest: str = ""
    seen: list[tuple[int, float]] = field(default_factory=list)
    bytes: int = 0
    ended: int = 0

    async def watch(self, client: httpx.AsyncClient) -> None:
        """Hold the stream, and open it anew where it breaks off, until cancelled."""
        while True:
            headers = {"Cookie": self.cookie, "Accept": "text/event-stream"}
            if self.newest:
                headers["Last-Event-ID"] = self.newest
            try:
                async with client.stream("GET", f"/live?{self.query}", headers=headers, timeout=None) as answer:
                    answer.raise_for_status()
                    async for line in answer.aiter_lines():
                        self._take(line)
            except httpx.TransportError:
                pass
            self.ended += 1
            await asyncio.sleep(RETRY_SECONDS)

    def _take(self, line: str) -> None:
        self.bytes += len(line)
        if line.startswith("id: "):
            self.newest = line[4:]
        if line.startswith("data: "):
            self.seen.append((json.loads(line[6:])["newest"], time.time()))


@contextlib.asynccontextmanager
async def watching(address: str, viewers: Iterable[Viewer]) -> AsyncIterator[httpx.AsyncClient]:
    """Have these viewers watch the console while the block runs; a stream that is refused ends it with its error."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60.0) as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.watch(client)) for each in viewers]
        yield client
        for task in tasks:
            task.cancel()


async def hold(asked: dict[str, Any]) -> dict[str, Any]:
    """Let all viewers watch until the end."""
    viewers = [Viewer(**each) for each in asked["viewers"]]
    async with watching(asked["address"], viewers):
        await asyncio.sleep(asked["until"] - time.time())
    return {
        "seen": [each.seen for each in viewers],
        "bytes": sum(each.bytes for each in viewers),
        "ended": sum(each.ended for each in viewers),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(hold(json.load(sys.stdin)))))
