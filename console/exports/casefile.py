"""The case file as a document: a pure function from a case's material to plain JSON, which is then signed.

It holds texts, whole numbers, truths, lists and objects only, so that its canonical form is one; texts of alerts stand
in it in three languages, so that the paper made of it may be in any.
"""

from __future__ import annotations

from typing import Any, Final

from console.exports.material import CaseAlert, CaseHold, Filing, Material, Operation, Party, Side, decimal, local
from console.texts import LANGUAGES, Texts
from streams.contracts.fields import write_instant
from streams.contracts.suspicious_operation import Evidence, Signal

TYPE: Final = "case_file"
FORMAT: Final = 1
_NOT_CLAIMED: Final = ("guilt", "sent_records", "tokens", "tracing", "retention")


def document(material: Material, texts: Texts) -> dict[str, Any]:
    """Everything of a case, as the store has it at `material.prepared_at`."""
    return {
        "type": TYPE,
        "format": FORMAT,
        "prepared_at": _instant(material.prepared_at),
        "case": {
            "case_id": material.case_id,
            "title": material.title,
            "state": material.state,
            "opened_at": _instant(material.opened_at),
            "owner": material.owner,
            "filing": _filing(material.filing),
        },
        "summary": _summary(material),
        "alerts": [_alert(each) for each in material.alerts],
        "operations": [_operation(each) for each in material.operations],
        "holds": [_hold(each) for each in material.holds],
        "trace": [
            {
                "hop": row.hop,
                "account": _party(row.account),
                "received": decimal(row.received),
                "still_there": decimal(row.still_there),
                "left": decimal(row.left),
            }
            for row in material.trace
        ],
        "audit": [
            {
                "number": line.number,
                "at": _instant(line.at),
                "actor": line.actor,
                "role": line.role,
                "action": line.action,
                "hash": line.hash,
            }
            for line in material.audit
        ],
        "identities_opened": sorted(material.named),
        "does_not_claim": [
            {language: texts(language, f"casefile.not_claimed.{key}") for language in LANGUAGES} for key in _NOT_CLAIMED
        ],
    }


def _summary(material: Material) -> dict[str, Any]:
    names = {each.alert.typology.id: each.alert.typology.name.model_dump() for each in material.alerts}
    counts = dict.fromkeys(sorted(names), 0)
    for each in material.alerts:
        counts[each.alert.typology.id] += 1
    times = [operation.occurred_at for operation in material.operations]
    payers = {operation.payer.party.token for operation in material.operations if operation.payer.party is not None}
    return {
        "alerts": len(material.alerts),
        "operations": len(material.operations),
        "payers": len(payers),
        "amount": decimal(material.amount),
        "first_at": _instant(min(times)) if times else None,
        "last_at": _instant(max(times)) if times else None,
        "typologies": [
            {"id": typology, "name": names[typology], "alerts": count} for typology, count in counts.items()
        ],
    }


def _alert(each: CaseAlert) -> dict[str, Any]:
    alert = each.alert
    return {
        "alert_id": alert.alert_id,
        "typology": {
            "id": alert.typology.id,
            "version": alert.typology.version,
            "name": alert.typology.name.model_dump(),
        },
        "rulebook": alert.rulebook.model_dump(),
        "institution": alert.institution,
        "event_id": alert.event_id,
        "occurred_at": write_instant(alert.occurred_at),
        "appended_at": write_instant(alert.appended_at),
        "late": alert.late,
        "amount": alert.amount,
        "score": _fraction(alert.score),
        "risk": _fraction(alert.risk.value),
        "decision": alert.decision,
        "legal_basis": alert.legal_basis,
        "explanation": alert.explanation.model_dump(),
        "subjects": [{"role": subject.role, "token": subject.token} for subject in alert.subjects],
        "signals": [_signal(signal) for signal in alert.signals],
        "evidence": [_evidence(one) for one in alert.evidence],
        "state": each.state,
        "reason_code": each.reason_code,
    }


def _signal(signal: Signal) -> dict[str, Any]:
    return {
        "id": signal.id,
        "state": signal.state,
        "contribution": _fraction(signal.contribution),
        "text": signal.text.model_dump(),
        "values": [
            {"name": name, "value": f"{value.value:g}", "unit": value.unit} for name, value in signal.features.items()
        ],
    }


def _evidence(one: Evidence) -> dict[str, Any]:
    source = one.source
    return {
        "event": one.event,
        "occurred_at": write_instant(one.occurred_at),
        "amount": one.amount,
        "direction": one.direction,
        "counterparty": one.counterparty,
        "place": f"{source.topic}/{source.partition}/{source.offset}" if source is not None else None,
    }


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "event": operation.event,
        "event_id": operation.event_id,
        "institution": operation.institution,
        "occurred_at": _instant(operation.occurred_at),
        "kind": operation.kind,
        "channel": operation.channel,
        "amount": decimal(operation.amount),
        "payer": _side(operation.payer),
        "payee": _side(operation.payee),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "party": _party(side.party),
        "account": _party(side.account),
        "institution": side.institution,
        "region": side.region,
    }


def _party(party: Party | None) -> dict[str, Any] | None:
    if party is None:
        return None
    return {"token": party.token, "kind": party.kind, "number": party.number, "name": party.name}


def _hold(hold: CaseHold) -> dict[str, Any]:
    latest = hold.latest
    return {
        "hold_id": latest.hold_id,
        "decision": latest.decision,
        "institution": latest.institution,
        "event_id": latest.event_id,
        "amount": latest.amount,
        "legal_basis": latest.legal_basis.model_dump(),
        "states": [
            {
                "state": one.state,
                "at": write_instant(one.at),
                "cause": one.cause_text.model_dump(),
                "clock": one.clock,
                "deadline": write_instant(one.deadline),
            }
            for one in hold.states
        ],
    }


def _filing(filing: Filing | None) -> dict[str, Any] | None:
    if filing is None:
        return None
    return {
        "proposal_id": filing.proposal_id,
        "digest": filing.digest,
        "maker": filing.maker,
        "checker": filing.checker,
        "approved_at": _instant(filing.approved_at),
        "reason": filing.reason,
    }


def _fraction(value: float) -> str:
    return f"{value:.4f}"


def _instant(instant: int) -> str:
    return local(instant).isoformat(timespec="milliseconds")
