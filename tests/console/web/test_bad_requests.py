"""Requests that are not as they must be: letters that no text may hold, and pieces of pages for who has no session."""

from __future__ import annotations

from typing import Any

import pytest

from console.store import cases
from console.store.opening import Store
from console.web.security import LARGEST_BODY
from tests.console.web.clients import CSRF_HEADER, Browser, signed_in

BROKEN = ["a\\ud800b", "\\udc00", "a\\u0000"]


@pytest.mark.parametrize("text", BROKEN, ids=["half", "other-half", "nul"])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/cases", '{"title": "%s"}', "title"),
        ("/api/alerts/actions", '{"action": "close", "target": [], "note": "%s"}', "note"),
        ("/api/cases", '{"title": "t", "alert": ["%s"]}', "alert.0"),
    ],
)
def test_no_text_of_a_document_holds_what_cannot_be_kept(
    store: Store, path: str, body: str, field: str, text: str
) -> None:
    answer = posted(signed_in(store), path, body % text)
    assert answer["errors"] == [{"field": field, "message": "holds a character that cannot be kept"}]


def test_whole_pairs_and_escaped_letters_are_kept(store: Store) -> None:
    answer = posted(signed_in(store), "/api/cases", '{"title": "\\ud83d\\ude00 \\\\u0000"}')
    assert answer["case"]["title"] == "\U0001f600 \\u0000"


def test_no_field_of_a_form_or_an_address_holds_nul(store: Store) -> None:
    browser = signed_in(store)
    decided = browser.submit(f"/holds/{'0' * 32}/decision", decision="confirmed", note="a\x00b")
    assert (decided.status_code, "Note</strong>: holds a character" in decided.text) == (422, True)
    for path in ("/subjects/%00", "/queue?text=%00", "/identities?anything=%00", "/queue?%00=1"):
        assert browser.get(path).status_code == 422, path


def test_a_piece_of_a_page_leads_to_the_door_and_back_to_the_page(store: Store) -> None:
    browser = signed_in(store)
    browser.cookies.clear()
    shown = {"HX-Request": "true", "HX-Current-URL": "https://testserver/rulebook/drafts/1?job=a"}
    answer = browser.get("/rulebook/drafts/1/compare", headers=shown)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Frulebook%2Fdrafts%2F1%3Fjob%3Da"


def test_what_was_typed_is_shown_even_after_a_fault_of_the_program(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(store)
    browser.submit("/cases", title="t")
    monkeypatch.setattr(cases, "add_note", lambda *_, **__: 1 // 0)
    answer = browser.submit("/cases/1/notes", text="Called the bank <twice>")
    assert answer.status_code == 500
    assert "Called the bank &lt;twice&gt;</textarea>" in answer.text
    assert 'href="/cases/1"' in answer.text


def test_too_large_a_form_is_told_in_the_language_of_who_sent_it(store: Store) -> None:
    answer = signed_in(store, language="kk").submit("/cases/1/notes", text="x" * LARGEST_BODY)
    assert (answer.status_code, "мәтінді қысқартып" in answer.text) == (413, True)


def posted(browser: Browser, path: str, body: str) -> dict[str, Any]:
    """What the API answers to a body as it is."""
    headers = {CSRF_HEADER: browser.csrf, "content-type": "application/json"}
    answer: dict[str, Any] = browser.post(path, content=body, headers=headers).json()
    return answer
