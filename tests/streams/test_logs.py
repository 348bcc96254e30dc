"""No personal data in a log, whoever writes it and wherever it hides."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.logs import guard, guarded

PLANTED = {
    "iin": "791028302728",
    "bin": "061211600012",
    "account": "KZ75125KZT2069100100",
    "account in groups": "KZ75 125K ZT20 6910 0100",
    "phone": "+77011234567",
    "phone with spaces": "+7 701 123 45 67",
    "phone from 8": "8 (701) 123-45-67",
    "phone abroad": "+44 20 7946 0958",
    "card": "4111111111111111",
    "card in groups": "4111 1111 1111 1111",
    "card with dashes": "5500-0000-0000-0004",
    "card of 19 digits": "6011000990139424000",
}
HARMLESS = [
    "",
    "offset 791028302727 of tx.CASPKZKA",
    "at 1790000000123 (2026-11-23T10:00:00.123+05:00), 1790000000123456 microseconds",
    "token k1:0123456789abcdef0123456789abcdef",
    "partition 12 of 16, 500000 events, 8123.4 events/s",
    "127.0.0.1:9092, port 40123, pid 123456",
    "kafka 4.3.1, python 3.11.7, river 0.26.1",
    "alert 5f0f9a3e7c5d4b0c8a5b1e8f7d6c5b4a",
    "T03: 3 payers in PT1H, 1500000.00 KZT",
]


def luhn_fixed(digits: str) -> str:
    return next(digits + last for last in "0123456789" if "[card]" in guarded(digits + last))


@pytest.mark.parametrize("value", PLANTED.values(), ids=PLANTED.keys())
@pytest.mark.parametrize(
    "text", ["{}", "no history of {}.", "KeyError('{}')", '{{"x":"{}"}}', "a={},b", "счёт {} закрыт"]
)
def test_planted_values_do_not_come_through(value: str, text: str) -> None:
    value = value if value != PLANTED["card of 19 digits"] else luhn_fixed(value[:-1])
    cleaned = guarded(text.format(value))
    assert value not in cleaned
    assert cleaned == text.format(cleaned[cleaned.index("[") : cleaned.index("]") + 1])


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays(text: str) -> None:
    assert guarded(text) == text


def test_every_place_of_a_line_is_searched() -> None:
    iin = PLANTED["iin"]
    line = {
        "event": f"failed for {iin}",
        "exception": f"Traceback …\nKeyError: '{iin}'",
        "number": int(iin),
        "list": [iin, {"deep": (iin,)}],
        iin: 1,
        "payer": {"anything": "at all"},
        "name": "Ахметова Айгүл",
        "raw": iin.encode(),
        "object": ValueError(iin),
        "partition": 3,
        "ok": True,
        "nothing": None,
    }
    cleaned = guard(None, "info", line)
    assert iin not in repr(cleaned)
    assert "Айгүл" not in repr(cleaned)
    assert "anything" not in repr(cleaned)
    assert cleaned["event"] == "failed for [id]"
    assert cleaned["partition"] == 3
    assert cleaned["ok"] is True


def test_what_cannot_be_shown_does_not_stop_the_line() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    nested: dict[str, Any] = {}
    nested["self"] = nested
    assert guard(None, "info", {"event": "x", "broken": Broken(), "nested": nested})["broken"] == "[Broken]"


def test_a_long_text_keeps_its_ends_and_hides_what_is_at_the_cut() -> None:
    iin = PLANTED["iin"]
    text = guarded("begin " + f"{iin} " * 2_000 + "end")
    assert text.startswith("begin ")
    assert text.endswith(" end")
    assert len(text) < 9_000
    assert not any(iin[:length] in text for length in (12, 11, 10, 9, 8))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(), st.lists))
def test_no_value_stops_a_line(value: Any) -> None:
    json.dumps(guard(None, "info", {"event": "x", "value": value, "other": value}))


def test_a_process_logs_guarded_json_only() -> None:
    """Our logger, a library's logger, a warning, exceptions that are caught and that are not, in threads too."""
    program = textwrap.dedent(f"""
        import logging, threading, warnings
        import structlog
        from streams.logs import configure_logs
        configure_logs()
        log = structlog.get_logger("test")
        log.info("hello", partition=1, account="{PLANTED["account"]}", note="call {PLANTED["phone"]}")
        logging.getLogger("kafka").warning("record %s", "{PLANTED["iin"]}")
        logging.getLogger("kafka").info("%d %d", "{PLANTED["iin"]}")
        warnings.warn("about {PLANTED["bin"]}")
        try:
            {{}}["{PLANTED["iin"]}"]
        except KeyError as error:
            log.error("caught", cause=repr(error), exc_info=error)
        def fail(): raise ValueError("{PLANTED["card"]}")
        thread = threading.Thread(target=fail); thread.start(); thread.join()
        raise ValueError("{PLANTED["iin"]}")
    """)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert not any(value in ended.stderr for value in PLANTED.values())
    assert [line["event"] for line in lines if line["logger"] == "test"] == ["hello", "caught"]
    assert lines[0] == lines[0] | {"level": "info", "partition": 1, "account": "[dropped]", "note": "call [phone]"}
    assert any(line["event"] == "record [id]" and line["level"] == "warning" for line in lines)
    assert sum("Traceback" in line.get("exception", "") for line in lines) == 3
    assert any("about [id]" in line["event"] for line in lines)
