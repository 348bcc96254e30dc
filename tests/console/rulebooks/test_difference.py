"""Two rulebooks on the same events: what is counted, and that what was judged is judged again as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from console.rulebooks.difference import Run, compare
from console.rulebooks.judged_log import judge_again
from console.rulebooks.replaying import NothingJudged, difference
from console.rulebooks.reports import AlertLine, RulebookName
from console.rulebooks.sources import FileEvents, SimulatedEvents
from rules.events import FIRST_FACT
from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.engine import Judgement
from streams.following import FINDING, JudgedBatch
from streams.replay import replay
from streams.tokens import demo_keys

KEY = demo_keys()[0]
NAME = RulebookName(version="1", digest="0" * 64)


def alert(number: int, typology: str = "T01", fraud: bool | None = None, decision: str | None = None) -> AlertLine:
    return AlertLine(
        alert_id=f"{number:032x}", typology=typology, status="active", institution="CASPKZKA", event_id=f"e{number}",
        occurred_at=number * 86_400_000, score=0.8, decision=decision, fraud=fraud,
    )  # fmt: skip


def run(*alerts: AlertLine) -> Run:
    return Run(NAME, {one.alert_id: one for one in alerts}, judged=10)


def test_new_and_gone_are_counted_by_id_and_by_what_the_labels_say() -> None:
    old = run(alert(1, fraud=True), alert(2, fraud=True), alert(3, "T02", fraud=False))
    new = run(alert(2, fraud=True), alert(4, fraud=False), alert(3, "T02", fraud=False))
    report = compare(old, new, events="here", seconds=1)
    assert (report.total.before, report.total.after, report.total.new, report.total.gone) == (3, 3, 1, 1)
    assert (report.total.new_wrong, report.total.gone_right) == (1, 1)
    assert [(one.name, one.new, one.gone) for one in report.typologies] == [("T01", 1, 1), ("T02", 0, 0)]
    assert [one.event_id for one in report.new_alerts] == ["e4"]
    assert [one.event_id for one in report.gone_alerts] == ["e1"]
    assert [(one.day, one.before, one.after) for one in report.days] == [
        ("1970-01-02", 1, 0), ("1970-01-03", 1, 1), ("1970-01-04", 1, 1), ("1970-01-05", 0, 1),
    ]  # fmt: skip


def test_an_alert_with_another_decision_is_no_new_alert() -> None:
    report = compare(run(alert(1, decision="warn")), run(alert(1, decision="hold")), events="here", seconds=1)
    assert (report.total.new, report.total.gone, report.total.new_wrong) == (0, 0, None)
    assert {one.name: (one.new, one.gone) for one in report.decisions} == {"hold": (1, 0), "warn": (0, 1)}


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small country's two days."""
    out = tmp_path_factory.mktemp("country") / "events.jsonl"
    write_country(Settings(people=300, days=2, seed=3), out, labels_beside(out))
    return out


@pytest.fixture(scope="module")
def books() -> tuple[Rulebook, Rulebook]:
    """The packaged rulebook, and one whose T05 alerts at the slightest sign."""
    documents = dict(Rulebook.load().documents)
    path = "typologies/T05-shared-device.yaml"
    stricter = {**documents, path: documents[path].replace("alert_at: 0.65", "alert_at: 0.1")}
    assert stricter != documents
    return Rulebook.from_documents(documents), Rulebook.from_documents(stricter)


def test_only_what_was_changed_differs_and_progress_comes_to_its_end(
    country: Path, books: tuple[Rulebook, Rulebook]
) -> None:
    said: list[tuple[int, int]] = []
    report = difference(*books, FileEvents(paths=(country,)), KEY, progress=lambda *one: said.append(one))
    assert {one.name for one in report.typologies if one.new or one.gone} <= {"T05"}
    assert report.total.before > 0
    assert report.total.gone == 0
    assert report.total.new_wrong is not None
    assert said[-1][0] == said[-1][1] == 2 * sum(1 for _ in country.open())


def test_files_in_which_there_is_nothing_are_told(tmp_path: Path, books: tuple[Rulebook, Rulebook]) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(NothingJudged, match=r"empty\.jsonl"):
        difference(*books, FileEvents(paths=(empty,)), KEY)


def test_a_simulated_country_is_named_by_what_makes_it_again() -> None:
    assert SimulatedEvents(seed=7, people=1_000, days=3).name == "seed 7, 1,000 × 3 d"


def test_what_was_judged_is_judged_again_with_the_same_alerts(country: Path, books: tuple[Rulebook, Rulebook]) -> None:
    """The rows of `judged` are enough: the alerts that a replay of the raw events raises come again by their ids."""
    book, judgements, alerts = books[0], list[Judgement](), dict[str, Any]()
    replay(
        [country],
        book,
        KEY,
        on_judgement=judgements.append,
        on_alert=lambda one: alerts.setdefault(one.alert_id, one),
    )
    run = Run(NAME)
    judge_again(map(batch, judgements), [(book, run)], KEY)
    # A loan that is judged once more when a refusal comes late is the one thing that this cannot know of.
    assert {key for key, one in alerts.items() if one.typology.id != "T08"} == {
        key for key, one in run.alerts.items() if one.typology != "T08"
    }
    assert alerts.keys() >= run.alerts.keys()
    assert all(run.alerts[key].decision == alerts[key].decision for key in run.alerts)
    assert run.judged >= sum(int((one.rows["kind"] < FIRST_FACT).sum()) for one in judgements)


def batch(judgement: Judgement) -> JudgedBatch:
    rows = judgement.rows
    return JudgedBatch(
        rows, judgement.risk, judgement.parts.scores, judgement.judged.score.astype(np.float32), judgement.judged.lists,
        judgement.state, np.empty(0, FINDING), np.zeros(len(rows), bool), 0, judgement.rulebook, [],
    )  # fmt: skip
