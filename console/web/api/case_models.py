"""Cases and proposals as the API answers with them; pages show the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection, RowMapping

from console.store import case_history, cases, proposals
from console.store.cases import CaseSize
from console.store.errors import NotFound
from console.store.proposals import Proposal
from console.web.api.alert_models import AlertRow, alert_rows
from console.web.tokens import cursor_of
from console.web.viewer import Viewer

NO_NUL: Final = r"^[^\x00]*$"  # which PostgreSQL keeps in no text
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=NO_NUL)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000, pattern=NO_NUL)]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=NO_NUL)]
Number = Annotated[int, Path(ge=1, le=2**53)]  # of a case, proposal or campaign, in an address
AlertIdText = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Username = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=NO_NUL)]


class CaseRow(BaseModel):
    """A case as a line of a list; instants are ms UTC."""

    case_id: int
    title: str
    state: str
    owner: str
    opened_by: str
    opened_at: int
    closed_at: int | None
    outcome: str | None
    restricted: bool
    version: int


class CaseLine(CaseRow):
    """A case of a list, with how much work it is."""

    alerts: int
    unworked: int = Field(description="alerts that are not closed")
    deadline_at: int | None = Field(description="the nearest legal deadline of those that is not over")


class CaseList(BaseModel):
    """A page of cases."""

    cases: list[CaseLine]
    next: str | None = Field(description="`after` of the next page")


class NoteView(BaseModel):
    """A note in a case."""

    note_id: int
    author: str
    at: int
    text: str


class ProposalView(BaseModel):
    """What one person proposes and another checks."""

    proposal_id: int
    kind: str
    case_id: int | None
    state: str
    maker: str
    made_at: int
    reason: str
    document: dict[str, Any]
    digest: str = Field(description="SHA-256 of the document: an answer names it")
    checker: str | None
    checked_at: int | None
    answer: str | None


class MomentView(BaseModel):
    """Something that happened in a case."""

    at: int
    sort: str = Field(description="alert, note, proposal, action")
    what: str
    by: str | None
    text: str | None
    detail: dict[str, Any]


class CaseDetail(BaseModel):
    """One case with everything in it."""

    case: CaseRow
    members: list[str]
    alerts: list[AlertRow]
    amount: int = Field(description="of the events of its alerts, each counted once, in tiyn")
    notes: list[NoteView]
    proposals: list[ProposalView]
    history: list[MomentView]


class NewCase(BaseModel):
    """A case to be opened."""

    model_config = ConfigDict(extra="ignore")

    title: Title
    restricted: bool = False
    alert: list[AlertIdText] = Field(default_factory=list, max_length=500)
    campaign: int | None = Field(default=None, ge=1, le=2**53)

    def opened(self, connection: Connection, viewer: Viewer, *, now: int) -> int:
        """The number of the case that this opened, `now` in ms UTC; raises as console.store.cases.open_case does."""
        return cases.open_case(
            connection,
            viewer,
            self.title,
            now=now,
            restricted=self.restricted,
            alert_ids=self.alert,
            campaign_id=self.campaign,
        )


class CaseChange(BaseModel):
    """A change of a case, in the version that was seen."""

    model_config = ConfigDict(extra="ignore")

    version: int = Field(ge=1, le=2**53)
    title: Title
    owner: Username
    restricted: bool = False

    def apply(self, connection: Connection, viewer: Viewer, case_id: int) -> None:
        """Change the case so; raises as console.store.cases.change does."""
        cases.change(
            connection, viewer, case_id, self.version, title=self.title, owner=self.owner, restricted=self.restricted
        )


class CaseClosing(BaseModel):
    """The end of a case."""

    model_config = ConfigDict(extra="ignore")

    version: int = Field(ge=1, le=2**53)
    outcome: Literal["handed_over", "money_returned", "not_proven", "no_fraud", "merged"]
    note: ShortText = ""


class Answer(BaseModel):
    """The answer to a proposal: to exactly the document with this digest."""

    model_config = ConfigDict(extra="ignore")

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    answer: ShortText = ""


def place_of(cursor: str | None) -> tuple[int, int] | None:
    """Where a page of cases begins after: (opened_at, case_id). NotFound where the text is no such place.

    >>> place_of("1700000000000.7"), place_of(None)
    ((1700000000000, 7), None)
    """
    place = cursor_of(cursor)
    if place is None:
        return None
    if not place[1].isdecimal() or int(place[1]) > 2**53:
        raise NotFound("page")
    return place[0], int(place[1])


def case_row(row: RowMapping) -> CaseRow:
    """The line of a case."""
    return CaseRow(**{name: row[name] for name in CaseRow.model_fields})


def case_line(row: RowMapping, size: CaseSize) -> CaseLine:
    """The line of a case in a list."""
    return CaseLine(**case_row(row).model_dump(), **asdict(size))


def proposal_view(proposal: Proposal) -> ProposalView:
    """A proposal with its document parsed."""
    values = {name: getattr(proposal, name) for name in ProposalView.model_fields if name != "document"}
    return ProposalView(**values, document=json.loads(proposal.document))


def case_detail(connection: Connection, viewer: Viewer, case_id: int) -> CaseDetail:
    """Everything in a case; NotFound."""
    row = cases.find(connection, viewer, case_id)
    rows = cases.alerts_of(connection, case_id)
    amounts = {(each["institution"], each["event_id"]): each["amount"] for each in rows}
    return CaseDetail(
        case=case_row(row),
        members=cases.members(connection, case_id),
        alerts=alert_rows(connection, viewer, rows),
        amount=sum(amounts.values()),
        notes=[
            NoteView(**{name: note[name] for name in NoteView.model_fields})
            for note in cases.notes_of(connection, case_id)
        ],
        proposals=[proposal_view(each) for each in proposals.of_case(connection, case_id)],
        history=[
            MomentView(**{name: getattr(moment, name) for name in MomentView.model_fields})
            for moment in case_history.of(connection, case_id)
        ],
    )
