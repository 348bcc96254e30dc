"""One typology as its file says it: what speaks for it, what follows, by what law, in which words, on what examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from rules.events import CHANNELS, KINDS
from rules.lists import Day, Identifier, Sourced
from rules.texts import Strict, Texts

TypologyId = Annotated[str, StringConstraints(pattern=r"^T[0-9]{2,3}$")]
Subject = Literal["payer", "payee", "device", "phone"]
DecisionName = Literal["warn", "step_up", "hold", "block"]
Sentence = Annotated[str, StringConstraints(min_length=10, strip_whitespace=True)]

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def milliseconds(duration: str) -> int:
    """An ISO 8601 duration of days, hours, minutes and seconds.

    >>> milliseconds("P1DT12H")
    129600000
    """
    found = _DURATION.fullmatch(duration)
    if not found or not any(found.groups()):
        raise ValueError("a duration is written like P30D, PT24H or PT30M")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) // timedelta(milliseconds=1)


def _duration(text: str) -> str:
    milliseconds(text)
    return text


def one_of(options: Sequence[str]) -> AfterValidator:
    """A text that has to be one of a few."""

    def checked(text: str) -> str:
        if text not in options:
            raise ValueError(f"{text!r} is none of {', '.join(options)}")
        return text

    return AfterValidator(checked)


def _thousandths(number: float) -> float:
    # Scores are summed in whole thousandths, so that 0.3 + 0.4 is exactly what the threshold 0.7 says.
    if round(number * 1000) / 1000 != number:
        raise ValueError("at most three decimals")
    return number


Duration = Annotated[str, AfterValidator(_duration)]
Weight = Annotated[float, Field(gt=0, le=1), AfterValidator(_thousandths)]
Score = Annotated[float, Field(gt=0, le=1), AfterValidator(_thousandths)]


class LegalBasis(Sourced):
    """By what right the center looks at this, and how sure we are of it."""

    text: Texts


class Parameter(Strict):
    """A number that an officer may change, known to the expressions as p.<name>."""

    name: Identifier
    value: float
    unit: str
    source: Annotated[str, StringConstraints(min_length=3)]


class Signal(Strict):
    """One thing that speaks for the typology, and how much."""

    id: Identifier
    when: str
    weight: Weight
    text: Texts


class Action(Strict):
    """What the institution is asked to do from a score on."""

    at: Score
    decision: DecisionName
    legal_basis: Texts
    source: Annotated[str, StringConstraints(min_length=3)]


class Evidence(Strict):
    """Which of the subject's transactions prove the finding."""

    within: Duration
    limit: Annotated[int, Field(ge=1, le=500)]


class Explanation(Strict):
    """What an analyst reads first and does next."""

    summary: Texts
    advice: Texts


class Occurrence(Strict):
    """One transaction of an example, or `times` of them, one `every` so often.

    People, companies, accounts and devices are names; `person-*` stands for a new one each time, `person-{1..5}` for
    five taken in turn.
    """

    at: str
    every: Duration | None = None
    times: Annotated[int, Field(ge=1, le=2_000)] = 1
    kind: Annotated[str, one_of(KINDS)] = "transfer"
    amount: float | list[float]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "KZT"
    payer: str | None = None
    payee: str | None = None
    channel: Annotated[str, one_of(CHANNELS)] | None = None
    device: str | None = None
    phone: str | None = None
    purpose: str | None = None
    purpose_code: Annotated[int, Field(ge=1, le=999)] | None = None
    merchant_category: Annotated[int, Field(ge=1, le=9999)] | None = None
    payer_account: str | None = None
    payee_account: str | None = None
    payer_region: Annotated[int, Field(ge=1, le=99)] | None = None
    payee_region: Annotated[int, Field(ge=1, le=99)] | None = None
    payer_institution: str | None = None
    payee_institution: str | None = None
    payer_account_opened: Day | None = None
    payee_account_opened: Day | None = None
    sim_changed: str | None = None
    device_new: bool = False
    remote_access: bool = False
    own_deposit_broken: bool = False
    anomaly: dict[Literal["payer", "payee"], Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)


class Example(Strict):
    """A short story in transactions, after which the typology must have alerted, or must not have."""

    name: Sentence
    events: Annotated[list[Occurrence], Field(min_length=1)]
    alerts: Literal["last", "any"] | Annotated[list[int], Field(min_length=1)] | None = None


class Examples(Strict):
    alerting: list[Example] = Field(default_factory=list)
    silent: list[Example] = Field(default_factory=list)


class Typology(Strict):
    """One way in which money is stolen, collected or hidden."""

    id: TypologyId
    version: Annotated[int, Field(ge=1)]
    status: Literal["active", "shadow"]
    owner: Annotated[str, StringConstraints(min_length=3)]
    name: Texts
    explanation: Explanation
    legal_basis: Annotated[list[LegalBasis], Field(min_length=1)]
    subject: Subject
    when: str
    parameters: list[Parameter] = Field(default_factory=list)
    signals: Annotated[list[Signal], Field(min_length=1, max_length=16)]
    alert_at: Score
    actions: list[Action] = Field(default_factory=list)
    evidence: Evidence
    false_positives: Annotated[list[Texts], Field(min_length=1)]
    examples: Examples

    @model_validator(mode="after")
    def _actions_in_order(self) -> Typology:
        marks = [action.at for action in self.actions]
        if marks != sorted(set(marks)):
            raise ValueError("actions are listed by rising 'at', each once")
        return self

    @property
    def shadow(self) -> bool:
        """Judged and published for comparison only: no decision follows."""
        return self.status == "shadow"

    def action(self, score: float) -> Action | None:
        """The strongest action that a score asks for."""
        reached = [action for action in self.actions if score >= action.at]
        return reached[-1] if reached and not self.shadow else None
