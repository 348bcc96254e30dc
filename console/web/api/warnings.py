"""`/api/warnings`: campaigns of warnings with their measured effect, and whom each reached."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from console.store import warnings
from console.store.warnings import Campaign, Effect, Warned
from console.web.house import TheHouse
from console.web.tokens import Cursor, RuleName, cursor_of, key_in_path
from console.web.viewer import may

router = APIRouter(prefix="/api/warnings", tags=["warnings"], dependencies=[Depends(may("pyramids.read"))])


@router.get("")
def campaigns(house: TheHouse, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> list[Campaign]:
    """Campaigns, the one with most warned people first."""
    with house.store.reading() as connection:
        return warnings.campaigns(connection, limit=limit)


@router.get("/effect")
def together(house: TheHouse) -> Effect:
    """The effect of all campaigns that hold people out, added up."""
    with house.store.reading() as connection:
        return warnings.of_all(connection)


@router.get("/{token}/{rule}")
def told(
    house: TheHouse,
    token: str,
    rule: RuleName,
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Warned]:
    """Single warnings of a campaign, the latest first; `after`: `<at>.<warning_id>` of the last one known."""
    key = key_in_path(token)
    with house.store.reading() as connection:
        return warnings.told(connection, key, rule, before=cursor_of(after), limit=limit)
