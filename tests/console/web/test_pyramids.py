"""The pages of pyramids and of warnings: who has not been warned, whose money paid whom, what warnings changed."""

from __future__ import annotations

import pytest

from console.store.opening import Store
from console.texts import Language
from rules.events import DAY_MS
from rules.rulebook_reading import packaged_procedure
from rules.warning import held_out
from tests.console.builders import NOW, document, feed, feed_judged, instant, meter, operation, person
from tests.console.web.clients import Browser, signed_in

COLLECTOR = person(1)
START = NOW - 20 * DAY_MS
PAYERS = [person(number) for number in range(10, 40)]


def _compared() -> int:
    """How many of the payers are in the group to compare with."""
    policy = packaged_procedure().warning_policy
    assert policy is not None
    return sum(held_out(payer.token.key, COLLECTOR.token.key, policy.hold_out_share) for payer in PAYERS)


@pytest.fixture
def told(store: Store) -> Store:
    """Thirty payers over three weeks, one of whom was paid with the money of the later ones and was warned."""
    feed(store, "meters", *(meter(COLLECTOR, START + day * DAY_MS, 20.0 + 3 * day) for day in (1, 10, 17)))
    deposits = [
        operation(
            f"in-{number}", payer=payer, payee=COLLECTOR, tenge=100_000, at=START + number * DAY_MS // 2,
            payer_region=(75, 71, 0)[number % 3],
        )
        for number, payer in enumerate(PAYERS)
    ]  # fmt: skip
    payout = operation("out-1", payer=COLLECTOR, payee=PAYERS[0], tenge=30_000, at=START + 16 * DAY_MS)
    feed_judged(store, [*deposits, payout])
    names = {"payer": PAYERS[0].text, "payee": COLLECTOR.text}
    feed(store, "warnings", document("warning", at=instant(NOW), **names))
    feed(store, "warnings", document("warning_effect", payee=COLLECTOR.text, at=instant(NOW)))
    return store


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_pages_are_there_in_every_language(told: Store, language: Language) -> None:
    browser = signed_in(told, language=language)
    for path in ("/pyramids", "/pyramids?show=above", "/warnings", f"/warnings/{COLLECTOR.text}/pyramid"):
        assert browser.get(path).status_code == 200
    page = browser.get(f"/pyramids/{COLLECTOR.text}?by=money")
    assert page.status_code == 200
    drawn = page.text.partition('<svg class="regions"')[2].partition("</svg>")[0]
    assert drawn.count("<path") == 20
    assert "style=" not in page.text


def test_a_collector_says_whose_money_paid_whom_and_whom_to_warn(told: Store) -> None:
    said = signed_in(told).get(f"/api/pyramids/{COLLECTOR.text}").json()
    assert [reading["index"] for reading in said["readings"]] == [23.0, 50.0, 71.0]
    (repaid,) = said["repaid"]
    assert repaid["token"] == PAYERS[0].text
    assert repaid["received"] == repaid["from_later"] == 3_000_000
    assert {region["region"]: region["payers"] for region in said["regions"]} == {0: 10, 71: 10, 75: 10}
    assert (said["payers"], said["warned"]) == (30, 1)
    assert said["compared"] + said["unwarned"] == 29
    assert sum(day["entrants"] for day in said["days"]) == 30


def test_those_to_compare_with_are_not_listed_and_everybody_else_is(told: Store) -> None:
    browser = signed_in(told)
    path = f"/api/pyramids/{COLLECTOR.text}/to-warn"
    listed = [payer["token"] for start in (0, 10, 20) for payer in browser.get(f"{path}?start={start}&limit=10").json()]
    assert len(listed) == len(set(listed)) == 30 - 1 - _compared()
    assert PAYERS[0].text not in listed
    table = browser.get(f"/pyramids/{COLLECTOR.text}/to-warn.csv")
    assert table.text.count("\r\n") == 1 + len(listed)


def test_the_effect_is_that_of_the_command_line(told: Store) -> None:
    (campaign,) = signed_in(told).get("/api/warnings").json()
    effect = campaign["effect"]
    assert (campaign["payee"], effect["warned"]) == (COLLECTOR.text, 1)
    measured = document("warning_effect")
    shares = [measured[f"{arm}_paid_again"] / measured[f"{arm}_measured"] for arm in ("warned", "held_out")]
    assert effect["difference"] == pytest.approx(shares[0] - shares[1])
    assert effect["low"] < effect["difference"] < effect["high"]


@pytest.mark.parametrize(
    "path",
    [
        "/pyramids/nobody",
        "/pyramids/k1:0011 2233 445566",
        "/pyramids/k1:0011%092233%09445566",
        f"/pyramids/{person(9).text}",
        f"/warnings/{person(9).text}/x1",
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(store: Store, path: str) -> None:
    assert signed_in(store).get(path).status_code == 404


def test_an_administrator_sees_none_of_it(store: Store) -> None:
    browser: Browser = signed_in(store, "admin")
    for path in ("/pyramids", "/warnings", "/holds", "/notices", "/registries", "/api/pyramids", "/api/holds"):
        assert browser.get(path).status_code == 403
