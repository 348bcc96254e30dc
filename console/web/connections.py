"""What every page says of the feed from Kafka and the sender to it, as long as something is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI

from console.feed.process import FeedProcess
from console.outbound import Sender


@dataclass(frozen=True, slots=True)
class Trouble:
    """A sentence for the top of the page: the text `connections.<key>`."""

    key: str
    since: int | None = None  # ms UTC
    behind: int = 0  # records that are not in the store yet


def troubles(app: FastAPI) -> list[Trouble]:
    """What is wrong at the moment; nothing where the console runs without Kafka on purpose."""
    feed, sender = getattr(app.state, "feed", None), getattr(app.state, "sender", None)
    found = []
    if isinstance(feed, FeedProcess) and feed.state.phase != "following":
        found.append(Trouble(feed.state.phase, feed.state.since, feed.state.behind))
    if isinstance(sender, Sender) and sender.failure is not None:
        found.append(Trouble("not_sent"))
    return found
