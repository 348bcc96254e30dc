"""The pages of registries: an entry by two persons, sealed until it goes out; its re-screening; appeals; refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, select

from console.listing.drafts import EntryDraft, faults
from console.store import registries
from console.store.opening import Store
from console.store.tables import outbound, proposals
from console.texts import Language
from rules.events import DAY_MS
from streams.contracts.list_entries import ListEntries
from streams.subjects import Subjects
from streams.tokens import parse_token
from tests.console.builders import NOW, TOKENS, VAULT, Named, document, feed, feed_judged, instant, operation, person
from tests.console.web.clients import Browser, signed_in

IIN = "791028302728"  # of nobody: an example of the contract
FORM = {
    "list": "grey",
    "identifier": "id",
    "value": "791028 302728",
    "standing": "suspect",
    "source": "Decision 1 of the invented desk",
    "reason": "Money of five strangers passed on",
    "proof": "reasonable_grounds",
    "valid_to": "2027-05-01",
    "case_type": "T03",
    "grounds": "Money left within minutes of coming in",
    "evidence": "Alerts of the week, statements of two victims",
    "consequence": "Two operations were held",
}


def browser_of(store: Store, role: str, language: Language = "en", *, later: int = 60_000) -> Browser:
    """Somebody's browser a little after the events."""
    return signed_in(store, role, language=language, clock=lambda: NOW + later)  # type: ignore[arg-type]


def subject() -> tuple[Named, str, bytes]:
    """Whom the form names: token, and the record of `identities`."""
    subjects = Subjects(TOKENS, VAULT, cached=2)
    subjects.named("id", IIN)
    (identity,) = subjects.identities()
    return Named("person", parse_token(identity.key.decode())[1]), identity.key.decode(), identity.sealed


def sent(store: Store) -> list[dict[str, Any]]:
    """What waits for Kafka, opened."""
    with store.reading() as connection:
        rows = connection.execute(select(outbound).order_by(outbound.c.outbound_id)).all()
    assert all(IIN.encode() not in row.value for row in rows)
    return [msgspec.json.decode(VAULT.open(f"{row.topic}/{row.record_key}".encode(), row.value)) for row in rows]


def approve(store: Store, number: int, role: str = "senior") -> int:
    """A second person approves a proposal; the status of the answer."""
    with store.reading() as connection:
        digest = connection.scalar(select(proposals.c.digest).where(proposals.c.proposal_id == number))
    return browser_of(store, role).submit(f"/proposals/{number}/approve", digest=digest).status_code


@pytest.fixture
def listed(store: Store) -> Store:
    """Somebody on the list of the convicted, paid by two before it and one after; a blocked site; refusals."""
    named, key, sealed = subject()
    feed(store, "identities", sealed, key=key)
    feed(store, "registry.lists", document("list_entries"), now=NOW)
    feed(store, "registry.blocked-resources", document("blocked_resource"))
    feed(store, "registry.credit-refusals", document("credit_refusals"))
    days = {1: -40, 2: -3, 3: -2, 4: 1}
    feed_judged(store, [operation(f"p{n}", payer=person(n), payee=named, at=NOW + d * DAY_MS) for n, d in days.items()])
    return store


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_pages_are_there_in_every_language(listed: Store, language: Language) -> None:
    browser = browser_of(listed, "analyst", language)
    for path in ("/registries", "/registries?standing=", "/registries/blocked", "/registries/refusals",
                 "/registries/new", "/registries/lists/entry/convicted-0001",
                 "/registries/blocked_resources/entry/blocked-0001"):  # fmt: skip
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert IIN not in answer.text
        assert "style=" not in answer.text


def test_an_entry_takes_two_persons_and_names_nobody_in_the_store(store: Store) -> None:
    answer = browser_of(store, "senior").submit("/registries/new", **FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/proposals/1")
    with store.reading() as connection:
        document_text = connection.scalar(select(proposals.c.document))
    assert IIN not in document_text
    assert json.loads(document_text)["subject"] == subject()[1]
    assert approve(store, 1) == 403  # its maker
    assert sent(store) == []
    with store.writing() as connection:
        connection.execute(proposals.update().values(maker="somebody_else"))
    assert subject()[1][:12] in browser_of(store, "senior").get("/proposals/1").text
    assert approve(store, 1) == 303
    (record,) = sent(store)
    (entry,) = ListEntries.model_validate_json(json.dumps(record)).entries
    assert (record["event_id"], entry.entry_id, entry.list, entry.action) == ("list-entry-1", "fiu-1", "grey", "set")
    assert record["entries"][0]["subject"] == {"id": IIN}
    assert approve(store, 1) == 409
    assert len(sent(store)) == 1


def test_what_is_typed_wrong_is_said_and_the_number_is_not_shown_again(store: Store) -> None:
    answer = browser_of(store, "analyst").submit("/registries/new", **(FORM | {"value": "791028302729"}))
    assert answer.status_code == 422
    assert "There is no such number" in answer.text
    assert "791028302729" not in answer.text
    with store.reading() as connection:
        assert connection.execute(select(proposals)).first() is None


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"value": "791028302729"}, "value", "value"),
        ({"identifier": "phone", "value": "7010000009"}, "value", "value"),
        ({"list": "black"}, "proof", "proof_too_weak"),
        ({"list": "convicted", "proof": "clear_evidence"}, "proof", "proof_too_weak"),
        ({"standing": "impersonated"}, "list", "victim"),
        ({"case_type": "T99"}, "case_type", "case_type"),
        ({"valid_to": "2026-11-23"}, "valid_to", "valid_to"),
        ({"valid_to": "2126-01-01"}, "valid_to", "valid_to"),
        ({"valid_to": "soon"}, "valid_to", "valid_to"),
        ({"source": "a\nb"}, "source", "source"),
        ({"reason": "r" * 257}, "reason", "reason"),
        ({"grounds": "he did"}, "grounds", "words"),
        ({"evidence": "half a letter \ud800 of JSON"}, "evidence", "words"),
    ],
)
def test_the_standard_of_proof(changed: dict[str, str], field: str, said: str) -> None:
    draft = EntryDraft(**(FORM | changed))
    assert faults(draft, ["T03"], now=NOW) == {field: f"registries.wrong.{said}"}


