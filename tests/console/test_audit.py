"""The audit log: what was changed, deleted, reordered or cut off is named, and the database refuses to do it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from console import audit
from console.audit import System
from console.audit_heads import HeadKeeper, check, read, sign_head
from console.store.opening import Store
from console.store.tables import audit as entries
from console.store.tables import audit_heads
from streams.evidence.signing import SigningKey

KEY = SigningKey.load({"ANTIFRAUD_DEMO": "1"})
OTHER = SigningKey.load({"ANTIFRAUD_SIGNING_KEY": "s2:" + bytes(range(32)).hex()})
NOW = 1_795_000_000_000


def fill(store: Store, number: int) -> None:
    with store.writing() as connection:
        for each in range(number):
            audit.write(connection, System(), "alert.closed", "alert", f"a-{each}", "қате дабыл", before=each)


def unguarded(connection: Connection) -> None:
    """What somebody with the rights of the database's owner can do."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        return
    for name in ("changed", "deleted", "replaced"):
        connection.execute(text(f"DROP TRIGGER audit_not_{name}"))


def move(connection: Connection, number: int, to: int) -> None:
    connection.execute(update(entries).where(entries.c.number == number).values(number=to))


@pytest.mark.parametrize("statement", [update(entries).values(actor="nobody"), delete(entries), delete(audit_heads)])
def test_the_database_refuses_to_change_the_log(store: Store, statement: object) -> None:
    """OWASP ASVS v5.0.0-16.4.2: logs are protected from modification."""
    fill(store, 2)
    with store.writing() as connection:
        sign_head(connection, KEY, NOW)
    with pytest.raises(DBAPIError, match="only grows"), store.writing() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    with store.reading() as connection:
        assert check(connection, [KEY.public]).whole


def test_replacing_an_entry_is_changing_it(store: Store) -> None:
    fill(store, 2)
    with store.reading() as connection:
        row = dict(connection.execute(select(entries).where(entries.c.number == 1)).mappings().one())
    verb = "INSERT OR REPLACE" if store.engine.dialect.name == "sqlite" else "INSERT"
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    with pytest.raises(DBAPIError), store.writing() as connection:
        connection.execute(text(f"{verb} INTO audit ({names}) VALUES ({values})"), row)


@pytest.mark.parametrize(
    ("deed", "fault", "number"),
    [
        (lambda c: c.execute(update(entries).where(entries.c.number == 7).values(actor="aigul")), "changed", 7),
        (lambda c: c.execute(update(entries).where(entries.c.number == 7).values(reason=None)), "changed", 7),
        (lambda c: c.execute(delete(entries).where(entries.c.number == 7)), "missing", 7),
        (lambda c: [move(c, 7, 99), move(c, 8, 7), move(c, 99, 8)], "out_of_place", 7),
        (lambda c: c.execute(delete(entries).where(entries.c.number > 7)), "cut_off", 8),
    ],
    ids=["changed", "reason", "deleted", "reordered", "truncated"],
)  # fmt: skip
def test_the_first_bad_entry_is_named(store: Store, deed: object, fault: str, number: int) -> None:
    fill(store, 10)
    with store.writing() as connection:
        assert sign_head(connection, KEY, NOW) is not None
        assert sign_head(connection, KEY, NOW) is None
        unguarded(connection)
        deed(connection)  # type: ignore[operator]
    with store.reading() as connection:
        report = check(connection, [KEY.public])
    assert (report.fault, report.number) == (fault, number)


def test_a_log_made_anew_is_betrayed_by_a_head_that_was_kept_elsewhere(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "heads.jsonl"
    keeper = HeadKeeper(store, KEY, file, lambda: NOW)
    fill(store, 5)
    keeper.keep()
    fill(store, 5)
    keeper.keep()
    keeper.keep()
    assert [head.number for head in read(file)] == [5, 10]
    with store.writing() as connection:
        unguarded(connection)
        connection.execute(text("ALTER TABLE audit_heads DISABLE TRIGGER USER")) if (
            connection.dialect.name == "postgresql"
        ) else connection.execute(text("DROP TRIGGER audit_heads_not_deleted"))
        connection.execute(delete(audit_heads))
        connection.execute(delete(entries))
    fill(store, 12)
    with store.reading() as connection:
        assert check(connection, [KEY.public]).whole
        report = check(connection, [KEY.public], read(file))
    assert (report.fault, report.number, report.entries) == ("rewritten", 5, 12)


def test_a_head_by_another_key_proves_nothing(store: Store) -> None:
    fill(store, 3)
    with store.writing() as connection:
        sign_head(connection, OTHER, NOW)
    with store.reading() as connection:
        assert check(connection, [KEY.public]).fault == "head_forged"
        assert check(connection, [KEY.public, OTHER.public]).whole


def test_a_change_that_is_undone_leaves_no_entry(store: Store) -> None:
    fill(store, 1)
    with pytest.raises(ZeroDivisionError):
        _open_a_case_and_fail(store)
    fill(store, 1)
    with store.reading() as connection:
        assert check(connection, [KEY.public]).entries == 2


def _open_a_case_and_fail(store: Store) -> None:
    with store.writing() as connection:
        audit.write(connection, System(), "case.opened", "case", 1)
        raise ZeroDivisionError
