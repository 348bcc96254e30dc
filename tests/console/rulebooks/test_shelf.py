"""What is known of the topic while Kafka comes and goes, and long work that fails."""

from __future__ import annotations

import threading
import time

import pytest
from kafka.errors import KafkaError

from console.rulebooks import shelf as shelves
from console.rulebooks.shelf import FRESH_MS, Shelf
from console.rulebooks.work import Search
from console.rulebooks.workshop import Busy, Workshop
from streams.generations import Generations
from tests.console.rulebooks.test_approval import NOW, Topic
from tests.rules.small import documents


class Cluster:
    """A topic whose broker can be away, and how often it was asked."""

    def __init__(self) -> None:
        self.topic = Topic()
        self.away = False
        self.asked = 0

    def read(self) -> Generations:
        self.asked += 1
        if self.away:
            raise KafkaError("nobody answers")
        return self.topic.read()


def test_what_was_read_stays_while_the_broker_is_away_and_is_read_anew_when_it_is_back() -> None:
    cluster, now = Cluster(), [NOW]
    shelf = Shelf(cluster.read, lambda: now[0])
    first = shelf.known()
    assert (first.standing, len(first.generations), first.read_at) == ("read", 1, NOW)
    shelf.known()
    assert cluster.asked == 1  # seconds have not passed
    cluster.away, now[0] = True, NOW + FRESH_MS
    away = shelf.known(anew=True)
    assert (away.standing, away.generations, away.read_at) == ("away", first.generations, NOW)
    assert shelf.in_force()[1] == first.generations[0]
    cluster.away = False
    assert shelf.known(anew=True).standing == "read"


def test_what_was_published_while_the_topic_was_being_read_is_known_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelves, "PATIENCE_SECONDS", 60.0)
    topic, begun, goes_on = Topic(), threading.Event(), threading.Event()

    def slowly() -> Generations:
        found = Generations(topic.read().all)
        begun.set()
        assert goes_on.wait(60)
        return found

    shelf = Shelf(slowly, lambda: NOW)
    early = threading.Thread(target=shelf.known)
    early.start()
    assert begun.wait(60)
    topic.activate(documents(), activated_by="officer")
    late = threading.Timer(0.1, goes_on.set)
    late.start()
    assert len(shelf.known(anew=True).generations) == 2
    early.join()


def test_without_kafka_the_packaged_rulebook_is_in_force() -> None:
    shelf = Shelf(None)
    files, generation = shelf.in_force()
    assert generation is None
    assert len(shelf.rulebook(files).typologies) == 22
    assert shelf.files(shelf.rulebook(files).digest) == files
    assert shelf.files("0" * 64) is None


def test_work_that_fails_says_why_and_is_done_again_when_it_is_asked_for_again() -> None:
    workshop = Workshop()
    request = Search(files={"rulebook.yaml": "nothing"}, typology="T01")
    try:
        job = workshop.ask(request)
        assert workshop.ask(request) is job
        deadline = time.monotonic() + 60
        while not job.ended:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert job.standing == "failed"
        assert "rulebook.yaml:1:1" in job.failure
        assert workshop.ask(request) is not job
    finally:
        workshop.close()


def test_a_workshop_that_is_closed_takes_nothing_more() -> None:
    closed = Workshop()
    closed.close()
    with pytest.raises(Busy):
        closed.ask(Search(files={}, typology="T01"))
    assert closed.find("0" * 32) is None
