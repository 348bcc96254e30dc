"""Holds and notices on a real Kafka: silence, a word of authority, protected money, one letter, a reasoned look-up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rules.rulebook_files import PACKAGED
from streams.center import Center, demo_environment
from streams.kafka import KafkaSettings
from streams.outcomes import records_of
from streams.publishing import publish_files
from streams.topics import TopicSettings
from tests.conftest import QUICK_START
from tests.rules.small import SETTINGS
from tests.streams.events import document, valid_id, written

pytestmark = pytest.mark.kafka

SECONDS = 120.0
TYPOLOGY = """\
id: {id}
version: 1
status: active
owner: tests
name: {{kk: Сынақ, ru: Проверка, en: Test}}
explanation:
  summary: {{kk: Бірдеңе болды, ru: Что-то есть, en: Something is there}}
  advice: {{kk: Күтіңіз, ru: Ждите, en: Wait}}
legal_basis:
  - text: {{kk: Заң, ru: Закон, en: Law}}
    source: nobody
    confidence: L
subject: payee
when: event.kind == 'transfer' and event.amount >= 500000
signals:
  - id: it
    when: {when}
    weight: 1
    text: {{kk: Болды, ru: Есть, en: It is}}
alert_at: 0.5
actions:
  - at: 0.5
    decision: {decision}
    legal_basis: {{kk: Заң бойынша, ru: По закону, en: By law}}
    source: nobody
evidence: {{within: P1D, limit: 10}}
false_positives:
  - {{kk: Тойда, ru: На свадьбе, en: At a wedding}}
# They are not run here; `check` wants them.
examples:
  alerting:
    - {{name: A large transfer, events: [{{at: 2026-01-05T10:00, payer: a, payee: b, amount: 900000}}]}}
    - {{name: Another large transfer, events: [{{at: 2026-01-05T10:00, payer: c, payee: d, amount: 900000}}]}}
  silent:
    - {{name: A small transfer, events: [{{at: 2026-01-05T10:00, payer: a, payee: b, amount: 900}}]}}
    - {{name: Another small transfer, events: [{{at: 2026-01-05T10:00, payer: c, payee: d, amount: 900}}]}}
