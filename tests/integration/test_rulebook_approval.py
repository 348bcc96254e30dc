"""An approved rulebook comes to a real topic, once, also when the broker was away; and what was judged is read back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import NewTopic
from typer.testing import CliRunner

from console.keyring import Keyring
from console.people import demo
from console.people.passwords import DEMO_PASSWORD
from console.rulebooks import approval
from console.rulebooks.desk import Desk
from console.rulebooks.difference import Run, compare
from console.rulebooks.judged_log import Log, judge_again
from console.rulebooks.kept_events import JUDGED_WITHIN_MS, search
from console.rulebooks.reports import RulebookName
from console.rulebooks.shelf import Shelf
from console.rulebooks.workshop import Workshop
from console.store import drafts, proposals
from console.store.opening import Store
from console.web.house import wall_clock
from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.cli import rulebook_change
from streams.cli.rulebook import rulebook_app
from streams.engine import Judgement
from streams.kafka import Kafka
from streams.replay import replay
from streams.rulebook_topic import RulebookTopic
from streams.tokens import demo_keys
from tests.console.rulebooks.test_approval import AIGUL, PATH, REASON, SAULE, lower
from tests.rules.small import documents


@pytest.fixture
def topic(kafka: Kafka, fresh_name: Callable[[str], str]) -> RulebookTopic:
    """A compacted topic of this test's own with one generation."""
    made = RulebookTopic(kafka.bootstrap_servers, new_topic(kafka, fresh_name("rulebook"), "compact"))
    made.activate(documents(), activated_by="first start", effective_at=wall_clock() + 11_000)
    return made


def new_topic(kafka: Kafka, name: str, policy: str = "delete") -> str:
    with contextlib.closing(kafka.admin()) as admin:
        settings = {"cleanup.policy": policy, "max.message.bytes": "16777216"}
        admin.create_topics([NewTopic(name, 1, 1, topic_configs=settings)])
    return name


@pytest.fixture
def desk(tmp_path: Path, topic: RulebookTopic) -> Desk:
    """A desk over a store in SQLite; it makes proposals and publishes nothing by itself."""
    store = Store.open(f"sqlite:///{tmp_path}/cases.db")
    made = Desk(store, Shelf(topic.read), Workshop(), wall_clock)
    while made.shelf.known(anew=True).standing != "read":
        pass
    return made


def proposed(desk: Desk) -> int:
    draft_id = desk.begin(AIGUL, "Lower the threshold")
    desk.save(AIGUL, draft_id, PATH, lower(), 1)
    desk.run_examples(AIGUL, draft_id)
    digests = desk.in_force_digest(), desk.open(draft_id).draft.digest
    runs = [Run(RulebookName(version="test", digest=digest)) for digest in digests]
    with desk.store.writing() as connection:
        drafts.note_difference(connection, draft_id, compare(runs[0], runs[1], events="none", seconds=0))
    return desk.propose(AIGUL, draft_id, REASON, 2)


def test_what_is_approved_while_the_broker_is_away_is_published_when_it_is_back(
    desk: Desk, topic: RulebookTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = proposed(desk)
    with desk.store.writing() as connection:
        digest = proposals.find(connection, number).digest
        proposals.approve(connection, SAULE, number, digest, now=wall_clock())
    monkeypatch.setattr("streams.rulebook_topic.TIMEOUT_SECONDS", 1)
    assert approval.publish(desk.store, RulebookTopic("127.0.0.1:1"), actor=SAULE) == 0
    with desk.store.reading() as connection:
        became = approval.activation_of(connection, number)
        assert became is not None
        assert became["failure"] == "away"
        assert approval.waiting(connection) == [number]
    monkeypatch.undo()
    assert approval.publish(desk.store, topic, actor=SAULE) == 1
    assert approval.publish(desk.store, topic, actor=SAULE) == 0
    newest = topic.read().all[-1]
    assert (newest.generation, newest.documents[PATH]) == (2, lower())


def test_the_second_person_approves_from_the_command_line(
    desk: Desk, topic: RulebookTopic, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIFRAUD_DEMO", "1")
    monkeypatch.setattr(rulebook_change, "RulebookTopic", lambda _: topic)
    number = proposed(desk)
    with desk.store.writing() as connection:
        demo.add_people(connection, Keyring.load(), wall_clock())
    command = ["approve", str(number), "--store", str(desk.store.engine.url), "--bootstrap-servers"]
    command += [kafka.bootstrap_servers, "--user"]
    wrong = CliRunner().invoke(rulebook_app, [*command, "officer"], input="guess\ny\n")
    assert wrong.exit_code == 2
    analyst = CliRunner().invoke(rulebook_app, [*command, "analyst"], input=f"{DEMO_PASSWORD}\ny\n")
    assert analyst.exit_code == 2
    assert len(topic.read().all) == 1
    done = CliRunner().invoke(rulebook_app, [*command, "officer"], input=f"{DEMO_PASSWORD}\ny\n")
    assert done.exit_code == 0, done.output
    assert "+alert_at: 0.4" in done.stdout
    assert topic.read().all[-1].activated_by == f"aigul + officer, {number}"


def test_what_was_judged_is_read_from_its_topic_and_judged_again(
    kafka: Kafka, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    events, book, key = tmp_path / "events.jsonl", Rulebook.load(), demo_keys()[0]
    write_country(Settings(people=300, days=2, seed=3), events, labels_beside(events))
    judgements, alerts, name, first = list[Judgement](), set[str](), new_topic(kafka, fresh_name("judged")), 0
    replay([events], book, key, on_judgement=judgements.append, on_alert=lambda one: alerts.add(one.alert_id))
    producer, sent_at = (
        KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, max_request_size=16 << 20),
        wall_clock(),
    )
    for one in judgements:
        last = one.rows[-1]
        mark = int(last["epoch"]), int(last["order_time"])
        producer.send(name, one.frame(first, mark, [(events.name, 0)]), partition=0).get(timeout=20)
        first += len(one.rows)
    producer.close()
    run, said = Run(RulebookName(version="", digest="")), list[tuple[int, int]]()
    log = Log(kafka.bootstrap_servers, name)
    judge_again(log.since(0, book, lambda *one: said.append(one)), [(book, run)], key)
    assert said[-1] == (len(judgements), len(judgements))
    assert run.judged == sum(int((one.state == 1).sum()) for one in judgements)
    assert run.alerts.keys() <= alerts
    assert run.alerts
    nothing = Run(RulebookName(version="", digest=""))
    judge_again(log.since(wall_clock() + 60_000, book, lambda *_: None), [(book, nothing)], key)
    assert nothing.judged == 0

    # Single events are found again by the time when they came, and nothing else is; what came earlier is gone.
    rows = [one.rows[place] for one in judgements[:: len(judgements) - 1] for place in (0, -1)]
    wanted = dict.fromkeys((int(row["event"]) for row in rows), sent_at)
    kept = search(log, wanted | {1: sent_at}, lambda: False)
    assert {event: each.row["event_id"] for event, each in kept.items()} == {
        int(row["event"]): row["event_id"] for row in rows
    }
    assert search(log, dict.fromkeys(wanted, sent_at - 2 * JUDGED_WITHIN_MS), lambda: False) == {}
    assert search(log, wanted, lambda: True) == {}
