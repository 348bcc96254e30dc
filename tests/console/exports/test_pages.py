"""A case's exports as an analyst makes them: what he may, what is written down first, and whom a file names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import insert, select, update

from console.people.roles import GRANTED, Role
from console.store import cases, filing, proposals
from console.store.money import event_of, event_text
from console.store.opening import Store
from console.store.tables import alerts, audit, identities, recalls
from streams.evidence.signing import verify
from streams.tokens import demo_keys
from tests.console import builders
from tests.console.web.clients import KEYS, Browser, signed_in

REASON = "the court asks who was paid"
PAYER, PAYEE = builders.person(1), builders.person(2)


@dataclass(frozen=True)
class Somebody:
    username: str
    role: Role

    @property
    def permissions(self) -> frozenset[str]:
        return GRANTED[self.role]


ANALYST, SENIOR = Somebody("analyst", "analyst"), Somebody("senior", "senior")


@pytest.fixture
def case(store: Store) -> tuple[Browser, int]:
    """A case with one alert, and the analyst whose it is."""
    browser = signed_in(store, "analyst")
    signed_in(store, "senior")
    paid = {"payer_institution": b"CASPKZKA", "payee_institution": b"IRTYKZKA", "payer_region": 75}
    builders.feed_judged(store, [builders.operation("event-1", payer=PAYER, payee=PAYEE, **paid)])
    builders.feed(store, "suspicious-operations", builders.alert(1, payer=PAYER, payee=PAYEE))
    builders.feed(store, "holds", builders.hold(1))
    with store.writing() as connection:
        case_id = cases.open_case(connection, ANALYST, "<b>Elimai</b>", now=1, alert_ids=[f"{1:032x}"])
    return browser, case_id


def file_it(store: Store, case_id: int) -> None:
    with store.writing() as connection:
        number = filing.propose(connection, ANALYST, case_id, "A mule account", now=2)
        digest = proposals.find(connection, number).digest
    with store.writing() as connection:
        proposals.approve(connection, SENIOR, number, digest, now=3)


def logged(store: Store, action: str) -> list[dict[str, Any]]:
    with store.reading() as connection:
        rows = connection.execute(select(audit.c.detail).where(audit.c.action == action).order_by(audit.c.number))
        return [json.loads(row.detail) for row in rows]


def test_a_case_file_is_signed_and_its_making_written_down(store: Store, case: tuple[Browser, int]) -> None:
    browser, case_id = case
    answer = browser.submit(f"/cases/{case_id}/exports/casefile.json", language="kk")
    assert answer.headers["content-disposition"] == f'attachment; filename="case-{case_id}-casefile-kk.json"'
    document = verify(answer.json(), KEYS.signing.public)
    assert document["summary"]["amount"] == "150000.00"
    assert [hold["states"][0]["state"] for hold in document["holds"]] == ["proposed"]
    assert document["trace"][0]["account"]["token"] == PAYEE.text
    assert document["operations"][0]["payer"]["party"] == {
        "token": PAYER.text, "kind": "person", "number": None, "name": None,
    }  # fmt: skip
    pdf = browser.submit(f"/cases/{case_id}/exports/casefile.pdf", language="ru")
    assert pdf.headers["content-type"] == "application/pdf"
    assert [made["kind"] for made in logged(store, "export.made")] == ["casefile.json", "casefile.pdf"]
    shown = browser.get(f"/cases/{case_id}/exports").text
    assert logged(store, "export.made")[0]["sha256"] in shown
    assert "<b>Elimai" not in shown


def test_a_report_needs_a_second_person_and_reports_what_he_saw(store: Store, case: tuple[Browser, int]) -> None:
    browser, case_id = case
    path = f"/cases/{case_id}/exports/goaml.xml"
    assert browser.submit(path, language="ru").status_code == 409
    assert logged(store, "export.made") == []
    file_it(store, case_id)
    report = etree.fromstring(browser.submit(path, language="ru").content)
    assert "A mule account" in (report.findtext("reason") or "")
    assert report.findtext("transaction/internal_ref_number") == "event-1"
    assert browser.submit(f"/cases/{case_id}/exports/fm1.pdf", language="kk").status_code == 200
    with store.writing() as connection:
        connection.execute(update(alerts).values(case_id=None))
    assert browser.submit(path, language="ru").status_code == 409


def test_a_name_is_opened_with_a_reason_by_who_may(store: Store, case: tuple[Browser, int]) -> None:
    """OWASP ASVS v5.0.0-8.2.3: personal data leave only for whom they were opened, and it is written down."""
    browser, case_id = case
    path = f"/cases/{case_id}/exports/casefile.json"
    _, vault = demo_keys()
    sealed = vault.seal(PAYER.text.encode(), json.dumps({"kind": "person", "id": "791028302728"}).encode())
    with store.writing() as connection:
        connection.execute(insert(identities).values(record_key=PAYER.text, sealed=sealed))
    assert browser.submit(path, language="en", token=PAYER.text, reason="why not").status_code == 422
    assert browser.submit(path, language="en", token=builders.person(9).text, reason=REASON).status_code == 404
    assert logged(store, "identity.revealed") == []
    document = browser.submit(path, language="en", token=PAYER.text, reason=REASON).json()["document"]
    assert document["operations"][0]["payer"]["party"]["number"] == "791028302728"
    assert document["operations"][0]["payee"]["party"]["number"] is None
    assert document["identities_opened"] == [PAYER.text]
    assert logged(store, "identity.revealed") == [{"case": case_id}]
    assert logged(store, "export.made")[0]["names"] == 1


def test_a_recall_is_made_of_its_approved_row(store: Store, case: tuple[Browser, int]) -> None:
    browser, case_id = case
    event = event_of(event_text(builders.signed(builders.operation("event-1")["event"])))
    row = {"recall_id": 4, "case_id": case_id, "operation": event, "amount": 15_000_000, "returned": 0}
    with store.writing() as connection:
        connection.execute(insert(recalls).values(row | {"state": "open", "made_at": builders.NOW}))
    answer = browser.submit(f"/cases/{case_id}/exports/recalls/4", language="ru")
    assert b"IRTYKZKA" in answer.content
    assert answer.headers["content-disposition"].endswith('-recall-4-camt056.xml"')
    assert browser.submit(f"/cases/{case_id}/exports/recalls/5", language="ru").status_code == 404
    assert "camt056" in str(logged(store, "export.made"))


def test_who_may_not_work_makes_nothing_and_a_restricted_case_is_not_there(
    store: Store, case: tuple[Browser, int]
) -> None:
    """OWASP ASVS v5.0.0-8.2.2: an object that is not one's own is as if it were not there."""
    _, case_id = case
    auditor = signed_in(store, "auditor")
    assert auditor.get(f"/cases/{case_id}/exports").status_code == 200
    assert auditor.submit(f"/cases/{case_id}/exports/casefile.pdf", language="ru").status_code == 403
    with store.writing() as connection:
        connection.execute(update(cases.cases).values(restricted=True))
    other = signed_in(store, "analyst", username="another")
    assert other.get(f"/cases/{case_id}/exports").status_code == 404
    assert other.submit(f"/cases/{case_id}/exports/casefile.pdf", language="ru").status_code == 404


def test_the_api_makes_the_same(store: Store, case: tuple[Browser, int]) -> None:
    browser, case_id = case
    told = browser.get(f"/api/cases/{case_id}/exports").json()
    assert told["tokens"] == sorted([PAYER.text, PAYEE.text])
    assert not told["filed"]
    answer = browser.call("POST", f"/api/cases/{case_id}/exports/casefile.pdf", {"language": "en"})
    assert answer.content.startswith(b"%PDF-")
    refused = browser.call("POST", f"/api/cases/{case_id}/exports/fm1.xml", {"language": "en"})
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
