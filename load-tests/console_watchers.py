"""Live viewers for console_http.py, in a process of their own: each holds its stream of new rows open, as a page does.

Reads {"address", "until", "viewers": [{"cookie", "query"}]} from its input and prints what the viewers saw as JSON:
`seen` has [seq up to which rows were there, seconds since 1970] for each event of each viewer, `bytes` what came to all
of them, `ended` how many streams broke off.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
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


async def hold(asked: dict[str, Any]) -> dict[str, Any]:
    """Let all viewers watch until the end."""
    viewers = [Viewer(each["cookie"], each["query"]) for each in asked["viewers"]]
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=asked["address"], limits=limits) as client:
        tasks = [asyncio.create_task(each.watch(client)) for each in viewers]
        done, _ = await asyncio.wait(tasks, timeout=asked["until"] - time.time(), return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "seen": [each.seen for each in viewers],
        "bytes": sum(each.bytes for each in viewers),
        "ended": sum(each.ended for each in viewers),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(hold(json.load(sys.stdin)))))
