"""The latest alerts of a typology: found in the store with what led to them, changed, and silent by the engine."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from typing import get_args

import pytest
from fastapi import FastAPI

from console.rulebooks.alert_evasions import of_alerts
from console.rulebooks.desk import Desk
from console.rulebooks.evasion_changes import Change
from console.rulebooks.kept_events import pick
from console.rulebooks.reports import AlertEvasions, EvasionReport, RecentAlerts, Step, Way
from console.rulebooks.shelf import Shelf
from console.rulebooks.stories import Kept, story_of_events, verdict
from console.rulebooks.workshop import Job, Workshop
from console.store.opening import Store
from console.store.recent_alerts import RecentAlert, latest
from console.texts import Language, load
from console.web.formats import Formats
from console.web.house import wall_clock
from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.engine import Judgement
from streams.replay import replay
from tests.console.builders import NOW, SOURCE, TOKENS, feed
from tests.console.web.clients import signed_in

TYPOLOGY = "T03"
FEW = 2


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rulebook, list[bytes], list[bytes]]:
    """The packaged rulebook, and what it makes of a small country: records of `judged` and of alerts."""
    out = tmp_path_factory.mktemp("country") / "events.jsonl"
    write_country(Settings(people=400, days=2, seed=3), out, labels_beside(out))
    book, frames, alerts, rows = Rulebook.load(), list[bytes](), dict[str, bytes](), 0

    def on_judgement(judgement: Judgement) -> None:
        nonlocal rows
        sources = [(SOURCE, 0)] * (int(judgement.rows["source"].max()) + 1)
        frames.append(judgement.frame(rows, (NOW, 0), sources))
        rows += len(judgement.rows)

    def on_alert(alert: SuspiciousOperation) -> None:
        alerts.setdefault(alert.alert_id, alert.model_dump_json(exclude_none=True).encode())

    replay([out], book, TOKENS, on_judgement=on_judgement, on_alert=on_alert)
    return book, frames, list(alerts.values())


@pytest.fixture
def alerts(store: Store, judged: tuple[Rulebook, list[bytes], list[bytes]]) -> Iterator[list[RecentAlert]]:
    """The latest alerts as the store finds them."""
    _, frames, raised = judged
    feed(store, "judged", *frames)
    feed(store, "suspicious-operations", *raised)
    with store.reading() as connection:
        yield latest(connection, TYPOLOGY, FEW)


def finder(frames: list[bytes]) -> Callable[[Mapping[int, int], Callable[[], bool]], dict[int, Kept]]:
    def find(wanted: Mapping[int, int], _: Callable[[], bool]) -> dict[int, Kept]:
        return {event: kept for frame in frames for event, kept in pick(frame, set(wanted)).items()}

    return find


def test_what_is_told_of_a_real_alert_would_have_kept_it_silent(
    alerts: list[RecentAlert], judged: tuple[Rulebook, list[bytes], list[bytes]]
) -> None:
    book, frames, _ = judged
    find, place = finder(frames), [one.id for one in book.typologies].index(TYPOLOGY)
    done = list[tuple[int, int]]()
    told = of_alerts(book, TYPOLOGY, alerts, find, progress=lambda *how_far: done.append(how_far))
    assert done == [(1, FEW), (2, FEW)]
    assert [(one.standing, one.missing) for one in told] == [("found", 0)] * FEW
    for alert, one in zip(alerts, told, strict=True):
        story = story_of_events(find(alert.appended_at, lambda: False).values(), alert.own)
        assert not verdict(book, place, story).silent  # as it was, it is raised again
        assert [way.price for way in one.ways] == sorted(way.price for way in one.ways)
        for way in one.ways:
            changed = story
            for step in way.steps:
                changed = Change(step.kind, step.number).apply(changed)  # type: ignore[arg-type]
            assert verdict(book, place, changed).silent
            assert TYPOLOGY not in way.still_caught_by


def test_what_the_log_no_longer_keeps_is_told(
    alerts: list[RecentAlert], judged: tuple[Rulebook, list[bytes], list[bytes]]
) -> None:
    book, frames, _ = judged
    alert = alerts[0]
    gone = of_alerts(book, TYPOLOGY, [alert], finder([]))[0]
    assert (gone.standing, gone.operations, gone.missing) == ("gone", 0, len(alert.appended_at))

    def itself_alone(wanted: Mapping[int, int], ended: Callable[[], bool]) -> dict[int, Kept]:
        return {event: kept for event, kept in finder(frames)(wanted, ended).items() if event == alert.event}

    left = of_alerts(book, TYPOLOGY, [alert], itself_alone)[0]
    assert (left.standing, left.operations, left.ways) == ("not_raised", 1, [])
    assert of_alerts(book, TYPOLOGY, [alert], finder(frames), seconds=0)[0].standing == "no_time"


class Done(Workshop):
    """A workshop that has ended one search, whatever was asked for."""

    def __init__(self, report: EvasionReport) -> None:
        super().__init__()
        self._report = report.model_dump_json()

    def find(self, job_id: str) -> Job | None:
        return Job(job_id, "search", "done", report=self._report)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_page_tells_every_outcome_of_a_search(store: Store, language: Language) -> None:
    way = Way(
        steps=[Step(kind="pace", number=8_731), Step(kind="keep_under", number=98_000)],
        money_moved=100_000, money_forgone=2_000, days=6.06, helpers=0, operations=1, price=62_644, score=0.6,
        still_caught_by=["T07"],
    )  # fmt: skip
    outcomes = get_args(AlertEvasions.model_fields["standing"].annotation)
    told = [
        AlertEvasions(alert_id=f"{number:032x}", occurred_at=NOW, standing=standing, operations=37, missing=number,
                      ways=[way] if standing == "found" else [])
        for number, standing in enumerate(outcomes)
    ]  # fmt: skip
    browser = signed_in(store, language=language)
    assert isinstance(browser.app, FastAPI)
    texts = load()
    for standing in ("read", "without", "away"):
        recent = RecentAlerts(standing=standing, seconds=1, alerts=told if standing == "read" else [])
        report = EvasionReport(typology="T03", digest="0", tries=9, found=[], not_found=[], recent=recent)
        browser.app.state.desk = Desk(store, Shelf(None), Done(report), wall_clock)
        page = html.unescape(browser.get("/rulebook/T03", params={"job": "0" * 32}).text)
        if standing != "read":
            assert texts(language, f"rulebook.recent.{standing}") in page
            continue
        assert all(f'href="/alerts/{one.alert_id}"' in page for one in told)
        assert all(texts(language, f"rulebook.recent.{one}") in page for one in outcomes if one != "found")
        hours = {"kk": "145,5", "ru": "145,5", "en": "145.5"}[language]
        assert texts(language, "rulebook.step.pace_hours", n=hours) in page
        assert Formats(language).percent(0.02) in page
