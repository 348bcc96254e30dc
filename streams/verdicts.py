"""What a subject's history says of an event that may have come before; apart from the engine, which is slow to load."""

from __future__ import annotations

from typing import Final

NEW: Final = 1
REPEAT: Final = 2  # the same content again
CONTRADICTION: Final = 3  # the same event with other content
