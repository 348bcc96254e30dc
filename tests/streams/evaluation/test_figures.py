"""Figures, demands, comparisons and the report, on runs small enough to be reckoned by hand."""

from __future__ import annotations

import dataclasses
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rules.rulebook import Rulebook
from streams.evaluation.cases import cases_of
from streams.evaluation.compare import NotAnEvaluation, compare, read_evaluation
from streams.evaluation.demands import DemandInvalid, parse, unmet
from streams.evaluation.figures import Figures
from streams.evaluation.labels import Label
from streams.evaluation.measuring import Judged, figures
from streams.evaluation.observed import Observed
from streams.evaluation.ranking import at_rate, average_precision
from streams.evaluation.report import report
from streams.evaluation.run import Country, Evaluated
from tests.streams.evaluation.small import HONEST, run

ELIMAI, MULE, WEDDING = Label(True, "T01", "T01-elimai-1"), Label(True, "T03", "T03-mule-1"), Label(False, "", "toi-3")
EVENTS = [
    *((hour, 1 + hour, 900, 100_000, ELIMAI) for hour in range(20)),
    (21, 70, 901, 300_000, MULE),
    (22, 901, 71, 290_000, MULE),
    *((hour, 100 + hour, 500, 20_000, WEDDING) for hour in range(3)),
    *((hour, 2000 + hour, 3000 + hour, 5_000, HONEST) for hour in range(75)),
]
HONEST_EVENT = len(EVENTS) - 1
ALERTS = [
    ("T01", 1, 900, "warn"),
    ("T04", 1, 900, ""),
    ("T10", 0, 900, ""),
    ("T01", 23, 500, "hold"),
    ("T03", HONEST_EVENT, 2074, "hold"),
]


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return Rulebook.load()


def of(observed: Observed, rulebook: Rulebook) -> Figures:
    return figures([Judged(observed, cases_of(observed))], rulebook.typologies, analysts=2)


def evaluated(observed: Observed, rulebook: Rulebook) -> Evaluated:
    found = of(observed, rulebook)
    return Evaluated("antifraud evaluate --seed 7", rulebook, [(Country(7, 3, 200), observed, found)], found)


@pytest.fixture(scope="module")
def found(rulebook: Rulebook) -> Figures:
    return of(run(EVENTS, ALERTS), rulebook)


def test_figures_of_a_typology(found: Figures) -> None:
    t01 = next(each for each in found.typologies if each.id == "T01")
    assert (t01.alerts, t01.right, t01.precision, t01.strict_precision) == (2, 1, 0.5, 0.5)
    assert (t01.own.cases, t01.own.found, t01.own.recall, t01.own.events_found) == (1, 1, 1.0, 1)
    assert t01.own.lead_days == round(1 / 24, 4)
    assert (t01.own.to_come, t01.own.recoverable) == (0.9, 1.0)
    assert (t01.own.held, t01.own.warned) == (0, 1_900_000 * 100)
    t03 = next(each for each in found.typologies if each.id == "T03")
    assert (t03.own.recall, t03.own.lead_days, t03.precision, t03.honest_held) == (0.0, None, 0.0, 1)


def test_a_case_says_who_named_it_before_a_tenth_of_its_money(found: Figures) -> None:
    elimai = found.case_list[0]
    assert elimai.case == "T01-elimai-1"
    assert elimai.findings_before_10_percent == 3
    assert {each.typology: each.money_before for each in elimai.findings} == {"T01": 0.05, "T04": 0.05, "T10": 0.0}
    assert found.case_list[1].findings == []


def test_innocents_are_counted_as_events_and_as_people(found: Figures) -> None:
    assert (found.innocents.events, found.innocents.held, found.innocents.people) == (78, 2, 2)
    assert found.innocents.share == round(2 / 78, 6)
    assert found.innocents.days_longest is not None
    assert found.innocents.days_longest >= 5
    (wedding,) = found.look_alikes
    assert (wedding.kind, wedding.cases, wedding.events, wedding.alerted, wedding.held) == ("toi", 1, 3, 1, 1)
    assert wedding.alerts == {"T01": 1}


def test_several_runs_together_keep_their_cases_apart(rulebook: Rulebook) -> None:
    runs = [run(EVENTS, ALERTS, name=name) for name in ("seed 1", "seed 2")]
    together = figures([Judged(each, cases_of(each)) for each in runs], rulebook.typologies, analysts=1)
    assert together.cases == 4
    assert together.innocents.people == 4
    t01 = next(each for each in together.typologies if each.id == "T01")
    assert (t01.own.cases, t01.own.found, t01.alerts) == (2, 2, 4)


