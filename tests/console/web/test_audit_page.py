"""The auditor finds what somebody did, and is told when the log is not what it was."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from console import audit
from console.audit import System
from console.store.opening import Store
from console.store.tables import audit as entries
from tests.console.test_audit import unguarded
from tests.console.web.clients import signed_in


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [3, 2, 1]),
        ({"action": "identity"}, [2, 1]),
        ({"object_kind": "subject", "object_id": "k1:ab"}, [1]),
        ({"actor": "console", "before": 3}, [2, 1]),
        ({"actor": "somebody"}, []),
        ({"action": "identity_"}, []),
    ],
)
def test_entries_are_found_by_who_what_and_with_what(store: Store, query: dict[str, str], numbers: list[int]) -> None:
    with store.writing() as connection:
        audit.write(connection, System(), "identity.revealed", "subject", "k1:ab", "a <reason>")
        audit.write(connection, System(), "identity.used", "subject", "k1:cd")
        audit.write(connection, System(), "case.opened", "case", 7, title=True)
    auditor = signed_in(store, "auditor")
    found = auditor.get("/api/audit", params=query).json()
    assert [entry["number"] for entry in found] == numbers
    page = auditor.get("/audit", params=query).text
    assert [number for number in (3, 2, 1) if f'<td class="number" title="">{number}</td>' in page] == numbers


def test_days_of_the_filter_are_kazakhstans_and_both_included(store: Store) -> None:
    with store.writing() as connection:
        audit.write(connection, System(), "case.opened", "case", 7)
        unguarded(connection)
        # 2026-03-02 00:30 in Kazakhstan, which is still the first of March in Greenwich.
        connection.execute(update(entries).values(at=1_772_393_400_000))
    auditor = signed_in(store, "auditor")
    assert "<code>7" not in auditor.get("/audit", params={"until": "2026-03-01"}).text.replace(
        '<bdi class="outside">', ""
    )
    assert "case.opened" in auditor.get("/audit", params={"since": "2026-03-02", "until": "2026-03-02"}).text
    assert auditor.get("/audit", params={"since": "nonsense"}).status_code == 200


def test_a_check_says_that_all_is_well_and_otherwise_which_entry_is_not(store: Store) -> None:
    with store.writing() as connection:
        for number in range(5):
            audit.write(connection, System(), "case.opened", "case", number)
    auditor = signed_in(store, "auditor")
    assert auditor.call("POST", "/api/audit/check").json()["whole"] is True
    with store.writing() as connection:
        unguarded(connection)
        connection.execute(delete(entries).where(entries.c.number == 3))
    report = auditor.call("POST", "/api/audit/check").json()
    assert (report["fault"], report["number"], report["entries"]) == ("missing", 3, 2)
    assert "Entry 3 is missing" in auditor.submit("/audit/check").text
