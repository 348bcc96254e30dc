"""The statistics' pages, CSV and API: in three languages, with the period in the address, for those who may."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from sqlalchemy import insert

from console.statistics.blocks import BLOCKS
from console.store.opening import Store
from console.store.tables import rejected_counts
from tests.console import builders
from tests.console.web.clients import signed_in


def clock() -> int:
    return builders.NOW


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_block_is_a_page_that_says_who_printed_it(store: Store, language: str) -> None:
    browser = signed_in(store, "auditor", language=language, clock=clock)  # type: ignore[arg-type]
    builders.feed(store, "suspicious-operations", builders.alert(1))
    for block in BLOCKS:
        answer = browser.get(f"/statistics/{block}")
        assert answer.status_code == 200, block
        assert 'class="print-only"' in answer.text
        assert "Auditor" in answer.text
    assert 'role="img"' in browser.get("/statistics?from=2026-11-01&to=2026-11-30").text


def test_a_csv_holds_what_the_table_shows_and_no_formula(store: Store) -> None:
    browser = signed_in(store, clock=clock)
    builders.feed(store, "suspicious-operations", builders.alert(1, tenge=150_000))
    with store.writing() as connection:
        refused = {"day": 20_780, "publisher": "BANKKZKA", "reason": "=1+1", "events": 2}
        connection.execute(insert(rejected_counts).values(refused))
    answer = browser.get("/statistics/frauds/frauds_by_kind.csv?from=2026-11-01&to=2026-11-30")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="frauds_by_kind-2026-11-01-2026-11-30.csv"' in answer.headers["content-disposition"]
    [head, row] = csv.reader(StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert head[:2] == ["Typology", "Alerts"]
    assert row[0].startswith("T03 ")
    assert row[1:] == ["1", "1", "0", "0", "150000.00", "0.00"]
    reasons = browser.get("/statistics/participation/rejections.csv?from=2026-11-01&to=2026-11-30").text
    assert "BANKKZKA,'=1+1,2" in reasons
    assert browser.get("/statistics/frauds/no_such.csv").status_code == 404


def test_the_api_answers_with_the_same_figures(store: Store) -> None:
    browser = signed_in(store, clock=clock)
    builders.feed(store, "suspicious-operations", builders.alert(1))
    told = browser.get("/api/statistics/frauds?from=2026-11-23&to=2026-11-23&step=year").json()
    assert (told["first_day"], told["last_day"]) == ("2026-11-23", "2026-11-23")
    by_kind, by_period, *_ = told["tables"]
    assert by_kind["rows"] == [["T03", 1, 1, 0, 0, 15_000_000, 0]]
    assert by_period["as_published"][-1] == {"period": "2022", "count": 21_405}


@pytest.mark.parametrize(
    "query", ["from=yesterday", "to=2026-02-30", "to=0", "typology=T3'--", "institution=<b>", "region=999", "step=week"]
)
def test_a_wrong_address_is_told_apart(store: Store, query: str) -> None:
    browser = signed_in(store, clock=clock)
    assert browser.get(f"/statistics/frauds?{query}").status_code == 422
    assert browser.get(f"/api/statistics/frauds?{query}").status_code == 422


def test_a_form_may_leave_fields_empty_and_name_its_days_in_any_order(store: Store) -> None:
    browser = signed_in(store, clock=clock)
    answer = browser.get("/statistics/frauds?from=2026-11-30&to=2026-11-01&typology=&region=&institution=")
    assert answer.status_code == 200
    assert "/statistics/money?from=2026-11-01&amp;to=2026-11-30" in answer.text
    for query in ("to=0001-01-01", "from=9999-12-31", "from=0001-01-01&to=9999-12-31&step=day"):
        assert browser.get(f"/statistics/frauds?{query}").status_code == 200


def test_an_administrator_sees_no_statistics(store: Store) -> None:
    """OWASP ASVS v5.0.0-8.2.1: what a role may not do is refused by the server."""
    browser = signed_in(store, "admin")
    assert browser.get("/statistics").status_code == 403
    assert browser.get("/statistics/money/money.csv").status_code == 403
    assert browser.get("/api/statistics/money").status_code == 403


def test_a_bar_is_named_by_all_that_its_row_is_about(store: Store) -> None:
    browser = signed_in(store, clock=clock)
    builders.feed(store, "holds", builders.hold(1, since=builders.instant(builders.NOW)))
    picture = browser.get("/statistics/holds?from=2026-11-01&to=2026-11-30").text.partition("<svg class=")[2]
    assert "hold · proposed</text>" in picture
