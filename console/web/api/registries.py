"""`/api/registries`: lists, blocked resources and refusals and an entry with its re-screening."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from console.store import registries
from console.store.registries import Entry, Filter, RefusalDay, Screening
from console.web.house import TheHouse
from console.web.pages.registries import MOST_SCREENED, Place, place_of
from console.web.tokens import OptionalWord, key_in_path
from console.web.viewer import may

router = APIRouter(prefix="/api/registries", tags=["registries"], dependencies=[Depends(may("registries.read"))])
Registry = Literal["lists", "blocked_resources"]
EntryId = Annotated[str, Query(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


@dataclass(frozen=True)
class ScreenedEntry:
    """An entry of one subject, and who had dealt with that subject."""

    entry: Entry
    screening: Screening | None  # None where there is no subject


@router.get("")
def listed(
    house: TheHouse,
    registry: Registry = "lists",
    which: Annotated[OptionalWord, Query(alias="list")] = None,
    appeal: OptionalWord = None,
    token: Annotated[str | None, Query(max_length=41)] = None,
    in_force: bool = True,
    after: Place = None,
    limit: Annotated[int, Query(ge=1, le=500)] = registries.PAGE,
) -> list[Entry]:
    """Entries, recorded last first; `after`: `<recorded_at>.<key>.<entry_id>` of the last one known."""
    chosen = Filter(
        registry=registry,
        which=which,
        appeal=appeal,
        subject=key_in_path(token) if token is not None else None,
        in_force_at=house.clock() if in_force else None,
    )
    with house.store.reading() as connection:
        return registries.listed(connection, chosen, after=place_of(after), limit=limit)


@router.get("/refusals")
def refusals(house: TheHouse, days: Annotated[int, Query(ge=1, le=366)] = 60) -> list[RefusalDay]:
    """How many credit refusals were set and withdrawn each day."""
    with house.store.reading() as connection:
        return registries.refusals(connection, days=days)


@router.get("/entry")
def entry(house: TheHouse, entry_id: EntryId, registry: Registry = "lists") -> list[ScreenedEntry]:
    """An entry with each of its first ten subjects, and who had dealt with them."""
    with house.store.reading() as connection:
        found = registries.found(connection, registry, entry_id)
        return [
            ScreenedEntry(one, registries.screened(connection, one) if one.subject is not None else None)
            for one in found[:MOST_SCREENED]
        ]
