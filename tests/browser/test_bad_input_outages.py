"""What analysts meet while something behind the console is away: the store locked or full, Kafka, the console itself.

Pages go on, say what is wrong and what to do, and do all of an action or nothing.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest
from kafka.admin import NewTopic
from playwright.sync_api import Browser, Locator, expect
from sqlalchemy import delete, event

from console.store.tables import audit, feed_offsets, outbound
from streams.kafka import Kafka, KafkaSettings, free_port
from streams.outcomes import records_of
from tests.browser import steps
from tests.browser.conftest import SCREENSHOTS, Tab, pictured, sign_in
from tests.browser.consoles import TOPIC, Own, alert_of, filled, own_console, path_of, served
from tests.browser.test_day import until
from tests.conftest import QUICK_START
from tests.console.builders import feed

FOLDER: Final = SCREENSHOTS / "outages"
LONG_NOTE: Final = "ы" * 1_900  # more than a page of the store's file holds


@pytest.fixture(scope="module")
def own(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """A console without Kafka, on purpose."""
    with own_console(chromium, tmp_path_factory.mktemp("outages")) as running:
        yield running


@contextmanager
def locked(own: Own) -> Iterator[None]:
    """Another process writes for longer than anybody waits."""
    other = sqlite3.connect(own.file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def full(own: Own) -> Iterator[None]:
    """The store's file has no room left in it and can grow no more."""
    packing = sqlite3.connect(own.file, isolation_level=None)
    packing.execute("VACUUM")
    packing.close()
    most = 1  # no less than it has

    def limit(connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {most}")

    event.listen(own.store.engine, "checkout", limit)
    try:
        yield
    finally:
        most = 2**32 - 2


@pytest.mark.parametrize(
    ("outage", "number", "language", "says"),
    [(locked, 1, "kk", "Деректер қоймасы бос емес"), (full, 2, "ru", "Хранилище заполнено")],
    ids=["locked", "full"],
)
def test_a_store_that_takes_nothing_is_told_and_the_same_form_does_later(
    own: Own, outage: Callable[[Own], AbstractContextManager[None]], number: int, language: str, says: str
) -> None:
    tab = own.somebody("analyst", language)
    tab.open(path_of(number))
    tab.page.locator("[name=reason_code]").select_option("false_positive")
    tab.page.locator("#f-note").fill(LONG_NOTE)
    before = _rows(own, number)
    with outage(own), pictured(tab, FOLDER, f"store-{number}"):
        steps.press(tab.page, "button[value=close]")
        expect(tab.page.locator(".problem h1")).to_have_text(says)
        assert _rows(own, number) == before
        reader = Tab(tab.page.context.new_page(), own.address)
        assert reader.open(path_of(3)) == reader.open("queue") == 200
    expect(tab.page.locator(".problem [name=note]")).to_have_value(LONG_NOTE)
    steps.press(tab.page, ".problem button.primary")
    expect(tab.page.locator("main > p.notice.good")).to_be_visible()
    # Closed, said so, the identity opened for the verdict: all of it, once.
    assert _rows(own, number) == ("closed", before[1] + 2, before[2] + 1)


def _rows(own: Own, number: int) -> tuple[str, int, int]:
    return own.state_of(number), own.count(audit, audit.c.action != "session.begun"), own.count(outbound)


def test_decisions_wait_for_kafka_and_go_out_once(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIFRAUD_DEMO", "1")  # for the process of the feed
    store, file = filled(tmp_path)
    with store.writing() as connection:
        connection.execute(delete(feed_offsets))  # as if it belonged to the cluster that is still to come
    port = free_port()
    broker = KafkaSettings(data=tmp_path / "kafka", runtime="maven", port=port, heap_mib=384, java_options=QUICK_START)
    with served(store, file, chromium, servers=f"127.0.0.1:{port}") as own:
        tab = own.somebody("analyst", "ru")
        until(lambda: _says(tab, "Kafka не отвечает"), "the page says that Kafka is away")
        assert tab.page.locator("main > p.notice.wait time").count() == 1, "and since when"
        tab.open(path_of(1))
        tab.page.locator("[name=reason_code]").select_option("false_positive")
        steps.press(tab.page, "button[value=close]")
        expect(tab.page.locator("main > p.notice.good")).to_be_visible()
        until(lambda: _says(tab, "Решения ещё не отправлены"), "the page says that the decision waits")
        with pictured(tab, FOLDER, "no-kafka"):
            assert own.count(outbound, outbound.c.sent_at.is_(None)) == 1
        with Kafka.find_or_start(broker) as kafka:
            with contextlib.closing(kafka.admin()) as admin:
                admin.create_topics([NewTopic("dispositions", 1, 1)])
            until(lambda: own.count(outbound, outbound.c.sent_at.is_not(None)) == 1, "the decision went out")
            until(lambda: not _says(tab, ""), "the page has nothing more to say")
            sent = [json.loads(record.value) for record in records_of(kafka.bootstrap_servers, "dispositions")]
    assert [(each["alert_id"], each["outcome"]) for each in sent] == [(f"{1:032x}", "false_positive")]
    store.close()


def test_the_open_queue_outlives_a_restart_of_the_console(chromium: Browser, tmp_path: Path) -> None:
    store, file = filled(tmp_path)
    port = free_port()
    with served(store, file, chromium, port=port) as own:
        tab, context = sign_in(chromium, own.address, "analyst", "kk")
        tab.open("queue")
        tab.page.evaluate("window.stillTheSamePage = true")
        feed(store, TOPIC, alert_of(21))
        _row(tab, 21).wait_for()
    feed(store, TOPIC, alert_of(22), alert_of(23))
    with served(store, file, chromium, port=port), pictured(tab, FOLDER, "restarted"):
        _row(tab, 23).wait_for()
        feed(store, TOPIC, alert_of(24))
        _row(tab, 24).wait_for()
        assert [_row(tab, number).count() for number in range(21, 25)] == [1] * 4
    own.end_sessions("analyst")
    with served(store, file, chromium, port=port):
        expect(tab.page.locator("#trouble")).to_contain_text("Сеанс аяқталды")
        assert tab.page.evaluate("window.stillTheSamePage"), "the page was loaded anew"
    context.close()
    store.close()


def _says(tab: Tab, text: str) -> bool:
    """Whether the page, loaded anew, says this of what is wrong."""
    tab.page.reload()
    return tab.page.locator("main > p.notice.wait", has_text=text).count() > 0


def _row(tab: Tab, number: int) -> Locator:
    return tab.page.locator(f"tr#a-{number:032x}")
