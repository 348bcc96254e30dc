"""The six reference streams through a running center: seen in state, alert and decision, or refused with a reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rules.events import KINDS
from streams import frames
from streams.center import Center
from streams.client import Client, WhenSilent
from streams.findings import ALERTS
from streams.outcomes import records_of
from streams.publishing import publish_files
from streams.tokens import demo_keys
from tests.faults import harness
from tests.streams.events import document, valid_id, written

pytestmark = pytest.mark.kafka

KEY, _ = demo_keys()
LENDER, BANK = "MFOKKZKA", "CASPKZKA"
SECONDS = 60.0


def person(number: int) -> str:
    """A valid IIN, the same for the same number."""
    return next(found for serial in range(10) if (found := valid_id(f"8607144{number:03d}{serial}")))


REFUSING, UNINVOLVED, BLACK, TIED, CALLED, MULE = map(person, range(6))


def now() -> str:
    return datetime.now(UTC).isoformat()


def record(name: str, event_id: str, **changes: Any) -> dict[str, Any]:
    return document(name=name) | {"event_id": event_id, "occurred_at": now()} | changes


def transfer(event_id: str, payer: str, payee: str) -> dict[str, Any]:
    made = record("transaction", event_id, payer={"id": payer}, payee={"id": payee}, amount="900000.00")
    return {name: value for name, value in made.items() if name not in ("context", "device", "purpose", "purpose_code")}


def publish(center: Center, folder: Path, *records: dict[str, Any]) -> None:
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(map(written, records)) + b"\n")
    published = publish_files([file], bootstrap_servers=center.kafka.bootstrap_servers, live=True)
    assert (published.acknowledged, published.survey.unroutable) == (len(records), 0)


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Center]:
    with harness.center(tmp_path_factory.mktemp("reference-streams"), workers=1, partitions=2) as started:
        yield started


def documents_on(center: Center, topic: str) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in records_of(center.kafka.bootstrap_servers, topic)]


def until(true: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {SECONDS:.0f} s: {what}"
        time.sleep(0.3)
    return found


def kinds_judged(center: Center) -> dict[str, set[str]]:
    """Event ids by kind, as the topic `judged` has them."""
    seen: dict[str, set[str]] = {}
    for found in records_of(center.kafka.bootstrap_servers, "judged"):
        if frames.kind_of(found.value) == frames.JUDGED:
            for row in frames.decode_arrays(found.value)[1]["rows"]:
                seen.setdefault(KINDS[row["kind"]], set()).add(row["event_id"].decode())
    return seen


def alerts(center: Center) -> dict[tuple[str, str], dict[str, Any]]:
    return {(found["typology"]["id"], found["event_id"]): found for found in documents_on(center, ALERTS)}


def test_what_registries_and_operators_say_is_there_when_it_matters(center: Center, tmp_path: Path) -> None:
    entry = document(name="list_entries")["entries"][0] | {
        "entry_id": "black-1",
        "list": "black",
        "subject": {"id": BLACK},
    }
    refused = [
        {"id": name, "action": "set", "valid_from": "2026-01-01", "sequence": 1} for name in (REFUSING, UNINVOLVED)
    ]
    publish(
        center,
        tmp_path,
        record("credit_refusals", "refusals", entries=refused),
        record("list_entries", "lists", entries=[entry | {"valid_from": "2020-01-01", "valid_to": "2040-01-01"}]),
        record("blocked_resource", "blocked", tied={"ids": [TIED]}, valid_from="2026-01-01", valid_to="2040-01-01"),
        record("call", "call", callee={"phone": "+77010000321", "id": CALLED}),
        record("disposition", "verdict", outcome="mule", subject={"id": MULE}),
        record("loan", "application", stage="application", borrower={"id": REFUSING}),
    )
    seen = until(lambda: len(found := kinds_judged(center)) >= 4 and found, "facts are judged")
    assert seen["listing"] == {"black-1", "blocked#0"}
    assert (seen["call_spoofed"], seen["marked_mule"]) == ({"call"}, {"verdict"})
    assert seen["loan_application"] == {"application"}

    with Client(center.kafka.bootstrap_servers, LENDER, policy=WhenSilent("allow")) as lender:
        answer = lender.decide(
            record("loan", "contract", stage="contract", borrower={"id": REFUSING}, online=True), timeout=30
        )
        assert (answer.decision, answer.by, answer.typologies) == ("hold", "decision", ("T08",))
        assert answer.detail is not None
        assert (answer.detail.topic, answer.detail.partition) == (f"loans.{LENDER}", 0)
        free = lender.decide(record("loan", "free", stage="contract", borrower={"id": MULE}, secured=True), timeout=30)
        assert (free.decision, free.by) == ("allow", "progress")
    publish(
        center,
        tmp_path,
        transfer("to-black", person(10), BLACK),
        transfer("to-tied", person(11), TIED),
        transfer("called", CALLED, person(12)),
    )
    wanted = {("T08", "contract"), ("T20", "to-black"), ("T11", "to-tied")}
    found = until(lambda: wanted <= set(all_ := alerts(center)) and all_, f"alerts {sorted(wanted)}")
    assert found["T08", "contract"]["source"]["topic"] == f"loans.{LENDER}"
    assert found["T08", "contract"]["amount"] == "450000.00"
    until(lambda: "called" in kinds_judged(center).get("transfer", set()), "the transfer of who was called is judged")

    topics = {mark["topic"] for mark in documents_on(center, f"decisions.{LENDER}") if mark["type"] == "progress"}
    assert topics == {f"tx.{LENDER}", f"loans.{LENDER}"}
    sealed = {found.key for found in records_of(center.kafka.bootstrap_servers, "identities")}
    assert KEY.text(KEY.token("person", BLACK)).encode() in sealed
    assert KEY.text(KEY.token("person", UNINVOLVED)).encode() not in sealed, "nobody asked about this citizen"


def test_what_is_wrong_is_refused_to_its_publisher(center: Center, tmp_path: Path) -> None:
    bad_id = REFUSING[:11] + str((int(REFUSING[11]) + 1) % 10)
    refusals = document(name="credit_refusals")["entries"]
    publish(
        center,
        tmp_path,
        record("call", "bad-call", sign="rumour"),
        record("loan", "bad-loan", borrower={"id": bad_id}),
        record("credit_refusals", "bad-refusals", entries=[*refusals, refusals[0] | {"id": bad_id}]),
        record("list_entries", "bad-list", publisher="POLICE"),
        record("blocked_resource", "bad-block", valid_to=None),
        record("disposition", "bad-verdict", publisher="POLICE", subject={}),
    )
    expected = {
        "KCELL": ("invalid_value", "$.sign", "calls.KCELL"),
        LENDER: ("bad_check_digit", "$.borrower.id", f"loans.{LENDER}"),
        "EGOV": ("bad_check_digit", "$.entries[2].id", "registry.credit-refusals"),
        "AFM": ("wrong_publisher", "$.publisher", "registry.lists"),
        "KIBERNADZOR": ("missing_field", "$.valid_to", "registry.blocked-resources"),
        "POLICE": ("missing_field", "$.subject", "dispositions"),
    }
    for publisher, (reason, path, topic) in expected.items():
        (told,) = until(lambda to=publisher: documents_on(center, f"rejected.{to}"), f"a refusal to {publisher}")
        assert (told["reason"], told["path"], told["source"]["topic"]) == (reason, path, topic)
        records = {found.offset: found.value for found in records_of(center.kafka.bootstrap_servers, topic)}
        assert b'"bad-' in records[told["source"]["offset"]]
        assert not any(secret in json.dumps(told) for secret in (bad_id, bad_id[:11], "rumour"))
    facts = [frames.decode_frame(found.value) for found in _facts(center)]
    entries = np.concatenate([references for _, _, references in facts])
    assert len(np.unique(entries["key"])) == 4, "of a record with a wrong entry no entry is taken"


def _facts(center: Center) -> Iterator[Any]:
    for found in records_of(center.kafka.bootstrap_servers, "facts"):
        if frames.kind_of(found.value) == frames.FACTS:
            yield found