def test_a_victim_of_impersonation_is_recorded_as_protected() -> None:
    draft = EntryDraft(**(FORM | {"standing": "impersonated", "list": "protected", "case_type": ""}))
    assert faults(draft, ["T03"], now=NOW) == {}
    assert "302728" not in repr(draft)


def test_an_entry_says_who_had_paid_before_and_who_has_since(listed: Store) -> None:
    (said,) = browser_of(listed, "analyst").get("/api/registries/entry?entry_id=convicted-0001").json()
    screening = said["screening"]
    assert [screening[when]["payers"] for when in ("before", "since")] == [2, 1]
    assert screening["before"]["money"] == 2 * 15_000_000


def test_an_appeal_upheld_is_a_new_version_from_the_first_day_on(listed: Store) -> None:
    maker = browser_of(listed, "analyst")
    (said,) = maker.get("/api/registries/entry?entry_id=convicted-0001").json()
    wanted = {"entry_id": "convicted-0001", "seen": said["entry"]["recorded_at"], "step": "appeal_upheld",
              "source": "Court of an invented city", "reason": "The judgment was set aside"}  # fmt: skip
    assert maker.call("POST", "/api/registries/changes", wanted | {"seen": 1}).status_code == 409
    assert maker.call("POST", "/api/registries/changes", wanted).status_code == 201
    assert approve(listed, 1) == 303
    (record,) = sent(listed)
    (entry,) = record["entries"]
    assert (entry["entry_id"], entry["appeal"], entry["subject"]) == ("convicted-0001", "upheld", {"id": IIN})
    assert entry["valid_from"] == instant(said["entry"]["valid_from"])
    feed(listed, "registry.lists", record)
    overturned = maker.get("/api/registries?in_force=false&list=convicted").json()
    assert [one["appeal"] for one in overturned] == ["upheld"]
    assert maker.get("/api/registries?list=convicted").json() == []


def test_a_change_of_an_entry_that_has_moved_on_is_refused(listed: Store) -> None:
    maker = browser_of(listed, "analyst")
    (said,) = maker.get("/api/registries/entry?entry_id=convicted-0001").json()
    wanted = {"entry_id": "convicted-0001", "seen": said["entry"]["recorded_at"], "step": "withdraw",
              "source": "The invented desk", "reason": "A mistake"}  # fmt: skip
    assert maker.call("POST", "/api/registries/changes", wanted).status_code == 201
    with listed.writing() as connection:
        connection.exec_driver_sql("UPDATE registry_entries SET recorded_at = recorded_at + 1")
    assert approve(listed, 1) == 409
    assert sent(listed) == []


def test_what_was_withdrawn_is_not_set_again_by_an_appeal(listed: Store) -> None:
    feed(listed, "registry.lists", document("list_entries"))
    browser = browser_of(listed, "analyst")
    (withdrawn,) = browser.get("/api/registries?in_force=false&list=pyramid").json()
    page = browser.get("/registries/lists/entry/pyramid-0001")
    assert page.status_code == 200
    assert "/registries/changes" not in page.text
    wanted = {"entry_id": "pyramid-0001", "seen": withdrawn["recorded_at"], "step": "appeal_rejected",
              "source": "The invented desk", "reason": "Nothing new was said"}  # fmt: skip
    assert browser.call("POST", "/api/registries/changes", wanted).status_code == 404


def test_refusals_are_counted_and_nobodys(listed: Store) -> None:
    (day,) = browser_of(listed, "auditor").get("/api/registries/refusals").json()
    assert (day["set"], day["withdrawn"]) == (1, 1)
    assert date.fromordinal(date(1970, 1, 1).toordinal() + day["day"]).year == 2026


@pytest.mark.parametrize("role", ["compliance", "auditor"])
def test_who_only_reads_proposes_nothing(listed: Store, role: str) -> None:
    browser = browser_of(listed, role)
    assert browser.get("/registries").status_code == 200
    assert browser.submit("/registries/new", **FORM).status_code == 403


def test_a_listed_account_is_screened_again_without_reading_every_operation(listed: Store) -> None:
    account = 2**40
    paid = [operation(f"a{n}", payer=person(n), payee=person(9), payee_account=account, at=NOW + n) for n in (-1, 1)]
    feed_judged(listed, paid)
    asked: list[tuple[str, Any]] = []
    with listed.reading() as connection:
        entry = replace(registries.of_list(connection, "convicted-0001"), key=account, kind="account")
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        found = registries.screened(connection, entry)
        assert (found.before.operations, found.since.operations) == (1, 1)
        if connection.dialect.name != "sqlite":
            return
        for statement, values in asked[:2]:
            steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            assert any("ix_operations_payee_account" in step for step in steps), steps
