"""A day at the unit, in each of its languages: from the queue to an approved filing, a release and a new rulebook."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from console.texts import LANGUAGES, Language
from streams.outcomes import records_of
from tests.browser import steps
from tests.browser.conftest import SCREENSHOTS, Site, Tab, pictured

pytestmark = pytest.mark.kafka

SENT_SECONDS: Final = 30.0
_FILE: Final = "typologies/T12-account-takeover.yaml"
_LEAST: Final = "{{name: least, value: {0}, unit: tenge"


class Album:
    """The pictures of a day, numbered in the order in which they are taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    def step(self, tab: Tab, name: str) -> AbstractContextManager[None]:
        """What the tab shows at the end of the block is the next picture."""
        self._number += 1
        return pictured(tab, self._folder, f"{self._number:02}-{name}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day(language: Language, site: Site, somebody: Callable[..., Tab]) -> None:
    """Each language works on alerts that no other has touched."""
    album = Album(SCREENSHOTS / "day" / language)
    analyst, senior = somebody("analyst", language), somebody("senior", language)
    proposals, case_id = _open_and_propose(analyst, album, language)
    assert len(proposals) == 2, "a freeze and a filing wait for a second person"
    for proposal in proposals:
        with album.step(senior, "approved"):
            steps.approve(senior, proposal)
    with album.step(analyst, "exported"):
        report = steps.download(analyst, case_id, "goaml.xml")
        assert ElementTree.fromstring(report).tag == "report"
        assert steps.download(analyst, case_id, "casefile.pdf").startswith(b"%PDF-")
    with album.step(analyst, "released"):
        alert_id = steps.release(analyst)
    _wait_for_verdict(site, alert_id)
    assert not analyst.complaints + senior.complaints


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rulebook_takes_two_officers(language: Language, somebody: Callable[..., Tab]) -> None:
    album = Album(SCREENSHOTS / "day" / language / "rulebook")
    compliance, officer = somebody("compliance", language), somebody("officer", language)
    at = LANGUAGES.index(language)
    old, new = (_LEAST.format(30_000 + 1_000 * each) for each in (at, at + 1))
    with album.step(compliance, "changed"):
        steps.draft_change(compliance, f"T12: {language}", _FILE, old, new)
    with album.step(compliance, "examples"):
        steps.run_examples(compliance)
    with album.step(compliance, "compared"):
        steps.compare(compliance)
    with album.step(compliance, "proposed"):
        proposal = steps.propose_rulebook(compliance)
    with album.step(officer, "approved"):
        steps.approve(officer, proposal)
    assert not compliance.complaints + officer.complaints


def _open_and_propose(analyst: Tab, album: Album, language: Language) -> tuple[list[str], int]:
    row, alert = steps.find_campaign(analyst)
    with album.step(analyst, "assigned"):
        steps.take_campaign(analyst, row)
    with album.step(analyst, "revealed"):
        analyst.open(alert)
        steps.reveal(analyst)
    with album.step(analyst, "case"):
        case_id = steps.open_case(analyst, f"Акциялар / Акции / Shares ({language})")
    with album.step(analyst, "traced"):
        steps.trace(analyst, alert)
    with album.step(analyst, "freeze-proposed"):
        steps.propose_freeze(analyst, case_id)
    with album.step(analyst, "filing-proposed"):
        proposals = steps.propose_filing(analyst, case_id)
    return proposals, case_id


def _wait_for_verdict(site: Site, alert_id: str) -> None:
    deadline = time.monotonic() + SENT_SECONDS
    while True:
        said = [json.loads(each.value) for each in records_of(site.center.kafka.bootstrap_servers, "dispositions")]
        verdicts = [each["outcome"] for each in said if each.get("alert_id") == alert_id]
        if verdicts:
            assert verdicts == ["false_positive"]
            return
        assert time.monotonic() < deadline, "no verdict on the topic"
        time.sleep(0.3)
