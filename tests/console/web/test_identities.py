"""Revealing and searching by browser and program: never in an address, always in the log."""

from __future__ import annotations

import json

from sqlalchemy import insert, select

from console.store.keys import key_of
from console.store.opening import Store
from console.store.tables import audit, identities, tokens
from console.vault import find_token
from tests.console.web.clients import KEYS, signed_in

IIN = "791028302728"
TOKEN = find_token(KEYS.tokens, "person", IIN)
REASON = "the bank asks whom to call"


def meet(store: Store) -> None:
    plain = json.dumps({"kind": "person", "id": IIN, "name": "Айгүл\u202e <b>"}).encode()
    sealed = KEYS.vault.seal(f"{TOKEN}/name".encode(), plain)
    with store.writing() as connection:
        connection.execute(insert(tokens).values(key=key_of(TOKEN), token=TOKEN, kind="person"))
        connection.execute(insert(identities).values(record_key=f"{TOKEN}/name", sealed=sealed))


def test_a_person_is_shown_in_the_page_or_on_its_own(store: Store) -> None:
    meet(store)
    browser = signed_in(store)
    fields = {"token": TOKEN, "reason": REASON}
    whole = browser.submit("/identities/reveal", **fields)
    piece = browser.post("/identities/reveal", data={"csrf": browser.csrf, **fields}, headers={"HX-Request": "true"})
    assert IIN in whole.text
    assert "<html" in whole.text
    assert IIN in piece.text
    assert "<html" not in piece.text
    assert 'Айгүл<span class="hidden-letter">U+202E</span> &lt;b&gt;' in piece.text
    assert whole.headers["cache-control"] == "no-store"
    assert browser.call("POST", "/api/identities/reveal", fields).json()["value"] == IIN
    with store.reading() as connection:
        assert [row.reason for row in connection.execute(select(audit))] == [REASON] * 3


def test_a_search_leads_to_the_token_and_writes_down_nothing_else(store: Store) -> None:
    """OWASP ASVS v5.0.0-14.2.1: sensitive data is only sent in the body."""
    meet(store)
    browser = signed_in(store)
    assert browser.submit("/identities/find", kind="person", value="791028 302728").headers["location"] == (
        f"/subjects/{TOKEN}"
    )
    assert browser.submit("/identities/find", kind="person", value="791028302729").status_code == 422
    unmet = browser.submit("/identities/find", kind="phone", value="+77011234567")
    assert unmet.status_code == 404
    assert "+77011234567" not in unmet.text
    with store.reading() as connection:
        log = str(connection.execute(select(audit)).all())
    assert TOKEN in log
    assert IIN not in log
    assert "+77011234567" not in log


def test_refusals_say_what_is_missing_and_show_nobody(store: Store) -> None:
    meet(store)
    analyst, auditor = signed_in(store), signed_in(store, "auditor")
    assert analyst.submit("/identities/reveal", token=TOKEN, reason="because").status_code == 422
    assert analyst.submit("/identities/reveal", token="demo:" + "0" * 32, reason=REASON).status_code == 404
    refused = auditor.submit("/identities/reveal", token=TOKEN, reason=REASON)
    assert refused.status_code == 403
    assert IIN not in refused.text
