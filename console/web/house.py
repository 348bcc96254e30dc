"""What every request needs, made once when the server starts: store, keys, templates, clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from console.keyring import Keyring
from console.people.limits import Attempts
from console.people.oidc import Provider
from console.settings import ConsoleSettings
from console.statistics.counted import Counting
from console.store.opening import Store
from console.web.rendering import Renderer
from console.web.uses import Uses

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class House:
    """The parts that pages and API work with."""

    settings: ConsoleSettings
    store: Store
    keys: Keyring
    renderer: Renderer
    attempts: Attempts  # at the door, by address
    clock: Clock  # ms UTC
    uses: Uses  # of sessions
    counting: Counting  # of statistics
    provider: Provider | None = None  # where people of the organisation sign in, if not here


def house_of(request: Request) -> House:
    """The house of the application that answers a request."""
    house = request.app.state.house
    assert isinstance(house, House)
    return house


TheHouse = Annotated[House, Depends(house_of)]


def wall_clock() -> int:
    """Now, ms UTC."""
    return time.time_ns() // 1_000_000
