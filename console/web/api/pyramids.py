"""`/api/pyramids`: suspected collectors, one of them with all that its operations say, and whom to warn."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from console.pyramids.detail import Detail, Payer, detail, unwarned
from console.store import meters
from console.store.meters import Collector
from console.web.house import TheHouse
from console.web.tokens import key_in_path
from console.web.viewer import may

router = APIRouter(prefix="/api/pyramids", tags=["pyramids"], dependencies=[Depends(may("pyramids.read"))])
_MOST: Final = 500


@router.get("")
def listed(
    house: TheHouse, above: bool | None = None, limit: Annotated[int, Query(ge=1, le=_MOST)] = 200
) -> list[Collector]:
    """Collectors, the highest index first; `above`: only those at or above the line, or only those below it."""
    with house.store.reading() as connection:
        return meters.listed(connection, above=above, limit=limit)


@router.get("/{token}")
def one(house: TheHouse, token: str) -> Detail:
    """One collector: readings, payers by day and region, whose money paid whom, whom to warn, effect of warnings."""
    key = key_in_path(token)
    with house.store.reading() as connection:
        return detail(connection, key)


@router.get("/{token}/to-warn")
def to_warn(
    house: TheHouse,
    token: str,
    start: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
) -> list[Payer]:
    """Payers who have not been warned, who has most to lose first, from place `start` on."""
    key = key_in_path(token)
    with house.store.reading() as connection:
        return unwarned(connection, key, start=start, limit=limit)
