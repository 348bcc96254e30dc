"""One typology as its file says it: what speaks for it, what follows, by what law, in which words, on what examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from rules.events import CHANNELS, FACT_KINDS, KINDS
from rules.lists import Day, Identifier, Sourced
from rules.references import ACTIONS, APPEALS, LISTS, PROOFS
from rules.texts import Strict, Texts

TypologyId = Annotated[str, StringConstraints(pattern=r"^T[0-9]{2,3}$")]
Subject = Literal["payer", "payee", "device", "phone"]
DecisionName = Literal["warn", "step_up", "hold", "block"]
Amount = Annotated[float, Field(gt=0, le=1e12)]
Region = Annotated[int, Field(ge=1, le=99)]
Party = Annotated[str, StringConstraints(pattern=r"^(?:(?:person|company|account|foreign):)?[a-z0-9*{}.-]{1,48}$")]
Amounts = Annotated[list[Amount], Field(min_length=1)]
Regions = Annotated[list[Region], Field(min_length=1)]
Listed = Annotated[
    str,
    StringConstraints(pattern=r"^(?:(?:person|company|account|foreign|phone|device):)?[a-z0-9*{}.-]{1,48}$"),
]
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


def _local_time(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?", text):
        raise ValueError("a time is written 2026-01-31T18:30")
    datetime.fromisoformat(text)
    return text


LocalTime = Annotated[str, AfterValidator(_local_time)]
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
    """One transaction of an example, or one fact or entry of a list; or `times` of them, one `every` so often.

    People, companies, accounts and devices are names: `mother` is a person, `company:school` a company,
    `account:drop` somebody of whom only the account is known, `foreign:cousin` a foreigner. `guest-*` stands for
    somebody new each time, `guest-{1..5}` for five in turn. Values in a list are taken in turn as well. Times are
    local, days and durations as in ISO 8601.

    A fact has its `kind`: a call a payer or a phone, or both; a loan a payee and an amount (`payer_institution` is the
    lender); a disposition a payee; a listing a payee and a `list`. An entry has a `list`, a `subject` and an `entry`,
    set or withdrawn; it is no event, and known from `at` on.
    """

    at: LocalTime
    every: Duration | None = None
    times: Annotated[int, Field(ge=1, le=2_000)] = 1
    kind: Annotated[str, one_of(KINDS)] = "transfer"
    amount: Amount | Amounts | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "KZT"
    payer: Party | None = None
    payee: Party | None = None
    channel: Annotated[str, one_of(CHANNELS)] | None = None
    device: Party | None = None
    phone: Party | None = None
    purpose: str | None = None
    purpose_code: Annotated[int, Field(ge=1, le=999)] | None = None
    merchant_category: Annotated[int, Field(ge=1, le=9999)] | None = None
    payer_account: Party | None = None
    payee_account: Party | None = None
    payer_region: Region | Regions | None = None
    payee_region: Region | Regions | None = None
    payer_institution: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?$")] | None = None
    payee_institution: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?$")] | None = None
    payer_account_opened: Day | None = None
    payee_account_opened: Day | None = None
    sim_changed: LocalTime | None = None
    device_new: bool = False
    remote_access: bool = False
    own_deposit_broken: bool = False
    online: bool = False
    secured: bool = False
    list: Annotated[str, one_of(LISTS)] | None = None
    entry: Annotated[str, one_of(ACTIONS)] | None = None
    subject: Listed | None = None
    valid_from: LocalTime | None = None  # `at` where it is not given
    valid_to: LocalTime | None = None
    sequence: Annotated[int, Field(ge=0)] = 0
    proof: Annotated[str, one_of(PROOFS[1:])] | None = None
    appeal: Annotated[str, one_of(APPEALS)] = APPEALS[0]
    anomaly: dict[Literal["payer", "payee"], Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Occurrence:
        if self.times > 1 and self.every is None:
            raise ValueError("'times' needs 'every'")
        if self.entry is not None:
            if self.list is None or self.subject is None:
                raise ValueError("an entry needs a list and a subject")
            if "kind" in self.model_fields_set or (self.payer, self.payee, self.amount) != (None, None, None):
                raise ValueError("an entry is no event: it has no kind, payer, payee or amount")
            return self
        if self.subject is not None:
            raise ValueError("a subject needs an entry: set or withdrawn")
        if (self.list is not None) != (self.kind == "listing"):
            raise ValueError("a list belongs to an entry, or to a listing")
        self._check_parties()
        if self.amount is None and (self.kind not in FACT_KINDS or self.kind.startswith("loan_")):
            raise ValueError(f"{self.kind} needs an amount")
        return self

    def _check_parties(self) -> None:
        kind = self.kind
        if kind.startswith("call_") or kind == "sim_swap":
            if self.payee is not None or (self.payer is None and self.phone is None):
                raise ValueError(f"{kind} needs a payer or a phone, those of the callee, and no payee")
            return
        if kind in FACT_KINDS:
            if self.payer is not None or self.payee is None:
                raise ValueError(f"{kind} needs a payee, its subject, and no payer")
            return
        needs_payer = kind not in ("cash_deposit", "loan_disbursement")
        needs_payee = kind != "cash_withdrawal"
        if (needs_payer and self.payer is None) or (needs_payee and self.payee is None):
            needed = [role for role, needs in (("payer", needs_payer), ("payee", needs_payee)) if needs]
            raise ValueError(f"{kind} needs a {' and a '.join(needed)}")


class Example(Strict):
    """A short story in transactions, after which the typology must have alerted, or must not have."""

    name: Sentence
    events: Annotated[list[Occurrence], Field(min_length=1)]
    # Events are numbered from 1 in order of time. A list is exact: these events alert and no others.
    alerts: Literal["last", "any"] | Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = "last"


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
