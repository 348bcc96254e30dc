"""`/api/holds`: what is held and until when, and one hold with every state it went through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from console.store import holds
from console.store.holds import Counts, Filter, Hold, HoldAlert, HoldState
from console.web.house import TheHouse
from console.web.tokens import Cursor, Hash, OptionalWord, cursor_of
from console.web.viewer import may

router = APIRouter(prefix="/api/holds", tags=["holds"], dependencies=[Depends(may("holds.read"))])


@dataclass(frozen=True)
class HoldDetail:
    """A hold, every state that it went through, and the alerts that it stands on."""

    hold: Hold
    states: list[HoldState]
    alerts: list[HoldAlert]


@router.get("")
def listed(
    house: TheHouse,
    open: bool | None = True,
    decision: OptionalWord = None,
    institution: OptionalWord = None,
    due_before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    cause: OptionalWord = None,
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = holds.PAGE,
) -> list[Hold]:
    """Holds by deadline: of open ones the nearest first; `after`: `<deadline_at>.<hold_id>` of the last one known."""
    chosen = Filter(open, decision, institution, due_before, cause)
    with house.store.reading() as connection:
        return holds.listed(connection, chosen, after=cursor_of(after), limit=limit)


@router.get("/counts")
def counts(house: TheHouse) -> Counts:
    """How many are open, by decision, and how many of them end soon."""
    with house.store.reading() as connection:
        return holds.counted(connection, now=house.clock())


@router.get("/{hold_id}")
def one(house: TheHouse, hold_id: Hash) -> HoldDetail:
    """One hold."""
    with house.store.reading() as connection:
        found = holds.found(connection, hold_id)
        return HoldDetail(found, holds.states(connection, hold_id), holds.alerts_behind(connection, found))
