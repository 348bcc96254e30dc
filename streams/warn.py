"""The warn agent: who is warned of a payee, who is held out, and what warnings changed, told on `warnings`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rules.events import ROLES, TRANSACTION_KINDS
from rules.rulebook import Rulebook
from rules.warning import Campaign, Payment, WarningRule, Warnings, rule_for
from streams.contracts.fields import from_milliseconds
from streams.contracts.text import Text
from streams.contracts.warning import Warning, WarningEffect
from streams.following import DECISIONS, JudgedBatch, Mark, Outgoing, moment, moments
from streams.tokens import TokenKey
from streams.verdicts import NEW
from streams.wording import alert_id, headers_of, text_of

WARNINGS: Final = "warnings"
_WARN: Final = DECISIONS.index("warn")


class Warn:
    """A follower (streams/following.py): its state is that of rules.warning. `key` names subjects."""

    name: str = "warn"

    def __init__(self, key: TokenKey) -> None:
        self._key = key
        self.warnings = Warnings()

    def take(self, batch: JudgedBatch) -> list[Outgoing]:
        """Assign whoever pays a payee with a finding, and note who pays it again, in the order of the events."""
        procedure = batch.rulebook.procedure
        if procedure.warning_policy is None:
            return []
        rows, found = batch.rows, _found(batch)
        payment = (batch.state == NEW) & (rows["kind"] < len(TRANSACTION_KINDS))
        payment &= (rows["payer"] != 0) & (rows["payee"] != 0)
        known = {int(rows["payee"][i]) for i in found} | self.warnings.campaigns.keys()
        if not known:
            return []
        payees = np.fromiter(known, np.uint64, len(known))
        told: list[Outgoing] = []
        times = moments(rows)
        for i in np.flatnonzero(payment & np.isin(rows["payee"], payees)).tolist():
            row, at = rows[i], int(times[i])
            told += self._reports(at - 1)
            paid = Payment(int(row["payer"]), int(row["payee"]), int(row["amount_kzt"]), at)
            if paid.payee in self.warnings.campaigns:
                self.warnings.paid(paid)
            typologies = [batch.rulebook.typologies[t].id for t in found.get(i, ())]
            chosen = rule_for(procedure.warnings, typologies) if typologies else None
            if chosen is None:
                continue
            rule, typology = chosen
            group = self.warnings.assign(paid, int(row["payee_rest"]), rule, procedure.warning_policy)
            if group == "warned":
                told.append(self._warning(row, at, rule, typology, batch.rulebook))
        return told

    def advance(self, mark: Mark) -> list[Outgoing]:
        """Tell the effects that are due."""
        return list(self._reports(moment(mark)))

    def _reports(self, at: int) -> Iterator[Outgoing]:
        for told_at, payees in self.warnings.due(at):
            for payee in payees:
                yield self._effect(payee, self.warnings.campaigns[payee], told_at)

    def _warning(self, row: np.void, at: int, rule: WarningRule, typology: str, rulebook: Rulebook) -> Outgoing:
        policy = rulebook.procedure.warning_policy
        assert policy is not None
        payer = self._key.text((int(row["payer"]), int(row["payer_rest"])))
        payee = self._key.text((int(row["payee"]), int(row["payee_rest"])))
        institution, event_id = text_of(row["institution"]), text_of(row["event_id"])
        identity = hashlib.sha256("\x1f".join((payer, payee, institution, event_id)).encode()).hexdigest()[:32]
        role = next(each.subject for each in rulebook.typologies if each.id == typology)
        assert role in ROLES
        subject = self._key.text((int(row[role]), int(row[f"{role}_rest"])))
        warning = Warning(
            type="warning",
            warning_id=identity,
            payer=payer,
            payee=payee,
            institution=institution,
            event_id=event_id,
            occurred_at=from_milliseconds(int(row["occurred_at"])),
            at=from_milliseconds(at),
            rule=rule.name,
            typology=typology,
            alert_id=alert_id(institution, event_id, typology, subject),
            language=policy.language(int(row["payer_region"])),
            text=Text(**rule.text.model_dump()),
            advice=Text(**rule.advice.model_dump()),
        )
        value = warning.model_dump_json().encode()
        return Outgoing(WARNINGS, value, identity.encode(), headers_of("warning", identity))

    def _effect(self, payee: int, campaign: Campaign, at: int) -> Outgoing:
        told = self._key.text((payee, campaign.rest))
        warned, held = campaign.warned, campaign.held
        effect = WarningEffect(
            type="warning_effect",
            payee=told,
            rule=campaign.rule,
            at=from_milliseconds(at),
            warned=warned.people,
            held_out=held.people,
            passed_over=campaign.passed_over,
            warned_measured=warned.measured,
            warned_paid_again=warned.again,
            held_out_measured=held.measured,
            held_out_paid_again=held.again,
            warned_tenge=warned.money,
            warned_tenge_squares=warned.squares,
            held_out_tenge=held.money,
            held_out_tenge_squares=held.squares,
        )
        identity = f"{told}@{at}"
        return Outgoing(
            WARNINGS, effect.model_dump_json().encode(), told.encode(), headers_of("warning-effect", identity)
        )

    def state(self) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
        """Everything as one document."""
        return self.warnings.saved(), {}

    def restore(self, document: bytes, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the follower whose state this was."""
        self.warnings = Warnings.restored(document)


def _found(batch: JudgedBatch) -> dict[int, list[int]]:
    """Row → the typologies, in the rulebook's order, that a payer may be told of."""
    found = batch.findings
    telling = {typology for rule in batch.rulebook.procedure.warnings.values() for typology in rule.typologies}
    wanted = np.array([typology.id in telling for typology in batch.rulebook.typologies], np.bool_)
    chosen = found[(found["decision"] >= _WARN) & (found["shadow"] == 0) & wanted[found["typology"]]]
    result: dict[int, list[int]] = {}
    for row, typology in zip(chosen["row"].tolist(), chosen["typology"].tolist(), strict=True):
        if batch.state[row] == NEW:
            result.setdefault(row, []).append(typology)
    return result
