"""«Елімай-2019» made smaller: a convicted organiser takes deposits at several banks, and is named before they grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from rules.rulebook import Rulebook
from rules.warning import held_out
from streams.tokens import parse_token
from tests.scenarios.played import Document, Played, person_token, played, simulated, subject_of

pytestmark = pytest.mark.kafka

EARLY = 0.10  # of the deposits
CASE = "T01-elimai-1"


@pytest.fixture(scope="module")
def elimai(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("elimai")
    with played(folder, simulated(folder, "elimai", people=600, days=14, seed=19), partitions=2) as found:
        yield found


@pytest.fixture(scope="module")
def organiser(elimai: Played) -> str:
    """The IIN of the only one in the case who is put on the list of the convicted."""
    (record,) = [event for event in elimai.frauds(CASE) if event["type"] == "list_entries"]
    (entry,) = [entry for entry in record["entries"] if entry["list"] == "convicted"]
    identifier: str = entry["subject"]["id"]
    return identifier


@pytest.fixture(scope="module")
def deposits(elimai: Played, organiser: str) -> list[Document]:
    """What people paid to the organiser's accounts and to the shell, in order of time."""
    moved = [event for event in elimai.frauds(CASE) if event["type"] == "transaction"]
    payers = {event["payer"]["id"] for event in moved}
    # Developers and dealers are paid by the relatives, and pay nobody; the shell pays interest.
    collectors = {organiser} | {e["payee"]["id"] for e in moved if e["payee"]["id"][4] in "456"} & payers
    found = [event for event in moved if event["payee"]["id"] in collectors]
    assert len(found) > 150
    return found


def test_the_organiser_is_named_by_three_findings_before_a_tenth_of_the_deposits(
    elimai: Played, organiser: str, deposits: list[Document]
) -> None:
    order = {event["event_id"]: number for number, event in enumerate(elimai.events)}
    places = [order[event["event_id"]] for event in deposits]
    about = [alert for alert in elimai.alerts.values() if subject_of(alert) == person_token(organiser)]
    found = sorted(order[alert["event_id"]] for alert in about)
    assert len(found) >= 3
    came = sum(place <= found[2] for place in places)
    before = sum(float(event["amount"]) for event in deposits[:came])
    money = sum(float(event["amount"]) for event in deposits)
    print(f"third finding after {came} of {len(places)} deposits, {before / money:.1%} of {money:,.0f} tenge")
    assert came < EARLY * len(places)


def test_the_case_is_seen_across_banks_and_not_by_one_of_them(elimai: Played, organiser: str) -> None:
    about = [alert for alert in elimai.alerts_of("T01", "T13") if subject_of(alert) == person_token(organiser)]
    assert len({entry["source"]["topic"] for alert in about for entry in alert["evidence"]}) >= 3
    assert len({alert["institution"] for alert in about}) >= 3, "the payers' banks"


def test_the_pyramid_is_named_by_t01_and_its_payers_by_t02(elimai: Played, organiser: str) -> None:
    assert person_token(organiser) in {subject_of(alert) for alert in elimai.alerts_of("T01")}
    assert {"T01", "T02", "T13"} <= elimai.typologies_of(CASE)


def test_every_look_at_the_list_of_convicts_is_recorded_with_its_necessity(elimai: Played, organiser: str) -> None:
    looks = {look["record_id"]: look for look in elimai.documents("necessity")}
    mine = [look for look in looks.values() if look["subject"] == person_token(organiser)]
    alerts = {alert["alert_id"] for alert in elimai.alerts_of("T13") if subject_of(alert) == person_token(organiser)}
    assert alerts
    assert alerts <= {look["alert_id"] for look in mine}
    assert {look["list"] for look in mine} == {"convicted"}
    for look in mine:
        assert look["source"]
        assert all(look["purpose"][language] for language in ("kk", "ru", "en"))
    content = " ".join(map(str, looks.values()))
    assert organiser not in content


# -- warnings ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warnings(elimai: Played) -> list[Document]:
    """Each warning once."""
    told = {said["warning_id"]: said for said in elimai.documents("warnings") if said["type"] == "warning"}
    assert len(told) >= 30
    return list(told.values())


