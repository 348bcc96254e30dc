"""A subject with everything known of it, and graphs around it, as the API answers with them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from console.web.api.alert_detail import BarView, HabitsView
from console.web.api.alert_models import AlertRow
from console.web.api.case_models import CaseRow


class SubjectAlert(BaseModel):
    """An alert that concerns a subject."""

    role: str = Field(description="in which the subject stands in it")
    alert: AlertRow


class OperationView(BaseModel):
    """One operation or fact; instants are ms UTC, money is tiyn."""

    event: str = Field(description="16 hexadecimal digits")
    occurred_at: int
    kind: str
    channel: str | None
    amount: int
    direction: str = Field(description="in, out, used")
    payer: str | None
    payee: str | None
    institution: str
    risk: float


class CounterpartyView(BaseModel):
    """Money between a subject and another one."""

    token: str
    paid: int
    paid_times: int
    received: int
    received_times: int
    first_at: int
    last_at: int


class SharedView(BaseModel):
    """A device or telephone and the others who used it."""

    token: str
    kind: str
    users: list[str] = Field(description="those who used it most often")
    more_users: int = Field(description="how many there are besides, as far as they were counted: up to 50 in all")


class ListingView(BaseModel):
    """That a registry names the subject."""

    list: str
    action: str
    publisher: str
    reason: str
    valid_from: int
    valid_to: int | None


class HeldView(BaseModel):
    """A hold on an operation of the subject."""

    hold_id: str
    decision: str
    state: str
    amount: int
    at: int
    deadline_at: int


class WarnedView(BaseModel):
    """That the subject was warned, or others of it."""

    at: int
    rule: str
    payer: str
    payee: str


class SubjectDetail(BaseModel):
    """A subject with everything known of it."""

    token: str
    kind: str
    alerts: list[SubjectAlert]
    more_alerts: int | None = Field(description="`before` of the next alerts, where there are more")
    habits: HabitsView | None
    history: list[BarView]
    operations: list[OperationView]
    counterparties: list[CounterpartyView]
    shared: list[SharedView]
    users: list[str] = Field(description="of a device or telephone: who paid with it")
    listings: list[ListingView]
    holds: list[HeldView]
    warnings: list[WarnedView]
    meter: float | None = Field(description="index of the latest reading, where the subject is watched as a collector")
    cases: list[CaseRow] = Field(description="that the viewer may know of")


class NodeView(BaseModel):
    """A subject in a picture, with its place between -1 and 1."""

    token: str
    kind: str
    found_by: str = Field(description="money, device, phone")
    hop: int
    money: int
    alerts: int = Field(description="that concern it")
    x: float
    y: float


class EdgeView(BaseModel):
    """An edge between two nodes, by their places in `nodes`; money flows from the first to the second."""

    source: int
    target: int
    kind: str
    times: int
    amount: int


class NetworkView(BaseModel):
    """A graph ready to be drawn."""

    nodes: list[NodeView]
    edges: list[EdgeView]
    cut: bool = Field(description="there is more around it than the caps let in")


class PathView(BaseModel):
    """A shortest way of money between two subjects; without one, `exhausted` says whether the search was complete."""

    network: NetworkView
    found: bool
    exhausted: bool
