"""What may be asked of the list of cases and of the audit log, the same for pages and the API."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from console.store import cases
from console.store.audit_log import Sought
from console.store.cases import CaseSize
from console.web.api.case_models import CaseList, case_line, place_of
from console.web.house import House
from console.web.viewer import Viewer


class CaseQuery(BaseModel):
    """Which cases to list."""

    state: Literal["open", "filed", "closed", "all"] = "open"
    mine: bool = False
    after: str | None = Field(default=None, max_length=90, description="`next` of the page before")

    def found(self, house: House, viewer: Viewer) -> CaseList:
        """The cases that the viewer may know of, the latest first; NotFound."""
        with house.store.reading() as connection:
            page = cases.listing(
                connection,
                viewer,
                states=() if self.state == "all" else (self.state,),
                owner=viewer.username if self.mine else None,
                after=place_of(self.after),
            )
            sizes = cases.sizes(connection, [row["case_id"] for row in page.rows], house.clock())
        lines = [case_line(row, sizes.get(row["case_id"], CaseSize())) for row in page.rows]
        return CaseList(cases=lines, next=None if page.next is None else f"{page.next[0]}.{page.next[1]}")


class AuditQuery(BaseModel):
    """Which entries of the audit log to list, but for their time."""

    actor: str = Field(default="", max_length=64)
    action: str = Field(default="", max_length=64, description="the beginning of it")
    object_kind: str = Field(default="", max_length=32)
    object_id: str = Field(default="", max_length=128)
    before: int | None = Field(default=None, ge=1, le=2**53, description="numbers below this one")

    def sought(self, since: int | None, until: int | None) -> Sought:
        """As the store is asked; instants in ms UTC."""
        return Sought(self.actor, self.action, self.object_kind, self.object_id, since, until)


AskedCases = Annotated[CaseQuery, Query()]