def test_payers_of_the_pyramid_are_warned_in_three_languages(
    elimai: Played, warnings: list[Document], deposits: list[Document], organiser: str
) -> None:
    paid = {
        (person_token(event["payer"]["id"]), person_token(event["payee"]["id"]))
        for event in elimai.events
        if "payer" in event and event.get("payee", {}).get("id") == organiser
    }
    mine = [said for said in warnings if said["payee"] == person_token(organiser)]
    assert len(mine) >= 20
    assert {(said["payer"], said["payee"]) for said in mine} <= paid, "nobody else is told of him"
    depositors = {person_token(event["payer"]["id"]) for event in deposits}
    assert sum(said["payer"] in depositors for said in mine) >= 0.9 * len(mine)
    assert {said["rule"] for said in mine} == {"pyramid"}
    assert all(said["text"][language] and said["advice"][language] for said in mine for language in ("kk", "ru", "en"))
    assert {said["language"] for said in mine} <= {"kk", "ru"}


def test_nobody_is_warned_more_often_than_the_cap_and_once_of_each_payee(warnings: list[Document]) -> None:
    policy = Rulebook.load().procedure.warning_policy
    assert policy is not None
    assert max(Counter((said["payer"], said["payee"]) for said in warnings).values()) == 1
    within = timedelta(days=policy.cap_days)
    for payer in {said["payer"] for said in warnings}:
        times = sorted(datetime.fromisoformat(said["at"]) for said in warnings if said["payer"] == payer)
        for first, after in zip(times, times[policy.cap :], strict=False):
            assert after - first >= within


def test_those_held_out_are_warned_by_nobody_and_their_payments_measured(
    elimai: Played, warnings: list[Document], deposits: list[Document], organiser: str
) -> None:
    policy = Rulebook.load().procedure.warning_policy
    assert policy is not None

    def is_held_out(payer: str, payee: str) -> bool:
        return held_out(parse_token(payer)[1][0], parse_token(payee)[1][0], policy.hold_out_share)

    pairs = {(person_token(event["payer"]["id"]), person_token(event["payee"]["id"])) for event in deposits}
    left_out = {pair for pair in pairs if is_held_out(*pair)}
    assert left_out, "a scenario with nobody held out shows nothing"
    assert not left_out & {(said["payer"], said["payee"]) for said in warnings}
    events = {(e["institution"], e["event_id"]): e for e in deposits}
    for (institution, event_id), event in events.items():
        if (person_token(event["payer"]["id"]), person_token(event["payee"]["id"])) in left_out:
            assert "warn" not in elimai.decisions(institution, event_id), "nor by the bank's answer"
    effects = [said for said in elimai.documents("warnings") if said["type"] == "warning_effect"]
    last = {said["payee"]: said for said in effects}[person_token(organiser)]
    assert last["warned"] >= 20
    assert last["warned_measured"] > 0


# -- measures ---------------------------------------------------------------------------------------------------------


def test_a_notice_is_issued_once_for_each_subject_and_measure(elimai: Played, organiser: str) -> None:
    notices = {(said["notice_id"], said["number"]): said for said in elimai.documents("notices")}
    issued = [said for (_, number), said in notices.items() if number == 0]
    ends = {notice: said["at"] for (notice, number), said in notices.items() if said["outcome"] != "open"}
    assert {said["notice_id"] for said in issued} == set(ends), "none stays open when its time is over"
    for about in {(said["subject"], said["measure"]) for said in issued}:
        same = sorted(
            (said for said in issued if (said["subject"], said["measure"]) == about), key=lambda s: s["since"]
        )
        for earlier, later in pairwise(same):
            assert later["since"] >= ends[earlier["notice_id"]], "not while one is open"
    mine = {said["measure"]: said for said in issued if said["subject"] == person_token(organiser)}
    assert {"suspend_activity", "block_site", "consider_freeze"} <= set(mine)
    for said in mine.values():
        assert said["legal_basis"]["ru"]
        assert said["addressee"]
        assert said["deadline"] > said["since"]


def test_the_pyramid_meter_of_the_organiser_crosses_its_line(
    elimai: Played, organiser: str, deposits: list[Document]
) -> None:
    readings = [said for said in elimai.documents("meters") if said["collector"] == person_token(organiser)]
    above = [said for said in readings if said["above"]]
    assert above
    assert all(abs(sum(part["points"] for part in said["parts"]) - said["index"]) < 0.2 for said in readings)
    crossed = datetime.fromisoformat(above[0]["at"])
    came = sum(datetime.fromisoformat(event["occurred_at"]) <= crossed for event in deposits)
    print(f"the line is crossed after {came} of {len(deposits)} deposits, index {above[0]['index']}")
    assert came < len(deposits) / 2
    assert above[-1]["regions"] >= 3
    assert any(said["forecast"] for said in above)
