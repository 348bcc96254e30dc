"""The settle agent: what becomes of every hold, block and step-up, told on `holds` and to the institutions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.events import KINDS, PAYEE, PAYER, subject_role
from rules.holds import (
    EXPIRED,
    EXTENDED,
    IN_FORCE,
    PROCEEDED,
    RELEASED,
    RESTRAINING,
    Base,
    Binding,
    Finding,
    Hold,
    Ledger,
    Opening,
)
from rules.references import LISTS
from streams.contracts.decision import Decision
from streams.contracts.fields import from_milliseconds
from streams.contracts.hold import TOPIC as HOLDS
from streams.contracts.hold import HoldEvent
from streams.engine import homes_of
from streams.following import DECISIONS, JudgedBatch, Mark, Outgoing, moments
from streams.tokens import TokenKey
from streams.verdicts import NEW, REPEAT
from streams.wording import alert_id, headers_of, in_three, tenge, text_of

_STEP_UP, _HOLD = DECISIONS.index("step_up"), DECISIONS.index("hold")
_OUTCOMES: Final = {
    KINDS.index(f"marked_{outcome}"): outcome
    for outcome in ("confirmed", "false_positive", "victim", "mule", "returned")
}
_PROTECTED: Final = np.uint32(1 << LISTS.index("protected"))
_CONTRACT: Final = KINDS.index("loan_contract")
_LOANS: Final = (KINDS.index("loan_disbursement"), KINDS.index("loan_paid_out"))
ANSWERS: Final = 20_000  # last answers kept for events that come again; screen keeps as many
CONTRACT_REMEMBERED_MS: Final = 2 * 86_400_000  # longer than any cooling-off


class _Answer(msgspec.Struct, array_like=True, frozen=True):
    """What an institution was last told of an event, beyond the screen's first decision."""

    value: bytes
    key: bytes
    identity: str
    addressees: tuple[str, ...]
    home: int


class _Saved(msgspec.Struct, array_like=True):
    holds: list[Hold]
    allowances: dict[int, int]
    contracts: dict[int, int]
    answers: dict[int, _Answer]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Saved).decode


