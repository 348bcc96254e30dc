"""Keys of several columns are looked up by index, each once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from console.store.among import among
from console.store.opening import Store
from console.store.tables import alerts
from tests.console.builders import alert, feed

EVENT = (alerts.c.institution, alerts.c.event_id)


def test_what_has_one_of_the_keys_is_found_once(store: Store) -> None:
    banks = ("CASPKZKA", "IRTYKZKA")
    feed(store, "suspicious-operations", *(alert(n, institution=banks[n % 2]) for n in range(6)))
    wanted = [("CASPKZKA", "event-0"), ("CASPKZKA", "event-2"), ("CASPKZKA", "event-1"), ("IRTYKZKA", "event-1")]
    with store.reading() as connection:
        found = [connection.execute(select(*EVENT).where(asked)).all() for asked in among(EVENT, wanted * 2)]
    assert sorted(row.event_id for rows in found for row in rows) == ["event-0", "event-1", "event-2"]
    assert list(among(EVENT, [])) == []


def test_sqlite_searches_an_index_for_them(store: Store) -> None:
    if store.engine.dialect.name != "sqlite":
        return
    [asked] = among(EVENT, [("CASPKZKA", str(number)) for number in range(300)])
    statement = select(alerts).where(asked, alerts.c.region.is_(None))
    compiled = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with store.reading() as connection:
        [step] = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
    assert step == "SEARCH alerts USING INDEX ix_alerts_institution_event_id (institution=? AND event_id=?)"
