"""One institution's own events, checked by their contract and written as they go on the wire."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from streams import decode, records
from streams.contracts.fields import FUTURE_MS, Contract
from streams.contracts.heartbeat import Heartbeat
from streams.contracts.loan import Loan
from streams.contracts.reasons import FieldError, Reason
from streams.contracts.reversal import Reversal
from streams.contracts.transaction import Transaction
from streams.decode_references import check_loan

Event = Transaction | Loan | Reversal | Heartbeat

_CONTRACTS: Final[dict[object, type[Contract]]] = {
    "transaction": Transaction,
    "loan": Loan,
    "reversal": Reversal,
    "heartbeat": Heartbeat,
}


class InvalidEvent(ValueError):
    """The event does not keep the contract and was not sent; `field` is a JSONPath, and no value is repeated."""

    def __init__(self, reason: Reason, field: str, message: str) -> None:
        super().__init__(f"{field}: {message} ({reason})")
        self.reason = reason
        self.field = field
        self.message = message


class Checked(NamedTuple):
    """An event that keeps the contract, as it goes on the wire."""

    value: bytes
    topic: str
    type: str
    event_id: str | None
    customer: str | None  # whose record key it has


def topics_of(institution: str) -> tuple[str, str]:
    """Where an institution publishes: its transactions, reversals and heartbeats; its loans."""
    return f"tx.{institution}", f"loans.{institution}"


def check(event: Event | Mapping[str, Any] | bytes, institution: str) -> Checked:
    """The event as it goes on the wire from this institution; InvalidEvent where it does not keep the contract."""
    value = event if isinstance(event, bytes) else _written(event)
    try:
        record, _ = decode.read(value)
        if isinstance(record, decode.Transaction):
            occurred_at, _ = decode.check_transaction(record)
        elif isinstance(record, records.Loan):
            occurred_at, _ = check_loan(record)
        elif isinstance(record, decode.Reversal):
            occurred_at = decode.check_reversal(record)
        elif isinstance(record, decode.Heartbeat):
            occurred_at = decode.check_heartbeat(record)
        else:
            raise decode.Rejected(Reason.WRONG_TOPIC, "$.type", "is not for an institution to publish")
    except decode.Rejected as error:
        raise InvalidEvent(error.reason, error.path, error.message) from None
    if record.institution != institution:
        raise InvalidEvent(Reason.WRONG_INSTITUTION, "$.institution", f"this client publishes for {institution}")
    if occurred_at > time.time() * 1000 + FUTURE_MS:
        raise InvalidEvent(Reason.FUTURE, "$.occurred_at", "is more than one hour ahead of this machine's clock")
    transactions, loans = topics_of(institution)
    if isinstance(record, decode.Transaction):
        payer = None if record.payer is None else record.payer.id or record.payer.account
        return Checked(value, transactions, "transaction", record.event_id, payer)
    if isinstance(record, records.Loan):
        return Checked(value, loans, "loan", record.event_id, record.borrower.id)
    if isinstance(record, decode.Reversal):
        return Checked(value, transactions, "reversal", record.event_id, None)
    return Checked(value, transactions, "heartbeat", None, None)


def _written(event: Event | Mapping[str, Any]) -> bytes:
    """The event as JSON, checked by its pydantic contract."""
    if isinstance(event, Contract):
        return event.model_dump_json(exclude_none=True).encode()
    contract = _CONTRACTS.get(event.get("type"))
    if contract is None:
        raise InvalidEvent(Reason.UNKNOWN_TYPE, "$.type", f"must be one of {', '.join(map(str, _CONTRACTS))}")
    try:
        return contract.model_validate(dict(event)).model_dump_json(exclude_none=True).encode()
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> InvalidEvent:
    """The first thing that pydantic found, in the words of the contract where it has its own."""
    found = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(["$", *(str(part) for part in found["loc"])])
    own = found.get("ctx", {}).get("error")
    if isinstance(own, FieldError):
        return InvalidEvent(own.reason, path, own.message)
    reason = {"missing": Reason.MISSING_FIELD, "extra_forbidden": Reason.UNKNOWN_FIELD}.get(found["type"])
    return InvalidEvent(reason or Reason.WRONG_TYPE, path, found["msg"])
