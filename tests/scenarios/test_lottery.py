"""Illegal lotteries («Тараз хит»): equal tickets of many, few large prizes; a licensed operator is left in peace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.played import Played, person_token, played, simulated, subject_of

pytestmark = pytest.mark.kafka

NOT_THE_LICENSED = ("T01", "T02", "T13", "T14")


@pytest.fixture(scope="module")
def lottery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("lottery")
    with played(folder, simulated(folder, "lottery", people=500, days=7, seed=19)) as found:
        yield found


def sellers(lottery: Played, case: str) -> set[str]:
    """Who sells tickets in a case: whoever most of it is paid to."""
    counts: dict[str, int] = {}
    for event in lottery.frauds(case):
        if event["type"] == "transaction":
            counts[event["payee"]["id"]] = counts.get(event["payee"]["id"], 0) + 1
    return {max(counts, key=lambda payee: counts[payee])}


def test_illegal_lottery_and_casino_are_named_by_t14(lottery: Played) -> None:
    named = {subject_of(alert) for alert in lottery.alerts_of("T14")}
    for case in ("T14-national-lottery-1", "T14-casino-1"):
        (seller,) = sellers(lottery, case)
        assert person_token(seller) in named, case


def test_licensed_lottery_and_bookmaker_are_left_in_peace(lottery: Played) -> None:
    for case in ("licensed-lottery-1", "licensed-bookmaker-1"):
        (operator,) = sellers(lottery, case)
        assert operator[4] == "4", "a company"
        about = [alert for alert in lottery.alerts.values() if subject_of(alert) == person_token(operator)]
        assert [alert["typology"]["id"] for alert in about if alert["typology"]["id"] in NOT_THE_LICENSED] == []
        bought = {event["event_id"] for event in lottery.frauds(case)}
        told = [alert["event_id"] for alert in lottery.alerts_of("T14") if alert["event_id"] in bought]
        assert told == [], "nor is anybody who plays there"
        warned = [said for said in lottery.documents("warnings") if said["payee"] == person_token(operator)]
        assert warned == []


def test_buyers_of_the_illegal_lottery_are_warned_of_it(lottery: Played) -> None:
    (seller,) = sellers(lottery, "T14-national-lottery-1")
    told = [said for said in lottery.documents("warnings") if said["payee"] == person_token(seller)]
    assert {said["rule"] for said in told if said["type"] == "warning"} == {"lottery"}


def test_the_regulator_of_gambling_is_asked_once_to_stop_it(lottery: Played) -> None:
    (seller,) = sellers(lottery, "T14-national-lottery-1")
    notices = [said for said in lottery.documents("notices") if said["subject"] == person_token(seller)]
    issued = [said for said in notices if said["number"] == 0 and said["measure"] == "stop_lottery"]
    assert [said["addressee"] for said in {said["notice_id"]: said for said in issued}.values()] == [
        "gambling_regulator"
    ]
    assert all(said["legal_basis"]["ru"] and said["deadline"] > said["since"] for said in issued)
