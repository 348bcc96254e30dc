"""Reading files of events, and the protocol of a replayed history, without a broker."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from streams.contracts.headers import read_history
from streams.decode import Heartbeat, check_heartbeat, read
from streams.event_files import (
    NO_TIME,
    Address,
    Place,
    address_of_broken,
    read_files,
    read_lines,
    routes,
    survey,
    time_of,
)
from streams.history_protocol import OPENING_MS, HistoryProtocol
from streams.publishing import Pace
from streams.topics import Topics
from tests.streams.events import document, written

PARTITIONS = {"tx.CASPKZKA": 2, "tx.HSBKKZKX": 1}


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
    assert [each.topic for each in lines] == ["tx.CASPKZKA", "tx.HSBKKZKX", None, None, "tx.CASPKZKA"]
    assert {each.topic for each in read_lines(path, "KCJBKZKX")} == {"tx.KCJBKZKX"}
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
def test_what_is_no_event_has_no_topic(tmp_path: Path, value: bytes) -> None:
    (only,) = read_lines(write(tmp_path / "x.jsonl", value))
    assert only.topic is None
    assert only.occurred_at == NO_TIME


def test_the_parties_institutions_are_not_the_events_own() -> None:
    nested = b'{"payer":{"institution":"HSBKKZKX"},"purpose":"a } \\" {{","institution":"CASPKZKA","amount":nonsense'
    assert address_of_broken(nested) == Address(institution="CASPKZKA")
    assert address_of_broken(b'{"payer":{"institution":"HSBKKZKX","amount":nonsense') == Address()
    call = b'{"type":"call","operator":"KCELL","callee":{"phone":nonsense'
    assert routes().topic_of(address_of_broken(call)) == "calls.KCELL"


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("transaction", "tx.CASPKZKA"),
        ("reversal", "tx.CASPKZKA"),
        ("heartbeat", "tx.CASPKZKA"),
        ("loan", "loans.MFOKKZKA"),
        ("call", "calls.KCELL"),
        ("credit_refusals", "registry.credit-refusals"),
        ("list_entries", "registry.lists"),
        ("blocked_resource", "registry.blocked-resources"),
        ("disposition", "dispositions"),
    ],
)
def test_every_type_has_its_topic(tmp_path: Path, name: str, topic: str) -> None:
    path = write(tmp_path / "x.jsonl", written(document(name=name)))
    assert [each.topic for each in read_lines(path)] == [topic]
    assert [each.topic for each in read_lines(path, only=[name])] == [topic]
    assert not list(read_lines(path, only=["gift"]))
    own = "loans.KCJBKZKX" if name == "loan" else "tx.KCJBKZKX"
    assert [each.topic for each in read_lines(path, "KCJBKZKX")] == [own]
    source = next(source for source in Topics.load().sources if source.name == topic)
    assert routes().owner_of(topic) == (source.field, source.publishers)


def test_what_names_no_type_goes_where_its_publisher_is_first_looked_for() -> None:
    topic_of = routes().topic_of
    assert topic_of(Address("gift", institution="CASPKZKA")) == "tx.CASPKZKA"
    assert topic_of(Address(operator="KCELL")) == "calls.KCELL"
    assert topic_of(Address("heartbeat", publisher="EGOV")) == "registry.credit-refusals"
    assert topic_of(Address(publisher="POLICE")) == "dispositions"
    assert topic_of(Address(publisher="NOBODY")) is None
    assert topic_of(Address("loan")) is None


def test_a_replay_concerns_every_topic_of_its_publishers(tmp_path: Path) -> None:
    topics = {topic.name: topic.partitions for topic in Topics.load()}
    path = write(tmp_path / "x.jsonl", written(document(name="loan")), written(document(name="list_entries")))
    found = survey([path], None, topics)
    assert found.topics == {"loans.MFOKKZKA": 1, "registry.lists": 1}
    assert list(found.involved(topics)) == ["dispositions", "loans.MFOKKZKA", "registry.lists", "tx.MFOKKZKA"]
    assert survey([path], None, topics, ["loan"]).topics == {"loans.MFOKKZKA": 1}


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
    assert found.topics == {"tx.CASPKZKA": 3, "tx.HSBKKZKX": 1}
    assert found.publishers == {"CASPKZKA", "HSBKKZKX"}
    assert found.unroutable_places == [Place("x.jsonl", 3), Place("x.jsonl", 4)]
    assert found.unsorted == Place("x.jsonl", 5)
    assert (found.first, found.last) == (time_of("2026-11-20T05:00:01Z"), time_of("2026-11-20T05:00:05Z"))
    assert survey([path], "CASPKZKA", PARTITIONS).topics == {"tx.CASPKZKA": 6}


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
    beats = list(
        HistoryProtocol(5).heartbeats([("tx.CASPKZKA", 1), ("calls.KCELL", 0), ("dispositions", 0)], 1_780_000_000_123)
    )
    assert [(beat.topic, beat.partition) for beat in beats] == [
        ("tx.CASPKZKA", 1),
        ("calls.KCELL", 0),
        ("dispositions", 0),
    ]
    for beat in beats:
        heartbeat, _ = read(beat.value)
        assert isinstance(heartbeat, Heartbeat)
        assert check_heartbeat(heartbeat) == 1_780_000_000_123
        assert (heartbeat.institution or heartbeat.operator or heartbeat.publisher) in ("CASPKZKA", "KCELL", "AFM")


def test_pace() -> None:
    assert Pace().due(10.0, 500, 7_000, 1_000) == 10.0
    assert Pace(rate=100.0).due(10.0, 500, 7_000, 1_000) == 15.0
    assert Pace(speed=60.0).due(10.0, 500, 121_000, 1_000) == 12.0
    assert Pace(speed=60.0).due(10.0, 500, NO_TIME, 1_000) == 10.0
