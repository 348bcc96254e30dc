"""The rulebook's pages and API: who may do what, the editor with and without script, and what was typed is kept."""

from __future__ import annotations

import html
import re
import time

import pytest

from console.store.opening import Store
from console.web.viewer import CSRF_HEADER
from tests.console.builders import alert, feed, person
from tests.console.web.clients import Browser, signed_in

T04 = "typologies/T04-young-mule.yaml"


@pytest.fixture
def author(store: Store) -> Browser:
    """A compliance officer with a draft, number 1."""
    browser = signed_in(store, "compliance")
    assert browser.submit("/rulebook/drafts", title="Lower T04").headers["location"] == "/rulebook/drafts/1"
    return browser


def test_a_draft_begins_with_a_file_in_the_editor(author: Browser) -> None:
    fields = {"csrf": author.csrf, "title": "Also T04", "path": T04}
    begun = author.post("/rulebook/drafts", data=fields).headers["location"]
    assert begun == "/rulebook/drafts/2/edit?path=typologies%2FT04-young-mule.yaml"
    assert author.post("/rulebook/drafts", data=fields | {"path": "../secrets"}).status_code == 422


def text_of(browser: Browser, path: str = T04) -> str:
    page = browser.get("/rulebook/drafts/1/edit", params={"path": path})
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)
    assert found is not None, page.text
    return html.unescape(found[1])


def save(browser: Browser, text: str, version: int, path: str = T04) -> int:
    fields = {"csrf": browser.csrf, "path": path, "text": text, "version": version}
    return browser.post("/rulebook/drafts/1/edit", data=fields).status_code


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_catalogue_and_a_card_in_each_language(store: Store, language: str) -> None:
    browser = signed_in(store, "analyst", language=language)  # type: ignore[arg-type]
    lines = browser.get("/api/rulebook").json()["typologies"]
    name = next(line["name"][language] for line in lines if line["id"] == "T04")
    assert len(lines) == 22
    for path in ("/rulebook", "/rulebook/T04"):
        page = browser.get(path)
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert name in html.unescape(page.text)


def test_figures_are_those_of_the_store(store: Store) -> None:
    feed(store, "suspicious-operations", *[alert(number, payee=person(7)) for number in range(3)])
    browser = signed_in(store, "auditor")
    lines = {one["id"]: one for one in browser.get("/api/rulebook").json()["typologies"]}
    counted = {one: line["week"] for one, line in lines.items() if line["month"]}
    assert sum(counted.values()) == 3
    (typology,) = counted
    card = browser.get(f"/api/rulebook/typologies/{typology}").json()
    assert [day["active"] for day in card["days"]][-1] >= 1
    assert browser.get(f"/rulebook/{typology}").status_code == 200


@pytest.mark.parametrize("role", ["analyst", "senior", "auditor", "admin"])
def test_only_compliance_writes(store: Store, author: Browser, role: str) -> None:
    browser = signed_in(store, role)  # type: ignore[arg-type]
    assert browser.submit("/rulebook/drafts", title="Mine").status_code == 403
    assert browser.call("POST", "/api/rulebook/drafts", {"title": "Mine"}).status_code == 403
    assert browser.get("/rulebook/drafts/1/edit", params={"path": T04}).status_code == 403
    assert browser.get("/rulebook/drafts/1").status_code == (403 if role == "admin" else 200)


def test_checks_come_as_a_piece_while_typing_and_as_a_page_by_the_button(author: Browser) -> None:
    broken = text_of(author).replace("payee.in_7d >= p.large", "payee.in_7d >= p.larg")
    fields = {"path": T04, "text": broken}
    typed = author.post(
        "/rulebook/drafts/1/check", data=fields, headers={"HX-Request": "true", CSRF_HEADER: author.csrf}
    )
    assert typed.status_code == 200
    assert "<html" not in typed.text
    assert "unknown name &#39;p.larg&#39;" in typed.text
    assert "p.large" in typed.text
    assert re.search(r'href="#f-text" data-line="\d+"', typed.text)
    pressed = author.post("/rulebook/drafts/1/check", data={**fields, "csrf": author.csrf})
    assert "<html" in pressed.text
    assert "p.larg" in html.unescape(pressed.text)
    assert text_of(author) != broken  # nothing was kept


