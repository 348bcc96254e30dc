"""`antifraud follow`: the process behind the judged events; one is at work, others stand by."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import Annotated

import aiokafka.errors
import typer
import uvloop

from rules.flows import warm_up
from streams.cli.common import fail, fail_unanswered
from streams.following import Follower
from streams.following_worker import FollowingWorker, FollowSettings
from streams.kafka_security import SecurityRefused
from streams.logs import configure_logs
from streams.meter import Meter
from streams.notices import Necessity, Notices
from streams.rulebook_feed import NoRulebook
from streams.settle import Settle
from streams.snapshots import SnapshotError
from streams.supervisor import die_with_parent
from streams.tokens import KeyRefused, TokenKey
from streams.topics import TopicSettings
from streams.trace import Trace
from streams.warn import Warn


def followers(key: TokenKey, topics: TopicSettings) -> Sequence[Follower]:
    """The agents behind `judged`, each in its first state; one more is one line more."""
    return [
        Trace(key),
        Meter(key),
        Warn(key),
        Settle(key, topics.institutions, topics.partitions),
        Notices(key),
        Necessity(key),
    ]


def follow(
    parent: Annotated[int, typer.Option(hidden=True, help="End when this process ends.")] = 0,
) -> None:
    """Follow judged events in one country-wide order: trace money, settle holds, warn payers (docs/operations.md)."""
    if parent:
        die_with_parent(parent)
    configure_logs()
    gc.set_threshold(100_000, 50, 1_000)
    uvloop.install()
    warm_up()
    try:
        asyncio.run(FollowingWorker(FollowSettings(), followers).run())
    except (KeyRefused, SecurityRefused) as refused:
        fail(refused.message, refused.remedy)
    except (NoRulebook, SnapshotError) as missing:
        fail(str(missing))
    except aiokafka.errors.KafkaError as error:
        fail_unanswered(error)
