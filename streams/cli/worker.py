"""`antifraud worker`: one worker process."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Annotated

import aiokafka.errors
import typer
import uvloop

from streams.cli.common import fail, fail_unanswered
from streams.kafka_security import SecurityRefused
from streams.logs import configure_logs
from streams.rulebook_feed import NoRulebook
from streams.supervisor import die_with_parent
from streams.tokens import KeyRefused
from streams.worker import Worker, WorkerSettings


def worker(
    parent: Annotated[int, typer.Option(hidden=True, help="End when this process ends.")] = 0,
) -> None:
    """Run one worker: the agents intake and screen. Settings are environment variables, see docs/operations.md."""
    if parent:
        die_with_parent(parent)
    configure_logs()
    # Records go from the consumer's thread to the event loop and back: Python's 5 ms would be most of the way.
    sys.setswitchinterval(0.0005)
    # A full collection walks every cached token, 100 ms and more in which nothing is judged; cycles are few here.
    gc.set_threshold(100_000, 50, 1_000)
    # asyncio's own loop spends twice the time of uvloop's on the many small steps that Faust and aiokafka take.
    uvloop.install()
    try:
        asyncio.run(Worker(WorkerSettings()).run())
    except (KeyRefused, SecurityRefused) as refused:
        fail(refused.message, refused.remedy)
    except NoRulebook as missing:
        fail(str(missing))
    except aiokafka.errors.KafkaError as error:
        fail_unanswered(error)
