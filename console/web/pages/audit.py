"""`/audit`: the auditor reads what everybody did, and has the log checked."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import Field

from console.store.audit_log import entries
from console.web.audit_checking import check_log
from console.web.formats import KAZAKHSTAN
from console.web.house import House, TheHouse
from console.web.list_queries import AuditQuery
from console.web.page import page
from console.web.viewer import Viewer, may

router = APIRouter()
Auditor = Annotated[Viewer, Depends(may("audit.read"))]
_PAGE = 100
_ACTION = re.compile(r"actions\.(?!objects|details|values)\w+\.\w+")


class Asked(AuditQuery):
    """The same, and of which days of Kazakhstan, both included."""

    since: str = Field(default="", max_length=10)
    until: str = Field(default="", max_length=10)


@router.get("/audit")
def listing(request: Request, viewer: Auditor, house: TheHouse, asked: Annotated[Asked, Query()]) -> Response:
    """The entries that fit, the latest first."""
    given = asked.model_dump(exclude={"before"})
    sought = asked.sought(_begin_of(asked.since), _begin_of(asked.until, days=1))
    with house.store.reading() as connection:
        found = entries(connection, sought, asked.before, _PAGE + 1)
    older = _older({**given, "before": str(found[_PAGE - 1].number)}) if len(found) > _PAGE else None
    return page(request, viewer, "audit.html", entries=found[:_PAGE], given=given, older=older, actions=_actions(house))


@router.post("/audit/check")
def check(request: Request, viewer: Auditor, house: TheHouse) -> Response:
    """Walk the whole chain, and compare it with the heads that were kept elsewhere."""
    return page(request, viewer, "audit_check.html", report=check_log(house, viewer))


def _actions(house: House) -> list[str]:
    """Every action that has a name, as the field for it offers them."""
    return sorted(key.removeprefix("actions.") for key in house.renderer.texts if _ACTION.fullmatch(key))


def _older(query: dict[str, str]) -> str:
    return f"/audit?{urlencode({name: value for name, value in query.items() if value})}"


def _begin_of(day: str, *, days: int = 0) -> int | None:
    """The first instant of a day, ms UTC; None where the text is no day."""
    try:
        found = date.fromisoformat(day) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return int(datetime(found.year, found.month, found.day, tzinfo=KAZAKHSTAN).timestamp() * 1000)
