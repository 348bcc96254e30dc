"""The pydantic contracts in the hands of Python code: closed, unchangeable, discreet."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import ValidationError

from streams.contracts.fields import from_milliseconds, instant, instant_or_date, milliseconds, write_instant
from streams.contracts.reasons import MEANING, FieldError, Reason
from streams.contracts.transaction import Context, Device, Party, Transaction
from tests.streams.events import document


def test_a_transaction_made_in_python() -> None:
    made = Transaction(
        event_id="1",
        type="transaction",
        occurred_at=datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=5))),
        institution="CASPKZKA",
        kind="cash_withdrawal",
        amount="10.5",
        currency="KZT",
        payer=Party(account="4400430000000001"),
    )
    assert made.amount_minor == 1_050
    written = made.model_dump_json(exclude_none=True)
    assert '"occurred_at":"2026-11-23T10:00:00.000+05:00"' in written
    assert Transaction.model_validate_json(written) == made
    with pytest.raises(ValidationError, match="frozen"):
        made.amount = "11"  # type: ignore[misc]


def test_an_error_does_not_show_what_was_wrong() -> None:
    with pytest.raises(ValidationError) as caught:
        Transaction.model_validate(document("payer.id", "791028302729"))
    assert "791028302729" not in str(caught.value)


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(ValidationError, match="offset"):
        Transaction.model_validate(document("occurred_at", datetime(2026, 11, 23, 10)))


def test_instants_are_cut_to_milliseconds() -> None:
    moment = instant("2026-11-23T10:00:00.123999+05:00")
    assert milliseconds(moment) == 1_795_410_000_123
    assert write_instant(from_milliseconds(1_795_410_000_123)) == "2026-11-23T05:00:00.123Z"
    assert instant_or_date("2026-11-23") == datetime(2026, 11, 22, 19, tzinfo=UTC)
    assert milliseconds(instant("2028-02-29T23:59:59.999Z")) == 1_835_481_599_999
    with pytest.raises(FieldError):
        instant("2027-02-29T00:00:00Z")


def test_every_reason_has_a_meaning_and_the_documents_have_both() -> None:
    documented = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text(encoding="utf-8")
    assert set(MEANING) == set(Reason)
    for reason, meaning in MEANING.items():
        assert f"| `{reason.value}` | {meaning} |" in documented


def test_every_field_of_a_transaction_is_documented() -> None:
    documented = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text(encoding="utf-8")
    for field in [*Transaction.model_fields, *Party.model_fields, *Device.model_fields, *Context.model_fields]:
        assert any(written in documented for written in (f"`{field}`", f".{field}`", f"`{field}."))


def test_contracts_need_pydantic_and_the_standard_library_only() -> None:
    foreign = "('msgspec', 'numpy', 'kafka', 'aiokafka', 'faust', 'cryptography', 'rules', 'models')"
    code = f"import sys, streams.contracts.generate; print([name for name in {foreign} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