class Settle:
    """A follower (streams/following.py): its state is the ledger of open holds.

    `key` names subjects, `institutions` are those that take part, `partitions` that of `decisions.<institution>`.
    """

    name: str = "settle"

    def __init__(self, key: TokenKey, institutions: Iterable[str], partitions: int) -> None:
        self._key = key
        self._institutions = frozenset(institutions)
        self._partitions = partitions
        self.ledger = Ledger()
        self._contracts: dict[int, int] = {}  # borrower → when their latest loan contract was made
        self._answers: dict[int, _Answer] = {}  # event → the last of them

    # -- what arrives -------------------------------------------------------------------------------------------------

    def take(self, batch: JudgedBatch) -> list[Outgoing]:
        """Open, change and end holds in the order of the events; see streams.following.Follower."""
        rows, procedure = batch.rows, batch.rulebook.procedure
        protected = batch.rulebook.protected_money
        new = batch.state == NEW
        listed = (batch.lists & _PROTECTED) != 0
        income = protected.incoming(rows, listed[:, PAYER]) & new
        outgo = protected.outgoing(rows, listed[:, PAYEE]) & new
        decided = _decided(batch)
        told_something = np.isin(rows["kind"], (*_OUTCOMES, _CONTRACT)) & new
        interesting = np.flatnonzero(income | outgo | told_something).tolist()
        times = moments(rows)
        told: list[Outgoing] = []
        again = np.flatnonzero(batch.state == REPEAT).tolist()
        for i in sorted({*interesting, *decided, *again}):
            row, moment = rows[i], int(times[i])
            order = int(row["epoch"]), int(row["order_time"])
            told += self._told(self.ledger.due(order, including=False))
            outcome = _OUTCOMES.get(int(row["kind"]))
            if outcome is not None:
                finding = Finding(outcome, int(row["payee"]), text_of(row["institution"]), order, moment)
                told += self._told(self.ledger.find(finding, procedure))
            elif row["kind"] == _CONTRACT:
                self._contract_made(int(row["payee"]), moment)
            if batch.state[i] == REPEAT:
                # The screen has just repeated its first decision; what became of it follows.
                answered = self._answers.get(int(row["event"]))
                told += self._sent(answered) if answered is not None else ()
                continue
            held = False
            if i in decided:
                opening = self._opening(batch, i, decided[i], moment, bool(income[i]), bool(outgo[i]))
                began = self.ledger.begin(opening, procedure) if opening is not None else []
                held = any(hold.open and hold.decision in RESTRAINING for hold in began)
                # The screen sends no hold of protected income: there is nothing to let go.
                told += self._told(began, answering=not income[i])
            if income[i]:
                self.ledger.came_in(int(row["payee"]), int(row["amount_kzt"]))
            if outgo[i] and not held:
                self.ledger.went_out(int(row["payer"]), int(row["amount_kzt"]))
        return told

    def advance(self, mark: Mark) -> list[Outgoing]:
        """End what is due at the mark."""
        return list(self._told(self.ledger.due(mark, including=True)))

    def _contract_made(self, borrower: int, moment: int) -> None:
        self._contracts.pop(borrower, None)
        self._contracts[borrower] = moment
        for other, made in list(self._contracts.items()):
            if made > moment - CONTRACT_REMEMBERED_MS:
                break
            del self._contracts[other]

    def _opening(
        self, batch: JudgedBatch, i: int, gravest: int, moment: int, income: bool, outgo: bool
    ) -> Opening | None:
        row = batch.rows[i]
        institution = text_of(row["institution"])
        if institution not in self._institutions:
            return None  # a fact of an operator or a state body: nobody can hold it
        # A warning on the same event does not carry a hold.
        least = min(gravest, _HOLD)
        typologies = batch.rulebook.typologies
        bases = []
        for finding in batch.findings[batch.findings["row"] == i]:
            if finding["shadow"] or finding["decision"] < least:
                continue
            typology = typologies[int(finding["typology"])]
            role = subject_role(row, typology.subject)
            account = int(row[f"{role}_account"]) if role in ("payer", "payee") else 0
            bases.append(Base(typology.id, role, (int(row[role]), int(row[f"{role}_rest"])), account))
        source = batch.sources[int(row["source"])]
        return Opening(
            cast(Binding, DECISIONS[gravest]),
            institution,
            text_of(row["payee_institution"]),
            text_of(row["event_id"]),
            int(row["event"]),
            int(row["amount_kzt"]),
            (int(row["payer"]), int(row["payer_rest"])),
            (int(row["payee"]), int(row["payee_rest"])),
            (int(row["payer_account"]), int(row["payee_account"])),
            int(row["device"]),
            int(row["phone"]),
            tuple(bases),
            source.topic,
            source.partition,
            int(row["offset"]),
            (int(row["epoch"]), int(row["order_time"])),
            moment,
            income,
            outgo,
            *self._cooling_off(batch, row, bases, moment),
        )

    def _cooling_off(self, batch: JudgedBatch, row: np.void, bases: list[Base], moment: int) -> tuple[str, int]:
        """The clock and the start of a loan's cooling-off, where that alone is why it is held."""
        procedure = batch.rulebook.procedure
        if row["kind"] not in _LOANS or any(base.typology not in procedure.cooling_off for base in bases):
            return "", 0
        lender = text_of(row["payer_institution"]) or text_of(row["institution"])
        clock = procedure.cooling_off_clock(lender, int(row["amount_kzt"]), moment)
        # Without the contract the money's own event is the latest that the time can have begun.
        return clock, self._contracts.get(int(row["payee"]), moment) if clock else 0

    # -- what leaves --------------------------------------------------------------------------------------------------

    def _told(self, holds: Iterable[Hold], *, answering: bool = True) -> Iterator[Outgoing]:
        for hold in holds:
            event = self._event(hold)
            identity = f"{hold.id}-{hold.number}"
            yield Outgoing(
                HOLDS,
                event.model_dump_json(exclude_none=True).encode(),
                hold.id.encode(),
                headers_of("hold", identity),
            )
            answer = self._answer(hold, event) if answering else None
            if answer is None:
                continue
            addressees = [hold.institution]
            if event.payee_institution is not None and hold.decision == "hold":
                addressees.append(event.payee_institution)
            kept = _Answer(
                answer.model_dump_json(exclude_none=True).encode(),
                event.alert_ids[0].encode(),
                identity,
                tuple(addressees),
                self._home(hold),
            )
            self._answers.pop(hold.event, None)
            self._answers[hold.event] = kept
            if len(self._answers) > ANSWERS:
                del self._answers[next(iter(self._answers))]
            yield from self._sent(kept)

    @staticmethod
    def _sent(answer: _Answer) -> Iterator[Outgoing]:
        headers = headers_of("decision", answer.identity)
        for addressee in answer.addressees:
            yield Outgoing(f"decisions.{addressee}", answer.value, answer.key, headers, answer.home)

    def _home(self, hold: Hold) -> int:
        """The partition in which the event was judged and first decided: an institution reads one after the other."""
        row = np.zeros(1, [(role, "<u8") for role in ("payer", "payee", "device", "phone")])
        row["payer"], row["payee"] = hold.payer[0], hold.payee[0]
        return int(homes_of(row, self._partitions)[1][0])

    def _event(self, hold: Hold) -> HoldEvent:
        other = hold.payee_institution
        return HoldEvent(
            type="hold",
            hold_id=hold.id,
            number=hold.number,
            decision=hold.decision,
            state=hold.state,
            cause=hold.cause,
            cause_text=in_three(hold.cause_words),
            institution=hold.institution,
            payee_institution=other if other in self._institutions and other != hold.institution else None,
            event_id=hold.event_id,
            amount=tenge(hold.amount),
            payer=self._key.text(hold.payer) if hold.payer[0] else None,
            payee=self._key.text(hold.payee) if hold.payee[0] else None,
            typologies=hold.typologies,
            alert_ids=tuple(
                alert_id(hold.institution, hold.event_id, base.typology, self._key.text(base.subject))
                for base in hold.bases
            ),
            legal_basis=in_three(hold.basis),
            since=from_milliseconds(hold.since),
            at=from_milliseconds(hold.at),
            clock=hold.clock,
            deadline=from_milliseconds(hold.deadline),
            on_silence=in_three(hold.on_silence) if hold.open else None,
        )

    @staticmethod
    def _answer(hold: Hold, event: HoldEvent) -> Decision | None:
        """What the institution has to know beyond the first decision: that it may let go, or a new deadline."""
        ended = hold.state in (RELEASED, PROCEEDED, EXPIRED)
        decision: Binding | Literal["release"]
        if ended and (hold.decision in RESTRAINING or hold.state == RELEASED):
            decision = "release"  # a step-up that nobody answered leaves the institution to its own rules
        elif hold.state in (IN_FORCE, EXTENDED) and hold.number > 0:
            decision = hold.decision
        else:
            return None
        return Decision(
            type="decision",
            institution=event.institution,
            event_id=event.event_id,
            decision=decision,
            typologies=event.typologies,
            reason=event.cause_text,
            legal_basis=event.legal_basis.ru,
            deadline=event.deadline if hold.open else None,
            topic=hold.topic,
            partition=hold.partition,
            offset=hold.offset,
            alert_ids=event.alert_ids,
        )

    # -- state --------------------------------------------------------------------------------------------------------

    def state(self) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
        """The open holds, allowances and loan contracts as one document."""
        ledger = self.ledger
        return _encode(_Saved(list(ledger.open.values()), ledger.allowances, self._contracts, self._answers)), {}

    def restore(self, document: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the follower whose state this was."""
        saved = _decode(document)
        self.ledger = Ledger.of(saved.holds, saved.allowances)
        self._contracts = saved.contracts
        self._answers = saved.answers


def _decided(batch: JudgedBatch) -> dict[int, int]:
    """Row → the gravest decision that binds somebody, an index into DECISIONS; in order of rows."""
    found = batch.findings
    chosen = (found["decision"] >= _STEP_UP) & (found["shadow"] == 0)
    gravest: dict[int, int] = {}
    for finding in found[chosen]:
        i = int(finding["row"])
        if batch.state[i] == NEW:
            gravest[i] = max(gravest.get(i, 0), int(finding["decision"]))
    return gravest
