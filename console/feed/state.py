"""What the feed is doing, in words that a page can show, and as a line that its process tells the console's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import TypeAdapter

Phase = Literal["starting", "catching_up", "following", "no_broker", "store_waits", "refused", "failed", "stopped"]
ENDED: Final = frozenset[Phase](("refused", "failed", "stopped"))  # it reads no more, and should not


@dataclass(frozen=True, slots=True)
class FeedState:
    """`since` is when this phase began, ms UTC."""

    phase: Phase
    since: int
    behind: int = 0  # records that stand on the topics and are not in the store
    unreadable: int = 0  # records passed over since the start: of another version of the center
    message: str = ""  # of what is wrong; both in English, for whoever runs the console
    remedy: str = ""

    @property
    def well(self) -> bool:
        """Whether what happens reaches the store."""
        return self.phase in ("catching_up", "following")


_LINE: Final = TypeAdapter(FeedState)


def written(state: FeedState) -> str:
    """The state as one line.

    >>> read(written(FeedState("following", 1_700_000_000_000))).phase
    'following'
    """
    return _LINE.dump_json(state).decode()


def read(line: str | bytes) -> FeedState:
    """What `written` wrote."""
    return _LINE.validate_json(line)
