"""Alerts as the API answers with them; pages show the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import Connection, RowMapping

from console.people.roles import may_see_case
from console.store import subjects
from console.store.queue import GroupPage, Page
from console.store.severity import LEVELS
from console.web.viewer import Viewer


class AlertRow(BaseModel):
    """An alert as a line of the queue; instants are ms UTC, money is tiyn."""

    alert_id: str
    version: int = Field(description="of what is done with it; actions say which version they have seen")
    seq: int
    typology: str
    typology_name: str = Field(description="in the viewer's language")
    status: str
    severity: str
    state: str
    assignee: str | None
    snoozed_until: int | None
    reason_code: str | None
    institution: str
    event_id: str
    occurred_at: int
    stored_at: int
    amount: int
    score: float
    risk: float
    decision: str | None
    late: bool
    subject_role: str
    subject: str = Field(description="token")
    deadline_at: int | None
    campaign_id: int | None
    case_id: int | None = Field(description="none as well where the viewer may not know of the case")


class CampaignRow(BaseModel):
    """Alerts that hang together."""

    campaign_id: int
    kind: str = Field(description="what they have in common: payee, device, phone or text")
    alerts: int
    open_alerts: int
    severity: str
    amount: int
    victims: int
    typologies: list[str]
    first_at: int
    last_at: int


class GroupRow(BaseModel):
    """A campaign with its foremost alert, or an alert that stands alone."""

    campaign: CampaignRow | None
    first: AlertRow


class Counts(BaseModel):
    """How many alerts pass the filters, each counted up to `cap`: one more means "more than"."""

    cap: int
    total: int
    by_severity: dict[str, int]


class QueuePage(BaseModel):
    """A page of the queue: `alerts` or `groups`, as it was asked for."""

    alerts: list[AlertRow] = Field(default_factory=list)
    groups: list[GroupRow] = Field(default_factory=list)
    counts: Counts
    next: str | None = Field(description="`after` of the next page")
    newest: int = Field(description="the highest `seq` in the store: where live events go on from")


class RowMaker:
    """Makes rows for one viewer; what many rows have in common is looked up once."""

    def __init__(self, connection: Connection, viewer: Viewer, rows: Iterable[RowMapping]) -> None:
        rows = list(rows)
        self._viewer = viewer
        self._subjects = subjects.named(connection, {row["subject"] for row in rows})
        cases = {row["case_id"] for row in rows if row["case_id"] is not None}
        self._cases = {case_id for case_id in cases if may_see_case(connection, viewer, case_id)}

    def alert(self, row: RowMapping) -> AlertRow:
        """The line of one alert."""
        values: dict[str, Any] = {name: row[name] for name in AlertRow.model_fields if name in row}
        name = json.loads(row["document"])["typology"]["name"][self._viewer.language]
        values |= {
            "typology_name": name,
            "severity": LEVELS[row["severity"]],
            "subject": self._subjects[row["subject"]].token,
            "case_id": row["case_id"] if row["case_id"] in self._cases else None,
        }
        return AlertRow(**values)


def campaign_row(row: RowMapping) -> CampaignRow:
    """The line of one campaign."""
    values: dict[str, Any] = {name: row[name] for name in CampaignRow.model_fields}
    values |= {"severity": LEVELS[row["severity"]], "typologies": row["typologies"].split()}
    return CampaignRow(**values)


def alert_rows(connection: Connection, viewer: Viewer, rows: Iterable[RowMapping]) -> list[AlertRow]:
    """Lines of alerts, in their order."""
    rows = list(rows)
    maker = RowMaker(connection, viewer, rows)
    return [maker.alert(row) for row in rows]


def queue_page(
    connection: Connection, viewer: Viewer, found: Page | GroupPage, counts: Counts, newest: int
) -> QueuePage:
    """A page of the queue for a viewer."""
    following = str(found.next) if found.next is not None else None
    if isinstance(found, Page):
        rows = alert_rows(connection, viewer, found.rows)
        return QueuePage(alerts=rows, counts=counts, next=following, newest=newest)
    maker = RowMaker(connection, viewer, [group.first for group in found.groups])
    groups = [
        GroupRow(
            campaign=campaign_row(group.campaign) if group.campaign is not None else None,
            first=maker.alert(group.first),
        )
        for group in found.groups
    ]
    return QueuePage(groups=groups, counts=counts, next=following, newest=newest)
