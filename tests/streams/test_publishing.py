"""Reading files of events, and the protocol of a replayed history, without a broker."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from streams.contracts.headers import read_history
from streams.decode import Heartbeat, check_heartbeat, read
from streams.publishing import (
    NO_TIME,
    OPENING_MS,
    HistoryProtocol,
    Pace,
    Place,
    institution_of_broken,
    read_files,
    read_lines,
    survey,
    time_of,
)

PARTITIONS = {"CASPKZKA": 2, "HSBKKZKX": 1}


def line(institution: str, second: int, **more: object) -> bytes:
    occurred_at = f"2026-11-20T10:00:{second:02d}.000+05:00"
    return json.dumps({"event_id": f"{second}", "institution": institution, "occurred_at": occurred_at} | more).encode()


def write(path: Path, *lines: bytes) -> Path:
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_lines_keep_their_bytes_and_their_place(tmp_path: Path, name: str) -> None:
    first, broken = line("CASPKZKA", 1), b'{"institution":"HSBKKZKX","payer":{'
    path = write(tmp_path / name, first, b"", broken, b"garbage", b"\xff\xfe", b"  " + first + b"\r")
    lines = list(read_lines(path))
    assert [each.place.line for each in lines] == [1, 3, 4, 5, 6]
    assert [each.value for each in lines] == [first, broken, b"garbage", b"\xff\xfe", first]
    assert [each.institution for each in lines] == ["CASPKZKA", "HSBKKZKX", None, None, "CASPKZKA"]
    assert {each.institution for each in read_lines(path, "KCJBKZKX")} == {"KCJBKZKX"}
    assert len({each.occurred_at for each in lines}) == 1  # a line without a time takes the one before it


@pytest.mark.parametrize(
    "value",
    [
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"{}",
        b'{"institution":7}',
        b'{"institution":null}',
        b"[" * 100_000,
        b"\x00",
        b"NaN",
    ],
)
def test_what_is_no_event_has_no_institution(tmp_path: Path, value: bytes) -> None:
    (only,) = read_lines(write(tmp_path / "x.jsonl", value))
    assert only.institution is None
    assert only.occurred_at == NO_TIME


def test_the_parties_institutions_are_not_the_events_own() -> None:
    nested = b'{"payer":{"institution":"HSBKKZKX"},"purpose":"a } \\" {{","institution":"CASPKZKA","amount":nonsense'
    assert institution_of_broken(nested) == "CASPKZKA"
    assert institution_of_broken(b'{"payer":{"institution":"HSBKKZKX","amount":nonsense') is None


def test_a_claim_of_the_future_does_not_make_the_rest_late(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", line("CASPKZKA", 1), line("CASPKZKA", 2, occurred_at="2999-01-01T00:00:00Z"))
    before, claimed = read_lines(path)
    assert claimed.occurred_at == before.occurred_at


def test_several_files_are_merged_by_time(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a.jsonl", line("CASPKZKA", 1), line("CASPKZKA", 4)),
        write(tmp_path / "b.jsonl.gz", line("HSBKKZKX", 2), line("HSBKKZKX", 3), line("HSBKKZKX", 5)),
    ]
    assert [json.loads(each.value)["event_id"] for each in read_files(paths)] == ["1", "2", "3", "4", "5"]


def test_a_survey_counts_and_finds_what_is_out_of_order(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        line("CASPKZKA", 1),
        line("HSBKKZKX", 5),
        line("NONEKZKA", 6),
        b"garbage",
        line("CASPKZKA", 4),
        line("CASPKZKA", 3),
    )
    found = survey([path], None, PARTITIONS)
    assert found.lines == 6
    assert found.institutions == {"CASPKZKA": 3, "HSBKKZKX": 1}
    assert found.unroutable_places == [Place("x.jsonl", 3), Place("x.jsonl", 4)]
    assert found.unsorted == Place("x.jsonl", 5)
    assert (found.first, found.last) == (time_of("2026-11-20T05:00:01Z"), time_of("2026-11-20T05:00:05Z"))
    assert survey([path], "CASPKZKA", PARTITIONS).institutions == {"CASPKZKA": 6}


def test_the_protocol_speaks_to_every_partition() -> None:
    protocol = HistoryProtocol.soon()
    assert 0 <= protocol.opened_at - time.time() * 1000 <= OPENING_MS
    sources = {("tx.CASPKZKA", 0), ("tx.CASPKZKA", 1), ("tx.HSBKKZKX", 0)}
    for records, what in ((protocol.opening(PARTITIONS), "open"), (protocol.closing(PARTITIONS), "close")):
        sent = list(records)
        assert {(record.topic, record.partition) for record in sent} == sources
        for record in sent:
            assert record.value == b""
            assert read_history(record.headers, protocol.opened_at) == (protocol.opened_at, what)
    assert read_history(protocol.headers(), protocol.opened_at) == (protocol.opened_at, None)


def test_heartbeats_keep_the_contract() -> None:
    beats = list(HistoryProtocol(5).heartbeats([("CASPKZKA", 1), ("HSBKKZKX", 0)], occurred_at=1_780_000_000_123))
    assert [(beat.topic, beat.partition) for beat in beats] == [("tx.CASPKZKA", 1), ("tx.HSBKKZKX", 0)]
    for beat in beats:
        heartbeat, _ = read(beat.value)
        assert isinstance(heartbeat, Heartbeat)
        assert check_heartbeat(heartbeat) == 1_780_000_000_123


def test_pace() -> None:
    assert Pace().due(10.0, 500, 7_000, 1_000) == 10.0
    assert Pace(rate=100.0).due(10.0, 500, 7_000, 1_000) == 15.0
    assert Pace(speed=60.0).due(10.0, 500, 121_000, 1_000) == 12.0
    assert Pace(speed=60.0).due(10.0, 500, NO_TIME, 1_000) == 10.0