def test_a_case_of_which_nothing_was_judged_is_told(rulebook: Rulebook) -> None:
    observed = run(EVENTS, ALERTS)
    observed.known.append(Label(True, "T06", "T06-call-1"))
    observed.missing.append(4)
    found = of(observed, rulebook)
    assert (found.cases_not_judged, found.fraud_events_not_judged) == (["T06-call-1"], 4)


def test_average_precision_and_recall_at_a_rate() -> None:
    fraud = np.array([True, False, True, False])
    assert average_precision(fraud, np.array([0.9, 0.8, 0.7, 0.1])) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(fraud, np.full(4, 0.5)) == 0.5  # ties are one group
    assert at_rate(fraud, np.array([0.9, 0.8, 0.7, 0.1]), 0.5) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("recall=1,precision=0.5:T01", True),
        ("recall=0.9:T01,T03", False),
        ("recall=0.5:T12", False),  # there is no case of it
        ("honest_held=0.03", True),
        ("honest_held=0.001", False),
        ("lead_days=1:T01", True),
        ("findings_before_10_percent=3:T01-elimai-1", True),
        ("findings_before_10_percent=4:T01-elimai-1", False),
        ("recoverable=0.5:T01-elimai-9", False),
        ("recall=0.5,average_precision=0", True),
    ],
)
def test_demands(found: Figures, text: str, met: bool) -> None:
    missed = unmet(parse(text), found)
    assert (not missed) == met
    assert all(str(each) for each in missed)


@pytest.mark.parametrize(
    "text", ["recall", "recall=x", "recall=nan", "speed=1", "recall=1:", "recall=1:T01,", "a=1:T01"]
)
def test_demands_that_cannot_be_understood(text: str) -> None:
    if text == "recall=1:":
        assert [each.target for each in parse(text)] == [""]
        return
    with pytest.raises(DemandInvalid):
        parse(text)


def test_comparison_shows_alerts_gained_and_lost(rulebook: Rulebook, tmp_path: Path) -> None:
    before = run(EVENTS, ALERTS)
    after = dataclasses.replace(before, alerts=[*before.alerts[1:], before.alerts[0]._replace(alert_id="f" * 32)])
    file = tmp_path / "before.json"
    file.write_text(json.dumps(evaluated(before, rulebook).as_json()), encoding="utf-8")
    told = json.loads(json.dumps(evaluated(after, rulebook).as_json()))
    compared = compare(read_evaluation(file), told)
    assert compared.same_events
    assert [alert_id for _, alert_id, _, _ in compared.gained] == ["f" * 32]
    assert [alert_id for _, alert_id, _, _ in compared.lost] == [f"{0:032x}"]
    assert compared.counts() == {"T01": (1, 0, 1, 0)}
    assert all(change.arrow == "=" for changes in compared.typologies.values() for change in changes)
    fewer = json.loads(json.dumps(evaluated(dataclasses.replace(before, alerts=[]), rulebook).as_json()))
    changes = {change.name: change for change in compare(told, fewer).typologies["T01"]}
    assert (changes["recall"].arrow, changes["recall"].better) == ("▼", False)
    assert (changes["alerts"].arrow, changes["alerts"].better) == ("▼", None)


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "evaluation", "format": 1}', '{"type": "else"}', "\x00"])
def test_another_file_is_no_evaluation(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NotAnEvaluation, match=r"other\.json"):
        read_evaluation(file)


class Checked(HTMLParser):
    """Follows which elements are open, and notes what would ask the network or run a script."""

    VOID = frozenset({"meta", "rect", "line", "circle", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.seen: list[str] = []
        self.rows: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag in ("script", "link", "img", "iframe") or any(name in ("src", "href", "onload") for name, _ in attrs):
            self.wrong.append(tag)
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag}")


def checked(text: str) -> Checked:
    parser = Checked()
    parser.feed(text)
    parser.close()
    return parser


def test_the_report_is_whole_html_that_asks_nobody(rulebook: Rulebook) -> None:
    base: dict[str, Any] = evaluated(run(EVENTS, ALERTS[:2]), rulebook).as_json()
    now = evaluated(run(EVENTS, ALERTS), rulebook)
    text = report(now, compare(base, now.as_json()))
    parsed = checked(text)
    assert parsed.wrong == []
    assert parsed.open == []
    assert parsed.seen.count("svg") >= 5
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    assert rulebook.digest in text
    assert "antifraud evaluate --seed 7" in text
    assert text == report(now, compare(base, now.as_json()))


def test_names_from_labels_are_escaped(rulebook: Rulebook) -> None:
    evil = Label(True, "T01", "<script>alert(1)</script>")
    text = report(evaluated(run([(0, 1, 2, 5, evil), (1, 3, 4, 5, HONEST)], [("T01", 0, 2, "")]), rulebook))
    assert checked(text).wrong == []
