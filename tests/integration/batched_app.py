"""A tiny Faust application on `batched://`, run as a process of its own by test_transport.py; tells what it gets.

    python -m tests.integration.batched_app SERVERS GROUP MEMBER OUT TOPIC[,TOPIC…] ACKNOWLEDGE [POSITION]

Writes a JSON line to OUT for each batch and each assignment; acknowledges only the first ACKNOWLEDGE batches of each
partition (all where negative). POSITION makes every partition start there, whatever was committed.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import faust
from faust.types import TP

from streams.batch_settings import BatchSettings


class Raw(faust.Schema):  # type: ignore[misc]
    """The batch as it is."""

    def loads_key(self, app: Any, message: Any, **options: Any) -> None:
        return None

    def loads_value(self, app: Any, message: Any, **options: Any) -> Any:
        return message.value


class Told:
    """Tells what was assigned; starts every partition at `position` where there is one."""

    def __init__(self, out: Any, position: int | None) -> None:
        self.out, self.position = out, position

    def tell(self, **said: Any) -> None:
        self.out.write(json.dumps(said) + "\n")
        self.out.flush()

    async def assigned(self, positions: Mapping[TP, int], log_start: Mapping[TP, int]) -> None:
        self.tell(assigned=sorted((tp.topic, tp.partition, at) for tp, at in positions.items()))

    def start_of(self, partition: TP) -> int | None:
        return self.position


async def main(servers: str, group: str, member: str, out: str, topics: str, acknowledge: str, *position: str) -> None:
    with Path(out).open("a", encoding="utf-8") as file:
        told = Told(file, int(position[0]) if position else None)
        app = faust.App(
            group,
            broker=f"batched://{servers}",
            broker_session_timeout=6.0,
            broker_heartbeat_interval=1.0,
            broker_commit_interval=0.2,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=member,
            stream_wait_empty=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            store="memory://",
            web_enabled=False,
            datadir=Path(tempfile.mkdtemp(prefix="batched-app-")),
        )
        app.batches = BatchSettings(together=tuple(topics.split(",")), positions=told, max_records=50)
        taken: Counter[TP] = Counter()
        at_most = int(acknowledge)

        @app.agent(app.topic(*topics.split(","), schema=Raw()))  # type: ignore[untyped-decorator]
        async def take(stream: Any) -> None:
            async for event in stream.noack().events():
                batch = event.value
                told.tell(
                    topic=batch.topic, partition=batch.partition, values=[r.value.decode() for r in batch.records]
                )
                taken[batch.tp] += 1
                if at_most < 0 or taken[batch.tp] <= at_most:
                    event.ack()

        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await app.start()
        await stop.wait()
        await app.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
