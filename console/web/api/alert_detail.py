"""One alert with everything that its page shows, as the API answers with it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from console.web.api.alert_models import AlertRow, CampaignRow


class FeatureView(BaseModel):
    """A measured value."""

    name: str
    text: str | None = Field(description="what is measured, in the viewer's language; none for a fact of the event")
    value: float
    unit: str


class SignalView(BaseModel):
    """One observation of the typology."""

    id: str
    text: str
    state: str = Field(description="yes, no, not_judged")
    weight: float
    contribution: float
    features: list[FeatureView]


class EvidenceView(BaseModel):
    """An operation that proves the finding; instants are ms UTC, money is tiyn."""

    event: str = Field(description="16 hexadecimal digits: /money/{event} follows its money")
    occurred_at: int
    amount: int
    direction: str
    counterparty: str | None
    subject: str | None


class PartyView(BaseModel):
    """Whom the event concerns."""

    role: str
    token: str


class SideView(BaseModel):
    """What is usual on one side of a subject's money; amounts in tiyn."""

    times: int
    median: int
    spread: int = Field(description="median distance to the median")
    counterparties: int


class HabitsView(BaseModel):
    """How the subject normally behaves, from what it did before the event."""

    operations: int
    days: int
    paid: SideView
    received: SideView
    hours: list[int] = Field(description="operations in each hour of the day")
    usual_hours: list[int]
    times_median: float | None = Field(description="the event's amount against the median of its side")
    hour: int
    hour_is_usual: bool
    counterparty_is_new: bool | None = Field(description="none where the event has no counterparty")


class WithoutView(BaseModel):
    """The score had one signal not held."""

    signal_id: str
    score: float
    silent: bool


class CounterfactualView(BaseModel):
    """What would have kept the alert silent."""

    threshold: float
    without: list[WithoutView]
    fewest: list[str] = Field(description="the fewest signals that would all have to go")
    left: float = Field(description="the score without these")


class HoldStateView(BaseModel):
    """One state that a hold went through."""

    state: str
    at: int
    cause: str
    cause_text: str
    clock: str
    deadline_at: int


class HoldView(BaseModel):
    """What the law allows with the event, until when, and what happens then."""

    hold_id: str
    decision: str
    state: str
    open: bool
    deadline_at: int
    legal_basis: str
    on_silence: str | None
    states: list[HoldStateView]


class WarningView(BaseModel):
    """That somebody was warned."""

    warning_id: str
    at: int
    rule: str
    payer: str
    payee: str


class NoticeView(BaseModel):
    """What another body was asked to do about it."""

    notice_id: str
    at: int
    outcome: str
    measure: str
    addressee: str
    deadline_at: int


class ActionView(BaseModel):
    """What somebody did with it."""

    at: int
    actor: str
    action: str
    reason: str | None


class BarView(BaseModel):
    """What moved in some days of the subject's history; amounts in tiyn."""

    begin: int
    days: int
    received: int
    paid: int
    operations: int
    alerts: int


class AlertDetail(BaseModel):
    """One alert with everything that its page shows."""

    alert: AlertRow
    explanation: str
    legal_basis: str
    rulebook_version: str
    rulebook_generation: int
    signals: list[SignalView]
    evidence: list[EvidenceView]
    parties: list[PartyView]
    event: str | None = Field(description="the event's hash, where its operation is in the store")
    habits: HabitsView
    counterfactual: CounterfactualView | None = Field(
        description="none where the threshold of the rulebook that judged it is not known"
    )
    holds: list[HoldView]
    campaign: CampaignRow | None
    siblings: list[AlertRow]
    same_event: list[AlertRow]
    warnings: list[WarningView]
    notices: list[NoticeView]
    history: list[BarView]
    actions: list[ActionView]
