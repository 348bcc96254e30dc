"""What the feed is doing, in words that a page can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["starting", "catching_up", "following", "no_broker", "store_waits", "refused", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class FeedState:
    """`since` is when this phase began and `stored_at` when something was last written, ms UTC."""

    phase: Phase
    since: int
    behind: int = 0  # records that stand on the topics and are not in the store
    stored_at: int | None = None
    unreadable: int = 0  # records passed over since the start: of another version of the center
    message: str = ""  # of what is wrong; both in English, for whoever runs the console
    remedy: str = ""

    @property
    def well(self) -> bool:
        """Whether what happens reaches the store."""
        return self.phase in ("catching_up", "following")
