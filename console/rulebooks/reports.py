"""What the library says of a rulebook, in the shape that pages show, the API answers and the store keeps."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from console.rulebooks.sources import JudgedEvents, SimulatedEvents
from rules.texts import Texts

SignalState = Literal["no", "yes", "not_judged"]


class Report(BaseModel):
    """What every part of a report is."""

    model_config = ConfigDict(frozen=True)


class Fault(Report):
    """One fault of one file; lines and columns count from 1."""

    path: str
    line: int
    column: int
    message: str
    suggestion: str
    severity: Literal["error", "warning"]


class MeasuredValue(Report):
    """A value that a typology looked at, and its unit; None where it is not known."""

    name: str
    value: float | str | bool | None
    unit: str


class SignalResult(Report):
    """One signal at the example's highest score."""

    id: str
    state: SignalState
    weight: float
    text: Texts


class ExampleResult(Report):
    """What became of one example, with what was measured at the event that scored highest."""

    typology: str
    kind: Literal["alerting", "silent"]
    name: str
    passed: bool
    events: int
    expected: str
    alerts: list[int] = Field(description="The events that alerted, from 1")
    best: int = Field(description="The event with the highest score, from 1")
    score: float
    alert_at: float
    signals: list[SignalResult]
    values: list[MeasuredValue]
    others: list[str] = Field(description="Typologies that alerted on the same events")


class CheckReport(Report):
    """Whether the files make a rulebook, and whether it does what its examples say."""

    digest: str
    version: str | None = Field(description="None where the rulebook has errors")
    typologies: list[str]
    faults: list[Fault] = Field(description="The first of them, errors before warnings where not all are listed")
    more_faults: int = Field(default=0, description="How many are not listed")
    examples: list[ExampleResult] = Field(description="Empty where the rulebook has errors")

    @property
    def errors(self) -> int:
        """How many faults stop the rulebook."""
        return sum(fault.severity == "error" for fault in self.faults)

    @property
    def failing(self) -> list[ExampleResult]:
        """The examples that do not show what they say."""
        return [example for example in self.examples if not example.passed]

    @property
    def sound(self) -> bool:
        """No error, and every example shows what it says: the rulebook may be proposed."""
        return self.version is not None and not self.failing


class RulebookName(Report):
    """Which rulebook it was."""

    version: str
    digest: str


class AlertLine(Report):
    """One alert of a comparison."""

    alert_id: str
    typology: str
    status: Literal["active", "shadow"]
    institution: str
    event_id: str
    occurred_at: int = Field(description="ms since 1970 UTC")
    score: float
    decision: str | None
    fraud: bool | None = Field(default=None, description="What the labels say of the event; None where there are none")


class CountChange(Report):
    """How many alerts of one kind there were before and after; new and gone ones are counted by their ids."""

    name: str
    before: int
    after: int
    new: int
    gone: int
    new_wrong: int | None = Field(default=None, description="Of the new, those whose event no fraud's label names")
    gone_right: int | None = Field(default=None, description="Of the gone, those whose event is a fraud's")


class DayChange(Report):
    """The alerts of one day of Kazakhstan's calendar (YYYY-MM-DD)."""

    day: str
    before: int
    after: int


class DifferenceReport(Report):
    """What another rulebook would have made of the same events."""

    old: RulebookName
    new: RulebookName
    events: str = Field(description="Which events were judged: a file, a simulated country, what was judged before")
    source: SimulatedEvents | JudgedEvents | None = Field(
        default=None, discriminator="kind", description="How the events were chosen, where they are no files"
    )
    judged: int
    rejected: int
    first_at: int | None
    last_at: int | None
    seconds: float
    total: CountChange
    typologies: list[CountChange]
    institutions: list[CountChange]
    decisions: list[CountChange]
    days: list[DayChange] = Field(default_factory=list)
    new_alerts: list[AlertLine] = Field(
        default_factory=list, description="The first of the alerts that only the new rulebook raises"
    )
    gone_alerts: list[AlertLine] = Field(
        default_factory=list, description="The first of the alerts that only the old rulebook raises"
    )


class Step(Report):
    """One change of a story: its kind, and its number of tenge, minutes, parts, events, helpers or days."""

    kind: str
    number: float


class Way(Report):
    """Changes of a story that keep a typology silent, and what they cost whoever makes them."""

    steps: list[Step]
    money_moved: float = Field(description="Tenge of the story as it is written")
    money_forgone: float = Field(description="Tenge of it that the evader gives up")
    days: float = Field(description="What the story takes longer")
    helpers: int = Field(description="People, accounts or devices more than before")
    operations: int = Field(description="Operations more than before")
    price: float = Field(description="Tenge, by the stated prices of effort")
    score: float
    still_caught_by: list[str]


class Evasion(Way):
    """The cheapest change of one alerting example that keeps this typology silent."""

    example: str


class AlertEvasions(Report):
    """What would have kept one real alert from being raised, the cheapest first."""

    alert_id: str
    occurred_at: int = Field(description="ms since 1970 UTC")
    standing: Literal["found", "none", "gone", "not_raised", "no_time"] = Field(
        description="gone: its operations are no longer kept; not_raised: those that are kept raise no alert any more"
    )
    operations: int = Field(description="Of its parties, that were judged again")
    missing: int = Field(description="Of its parties, that the store knows and Kafka no longer keeps")
    ways: list[Way]


class RecentAlerts(Report):
    """The latest alerts of a typology, looked at in the same way as its examples."""

    standing: Literal["read", "without", "away"] = Field(
        description="without: this console has no Kafka; away: it does not answer"
    )
    seconds: float = Field(description="What the search took")
    alerts: list[AlertEvasions]


class EvasionReport(Report):
    """What a typology costs to evade, example by example, and alert by alert where they can be judged again."""

    typology: str
    digest: str
    tries: int
    found: list[Evasion]
    not_found: list[str] = Field(description="Examples that stayed alerting whatever was tried")
    recent: RecentAlerts = RecentAlerts(standing="without", seconds=0, alerts=[])
