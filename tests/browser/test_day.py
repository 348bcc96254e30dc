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

SECONDS: Final = 30.0
_FILE: Final = "typologies/T12-account-takeover.yaml"


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
    """Each language works on alerts and on a rulebook that no other has touched."""
    album = Album(SCREENSHOTS / "day" / language)
    people = {each: somebody(each, language) for each in ("analyst", "senior", "compliance", "officer")}
    _a_case(people["analyst"], people["senior"], album, language)
    with album.step(people["analyst"], "released"):
        alert_id = steps.release(people["analyst"])
    until(lambda: _verdicts(site, alert_id) == ["false_positive"], "the verdict on its topic")
    _a_rulebook(people["compliance"], people["officer"], album, language)
    assert not [complaint for tab in people.values() for complaint in tab.complaints]


def _a_case(analyst: Tab, senior: Tab, album: Album, language: Language) -> None:
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
    assert len(proposals) == 2, "a freeze and a filing wait for a second person"
    for proposal in proposals:
        with album.step(senior, "approved"):
            steps.approve(senior, proposal)
    with album.step(analyst, "exported"):
        report = steps.download(analyst, case_id, "goaml.xml")
    assert ElementTree.fromstring(report).tag == "report"
    assert steps.download(analyst, case_id, "casefile.pdf").startswith(b"%PDF-")


def _a_rulebook(compliance: Tab, officer: Tab, album: Album, language: Language) -> None:
    until(lambda: not steps.is_something_planned(officer), "no approved rulebook waits to come into force")
    with album.step(compliance, "rulebook-changed"):
        steps.draft_change(compliance, f"T12 ({language})", _FILE)
    with album.step(compliance, "rulebook-examples"):
        steps.run_examples(compliance)
    with album.step(compliance, "rulebook-compared"):
        steps.compare(compliance)
    with album.step(compliance, "rulebook-proposed"):
        proposal = steps.propose_rulebook(compliance)
    with album.step(officer, "rulebook-approved"):
        steps.approve(officer, proposal)
    until(lambda: steps.is_published(officer, proposal), "the approved rulebook on its topic")


def _verdicts(site: Site, alert_id: str) -> list[str]:
    # Not all that stands there is sound: the invented country has records that break the contract.
    records = records_of(site.center.kafka.bootstrap_servers, "dispositions")
    return [json.loads(each.value)["outcome"] for each in records if alert_id.encode() in each.value]


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that the console does behind its pages."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not within {SECONDS:.0f} s: {what}"
        time.sleep(0.3)