"""


def person(number: int) -> str:
    """A valid IIN, the same for the same number."""
    return next(found for serial in range(10) if (found := valid_id(f"8607144{number:03d}{serial}")))


def company(number: int) -> str:
    """A valid BIN."""
    return next(found for serial in range(10) if (found := valid_id(f"0612400{number:03d}{serial}")))


PAYER, SHOP, INNOCENT, WORKER, CONVICTED = map(person, range(5))


def at(day: int, hour: int) -> str:
    return f"2026-03-{day:02d}T{hour:02d}:00:00.000+05:00"  # the 9th is a Monday of rest, Nauryz begins on the 21st


def transfer(event_id: str, when: str, payee: str, amount: str = "900000.00", **changes: Any) -> dict[str, Any]:
    made = document(name="transaction") | {"event_id": event_id, "occurred_at": when, "amount": amount}
    made |= {"payer": {"id": PAYER}, "payee": {"id": payee}}
    kept = {name: value for name, value in made.items() if name not in ("context", "device", "purpose", "purpose_code")}
    return kept | changes


def story() -> list[dict[str, Any]]:
    verdict = document(name="disposition") | {"event_id": "innocent", "occurred_at": at(10, 13)}
    verdict = {
        name: value for name, value in verdict.items() if name not in ("alert_id", "typology", "amount", "currency")
    }
    entry = document(name="list_entries")["entries"][0] | {"entry_id": "convicted-1", "list": "convicted"}
    entry |= {"subject": {"id": CONVICTED}, "valid_from": "2020-01-01", "valid_to": "2040-01-01"}
    return [
        document(name="list_entries") | {"event_id": "list", "occurred_at": at(10, 9), "entries": [entry]},
        transfer("first", at(10, 10), SHOP),
        transfer("second", at(10, 11), SHOP),
        transfer("third", at(10, 12), INNOCENT),
        verdict | {"outcome": "false_positive", "publisher": "AFM", "subject": {"id": INNOCENT}},
        transfer("salary", at(10, 14), WORKER, payer={"id": company(1)}, purpose_code="332"),
        transfer("convicted", at(10, 15), CONVICTED),
        transfer("bread", at(20, 12), INNOCENT, "900.00"),
    ]


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Center]:
    folder = tmp_path_factory.mktemp("settle")
    rulebook = folder / "rulebook"
    for path, content in {
        "rulebook.yaml": SETTINGS,
        "typologies/T10-shop.yaml": TYPOLOGY.format(id="T10", when="event.amount >= 500000", decision="hold"),
        "typologies/T13-convicted.yaml": TYPOLOGY.format(id="T13", when="payee.on_list.convicted", decision="warn"),
        "lists/thresholds.yaml": (PACKAGED / "lists/thresholds.yaml").read_text(encoding="utf-8"),
    }.items():
        (rulebook / path).parent.mkdir(parents=True, exist_ok=True)
        (rulebook / path).write_text(content, encoding="utf-8")
    with Center(
        folder,
        workers=1,
        followers=1,
        topics=TopicSettings(partitions=2),
        kafka=KafkaSettings(data=folder / "kafka", port=0, java_options=QUICK_START),
        environment={**demo_environment(), "ANTIFRAUD_SNAPSHOT_SECONDS": "1"},
        rulebook=rulebook,
    ) as started:
        started.start_workers()
        started.wait_ready()
        file = folder / "story.jsonl"
        file.write_bytes(b"\n".join(map(written, story())) + b"\n")
        published = publish_files([file], bootstrap_servers=started.kafka.bootstrap_servers)
        assert (published.acknowledged, published.survey.unroutable) == (len(story()), 0)
        deadline = time.monotonic() + SECONDS
        # The last thing of the story is that nobody answered the letter about the shop.
        while not any(notice["outcome"] == "unanswered" for notice in documents_on(started, "notices")):
            assert time.monotonic() < deadline, f"not within {SECONDS:.0f} s"
            time.sleep(0.3)
        yield started


def documents_on(center: Center, topic: str) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in records_of(center.kafka.bootstrap_servers, topic)]


def lives(center: Center) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, dict[int, tuple[str, str, str]]] = {}
    for hold in documents_on(center, "holds"):
        found.setdefault(hold["event_id"], {})[hold["number"]] = hold["state"], hold["cause"], hold["at"]
    return {event: [states[number] for number in sorted(states)] for event, states in found.items()}


def test_every_hold_ends_by_silence_by_a_word_or_at_once(center: Center) -> None:
    began = ("proposed", "center_decided")
    found = {event: [state[:2] for state in life] for event, life in lives(center).items()}
    assert found == {
        "first": [began, ("proceeded", "fiu_was_silent")],
        "second": [began, ("proceeded", "fiu_was_silent")],
        "third": [began, ("released", "found_innocent")],
        "salary": [("released", "protected_money")],
        "convicted": [began, ("proceeded", "fiu_was_silent")],
    }
    assert lives(center)["first"][1][2] == "2026-03-11T05:00:00.000Z", "24 hours later, by the clock of the story"


def test_institutions_are_told_to_let_go_and_never_to_hold_a_salary(center: Center) -> None:
    told: dict[str, list[str]] = {}
    for decision in documents_on(center, "decisions.CASPKZKA"):
        if decision["type"] == "decision":
            told.setdefault(decision["event_id"], []).append(decision["decision"])
    assert told["first"] == ["hold", "release"]
    assert told["third"] == ["hold", "release"]
    assert "salary" not in told


def test_the_shop_is_one_letter(center: Center) -> None:
    notices = [notice for notice in documents_on(center, "notices") if notice["measure"] == "block_site"]
    issued = {notice["notice_id"]: notice for notice in notices if notice["outcome"] == "open"}
    by_event = sorted(notice["event_id"] for notice in issued.values())
    assert by_event == ["convicted", "first", "salary", "third"], "one for each payee, and none for `second`"
    ended = {notice["event_id"]: notice["outcome"] for notice in notices if notice["outcome"] != "open"}
    assert ended["third"] == "withdrawn"
    assert ended["first"] == "unanswered"


def test_a_look_at_the_convicted_is_recorded_with_its_reason(center: Center) -> None:
    looks = {look["record_id"]: look for look in documents_on(center, "necessity")}
    (look,) = looks.values()
    assert (look["list"], look["typology"], look["event_id"], look["role"]) == (
        "convicted",
        "T13",
        "convicted",
        "payee",
    )
    assert CONVICTED not in json.dumps(look)


def test_the_reports_say_the_same(center: Center) -> None:
    holds = run(center, "holds", "--json")
    assert {hold["event_id"]: hold["state"] for hold in holds}["third"] == "released"
    summary = run(center, "notices", "--summary", "--json")
    assert {line["outcome"] for line in summary} == {"unanswered", "withdrawn"}


def run(center: Center, *arguments: str) -> Any:
    command = [sys.executable, "-m", "streams.cli", *arguments, "--bootstrap-servers", center.kafka.bootstrap_servers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