@pytest.mark.parametrize(
    "text",
    ["a: &a [1]\nb: [*a, *a]\n", "!!python/none\n", "x" * 300 * 1024, "<script>alert(1)</script>: ]", "\u202e: ["],
)
def test_hostile_text_is_a_fault_on_the_page_and_in_the_api(author: Browser, text: str) -> None:
    page = author.post("/rulebook/drafts/1/check", data={"csrf": author.csrf, "path": T04, "text": text})
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    report = author.call("POST", "/api/rulebook/drafts/1/check", {"path": T04, "text": text}).json()
    assert [fault["path"] for fault in report["faults"]][:1] == [T04]


def test_names_and_bytes_that_no_rulebook_has_are_refused(author: Browser) -> None:
    assert save(author, "x: 1", 1, "../../etc/passwd") == 422
    assert save(author, "x" * 300 * 1024, 1) == 422
    body = f'{{"path": "{T04}", "text": "\\ud800"}}'
    answer = author.post(
        "/api/rulebook/drafts/1/check",
        content=body,
        headers={"Content-Type": "application/json", CSRF_HEADER: author.csrf},
    )
    assert answer.status_code == 422


def test_two_authors_see_both_texts(store: Store, author: Browser) -> None:
    text, other = text_of(author), signed_in(store, "compliance", username="other")
    assert save(author, text.replace("alert_at: 0.75", "alert_at: 0.7"), 1) == 303
    mine = text.replace("alert_at: 0.75", "alert_at: 0.6")
    fields = {"csrf": other.csrf, "path": T04, "text": mine, "version": 1}
    page = other.post("/rulebook/drafts/1/edit", data=fields)
    assert page.status_code == 409
    assert "alert_at: 0.7\n" in page.text
    assert "alert_at: 0.6\n" in page.text
    assert save(other, mine, 2) == 303  # having seen both
    assert text_of(author) == mine


def test_examples_differences_and_what_is_lacking_stand_on_the_drafts_page(author: Browser) -> None:
    save(author, text_of(author).replace("alert_at: 0.75", "alert_at: 0.95"), 1)
    assert author.submit("/rulebook/drafts/1/examples").status_code == 303
    page = author.get("/rulebook/drafts/1").text
    assert "+alert_at: 0.95" in page
    assert "not as told" in page
    assert "It has not been compared" in page
    assert author.submit("/rulebook/drafts/1/propose", reason="because it is so", version=2).status_code == 409


def test_evasions_are_looked_for_in_a_process_of_their_own(store: Store) -> None:
    browser = signed_in(store, "analyst")
    job = browser.call("POST", "/api/rulebook/typologies/T03/evasions").json()
    deadline = time.monotonic() + 60
    while job["standing"] in ("waiting", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
        job = browser.get(f"/api/rulebook/jobs/{job['job_id']}").json()
    assert job["failure"] == ""
    assert [one["steps"][-1]["kind"] for one in job["evasions"]["found"]] == ["pace", "pace"]
    assert "Wait" in browser.get(f"/rulebook/T03?job={job['job_id']}").text
    assert browser.call("POST", "/api/rulebook/typologies/T99/evasions").status_code == 404


def test_without_kafka_the_history_says_so(store: Store) -> None:
    browser = signed_in(store, "compliance")
    assert "without Kafka" in browser.get("/rulebook/history").text
    assert browser.get("/api/rulebook/generations").json()["standing"] == "without"
    assert browser.submit("/rulebook/history/1/roll-back", reason="for a good reason").status_code == 404
