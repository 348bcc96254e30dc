"""The other topics as the feed stores them: each repeat changes nothing, the latest word counts, no identity stays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from console.feed.offsets import OtherCluster, ReadElsewhere, read
from console.feed.projection import BUNDLE_BYTES, bundles, store_records
from console.store import tables
from console.store.errors import StoreFull
from console.store.opening import Store
from rules.events import FIRST_FACT, KINDS, LATE
from rules.words import first_words
from streams.alerts import ALERTS
from streams.engine import marked_frame
from tests.console.builders import (
    CLUSTER,
    NOW,
    TOKENS,
    alert,
    company,
    device,
    document,
    feed,
    feed_judged,
    hold,
    judged_frame,
    meter,
    operation,
    person,
    phone,
    reader,
    records,
)

IIN = "791028302728"
DAY = 20_780  # of NOW


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def test_judged_events_become_operations_with_tokens_and_days(store: Store) -> None:
    moved = {"payer": person(1), "payee": company(2), "with_device": device(3), "with_phone": phone(4)}
    feed_judged(
        store,
        [
            operation("one", **moved, purpose="взнос за участие", flags=LATE, payer_account=2**63 + 5),
            operation("two", payee=person(1), kind=KINDS[FIRST_FACT], tenge=0),
            operation("three", payer=person(1), payee=company(2), tenge=2),
        ],
    )
    one = next(row for row in rows(store, tables.operations) if row["event_id"] == "one")
    assert one["event"] == int.from_bytes(TOKENS.event_hash("CASPKZKA", "one").to_bytes(8), signed=True)
    assert (one["topic"], one["partition"], one["offset"]) == ("tx.CASPKZKA", 0, 0)
    assert (one["payer"], one["payee"], one["device"], one["phone"]) == tuple(named.key for named in moved.values())
    assert (one["payer_account"], one["payee_account"]) == (5 - 2**63, None)
    assert (one["amount"], one["risk"], one["payer_institution"]) == (15_000_000, 0.25, None)
    assert one["words"] == sum(word << 16 * place for place, word in enumerate(first_words("взнос за участие")))
    kinds = {row["token"]: row["kind"] for row in rows(store, tables.tokens)}
    assert kinds == {named.text: named.kind for named in moved.values()}
    assert rows(store, tables.activity) == [
        {"day": DAY, "institution": "CASPKZKA", "events": 2, "late": 1, "amount": 15_000_200}
    ]


def test_judged_events_that_come_again_count_once(store: Store) -> None:
    first, second, third = (operation(f"event-{number}", payer=person(number)) for number in range(3))
    feed(store, "judged", judged_frame([first, second]), marked_frame(2, (NOW, 0)), judged_frame([second, third], 1))
    feed(store, "judged", judged_frame([first], 0), b"no frame", judged_frame([third], 2))
    assert len(rows(store, tables.operations)) == 3
    assert rows(store, tables.activity)[0]["events"] == 3
    (place,) = rows(store, tables.feed_offsets)
    assert (place["next_offset"], place["next_number"]) == (6, 3)


def test_the_kind_of_a_token_is_put_right_by_what_is_judged(store: Store) -> None:
    feed(store, ALERTS, alert(1, payee=company(2)))
    feed_judged(store, [operation("event-1", payee=company(2))])
    assert [row["kind"] for row in rows(store, tables.tokens)] == ["company"]


def test_a_hold_has_its_latest_state_and_all_that_it_went_through(store: Store) -> None:
    states = [hold(1), hold(1, state_number=1, state="extended"), hold(1, state_number=2, state="released")]
    feed(store, "holds", states[0], states[2], states[1], states[0])
    (row,) = rows(store, tables.holds)
    assert (row["number"], row["state"], row["open"], row["amount"]) == (2, "released", False, 15_000_000)
    assert [row["number"] for row in rows(store, tables.hold_events)] == [0, 1, 2]


def test_a_notice_keeps_what_an_analyst_wrote_down(store: Store) -> None:
    feed(store, "notices", document("notice"))
    with store.writing() as connection:
        connection.execute(tables.notices.update().values(answer="done", answered_by="aigul", answered_at=NOW))
    feed(store, "notices", document("notice", number=1, outcome="done"), document("notice"))
    (row,) = rows(store, tables.notices)
    assert (row["outcome"], row["answer"], row["answered_by"]) == ("done", "done", "aigul")


def test_warnings_their_effects_and_look_ups_are_kept_once(store: Store) -> None:
    older = document("warning_effect", at="2026-11-29T19:00:00.000Z", warned=1)
    feed(store, "warnings", document("warning"), document("warning_effect"), document("warning"), older)
    feed(store, "necessity", document("necessity"), document("necessity"))
    assert len(rows(store, tables.warnings)) == len(rows(store, tables.necessity)) == 1
    assert '"warned": 412' in rows(store, tables.warning_effects)[0]["document"]


def test_a_collector_has_a_curve_a_latest_reading_and_a_highest(store: Store) -> None:
    for at, index in ((NOW, 40.0), (NOW + 1, 80.0), (NOW + 2, 60.0), (NOW + 1, 80.0)):
        feed(store, "meters", meter(company(1), at, index))
    assert [row["index"] for row in rows(store, tables.meter_readings)] == [40.0, 80.0, 60.0]
    (row,) = rows(store, tables.meters)
    assert (row["at"], row["index"], row["highest"], row["above"]) == (NOW + 2, 60.0, 80.0, True)
    assert rows(store, tables.tokens)[0]["kind"] == "company"


def test_identities_stay_sealed_and_go_when_they_are_taken_off(store: Store) -> None:
    feed(store, "identities", b"sealed", b"sealed later", key=person(1).text)
    feed(store, "identities", b"with a name", key=f"{person(1).text}/name")
    feed(store, "identities", b"of nobody", key="nobody")
    found = {row["record_key"]: row["sealed"] for row in rows(store, tables.identities)}
    assert found == {person(1).text: b"sealed later", f"{person(1).text}/name": b"with a name"}
    feed(store, "identities", None, key=person(1).text)
    assert len(rows(store, tables.identities)) == 1


def test_registries_are_kept_by_keys_and_the_last_word_counts(store: Store) -> None:
    withdrawn = document("list_entries")
    withdrawn["entries"] = [withdrawn["entries"][0] | {"action": "withdrawn", "appeal": "upheld"}]
    feed(store, "registry.lists", document("list_entries"), withdrawn, document("list_entries", publisher="POLICE"))
    feed(store, "registry.blocked-resources", document("blocked_resource"))
    untied = document("blocked_resource", event_id="blocked-0002", tied={})
    feed(store, "registry.blocked-resources", untied)
    found = {(row["entry_id"], row["subject"]): row for row in rows(store, tables.registry_entries)}
    token = TOKENS.token("person", IIN)
    listed = found["convicted-0001", int.from_bytes(token.raw[:8], "little", signed=True)]
    assert (listed["action"], listed["appeal"], listed["proof"]) == ("withdrawn", "upheld", "court_judgment")
    assert (listed["publisher"], listed["recorded_at"]) == ("AFM", NOW)
    tied = [row for (entry, _), row in found.items() if entry == "blocked-0001"]
    assert [row["list"] for row in tied] == ["fake_shop"] * 3
    assert found["blocked-0002", 0]["valid_to"] is not None
    kinds = {row["token"]: row["kind"] for row in rows(store, tables.tokens)}
    assert kinds[TOKENS.text(token)] == "person"
    assert sorted(kinds.values()) == ["account", "account", "person", "person", "phone"]
    assert IIN not in str(rows(store, tables.registry_entries))


def test_refusals_are_counted_once_by_day_and_never_kept(store: Store) -> None:
    said, next_one = document("credit_refusals"), document("credit_refusals", event_id="refusals-0002")
    feed(store, "registry.credit-refusals", said, said)
    # Of a batch that was told before only what is new counts, be the record the same or sent again.
    feed(store, "registry.credit-refusals", next_one, said)
    assert rows(store, tables.refusal_counts) == [
        {"day": DAY, "action": "set", "entries": 2},
        {"day": DAY, "action": "withdrawn", "entries": 2},
    ]
    assert rows(store, tables.tokens) == []


def test_what_was_refused_is_counted_once_by_place(store: Store) -> None:
    other = document("rejected", source={"topic": "tx.CASPKZKA", "partition": 0, "offset": 4713})
    feed(store, "rejected.CASPKZKA", document("rejected"), other, document("rejected"))
    feed(store, "rejected.CASPKZKA", other)
    (row,) = rows(store, tables.rejected_counts)
    assert row == {"day": DAY, "publisher": "CASPKZKA", "reason": "bad_check_digit", "events": 2}


def test_a_batch_that_cannot_be_kept_leaves_rows_and_offsets_as_they_were(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(store, ALERTS, alert(1))
    with store.reading() as connection:
        places = read(connection, CLUSTER)

    def full(*_: Any) -> None:
        raise StoreFull

    monkeypatch.setattr("console.feed.offsets.write", full)
    with pytest.raises(StoreFull):
        store_records(store, reader(), records(ALERTS, [alert(2)], 1), places, CLUSTER, NOW)
    assert len(rows(store, tables.alerts)) == 1
    with store.reading() as connection:
        assert read(connection, CLUSTER) == places


def test_offsets_of_another_cluster_are_refused(store: Store) -> None:
    feed(store, ALERTS, alert(1))
    with store.reading() as connection, pytest.raises(OtherCluster, match="ANTIFRAUD_STORE"):
        read(connection, "another")


def test_what_another_console_has_read_is_not_written_again(store: Store) -> None:
    said = records("judged", [judged_frame([operation("event-1", payer=person(1))])])
    store_records(store, reader(), said, {}, CLUSTER, NOW)
    with pytest.raises(ReadElsewhere, match="--no-feed"):
        store_records(store, reader(), said, {}, CLUSTER, NOW)
    assert rows(store, tables.activity)[0]["events"] == 1


def test_a_backlog_is_cut_into_transactions_of_bounded_size() -> None:
    found = records("judged", [b"x" * (BUNDLE_BYTES // 2)] * 5)
    assert [len(bundle) for bundle in bundles(found)] == [2, 2, 1]
