"""What came back to victims: out of the books of a case, by a recall, by holds; and no tenge of it twice."""

from __future__ import annotations

from dataclasses import replace

from console.money import restitution as books
from console.store import distribution, freezing, restitution
from console.store.opening import Store
from console.store.returned import Returned, returned
from console.store.statistics import Choice
from rules.events import DAY_MS
from tests.console.builders import NOW, feed, feed_judged, hold, instant
from tests.console.money.stories import BANK, CHIEF, MAKER, MINUTE, MULE, VICTIMS, transfer
from tests.console.money.test_store import TIYN, approve, frozen_case, recalled
from tests.console.statistics.test_counts import WEEK, counted, rows

LATER = replace(WEEK, first_day=WEEK.end_day, end_day=WEEK.end_day + 7)


def back(store: Store, choice: Choice = WEEK) -> Returned:
    with store.reading() as connection:
        return returned(connection, choice)


def released(store: Store, number: int, event_id: str, tenge: int, cause: str = "money_returned") -> None:
    said = {"event_id": event_id, "institution": BANK, "amount": f"{tenge}.00", "since": instant(NOW)}
    told = hold(number, state="released", cause=cause, on_silence=None, at=instant(NOW + DAY_MS), **said)
    feed(store, "holds", told)


def test_each_tenge_that_came_back_counts_once(store: Store) -> None:
    case_id = frozen_case(store)
    with store.writing() as connection:
        restitution.recovered(connection, MAKER, case_id, CHIEF.key, 200_000 * TIYN, now=NOW)
        number = distribution.propose(connection, MAKER, case_id, "pro_rata", "All alike", now=NOW)
    assert back(store).total == 0  # recovered is not yet returned
    approve(store, number)
    assert back(store) == Returned(0, 200_000 * TIYN, 0, 0)

    recalled(store, case_id)
    feed_judged(store, [transfer("back", MULE, VICTIMS[0], 30_000, 62)])  # also posted in the books
    assert back(store) == Returned(30_000 * TIYN, 200_000 * TIYN, 0, 0)

    victim = books.frozen(VICTIMS[2].key)
    with store.writing() as connection:
        freezing.lift(connection, MAKER, case_id, MULE.key, "Innocent", now=NOW + 60 * MINUTE)  # he claims nothing
        for cause, move in ((books.FREEZE, (books.OUTSIDE, victim)), (books.LIFT, (victim, books.OUTSIDE))):
            restitution.post(connection, MAKER, case_id, cause, [(*move, 4_000 * TIYN)], now=NOW)
    assert back(store).lifted == 4_000 * TIYN

    for place, event_id in enumerate(("paid-1", "alone", "alone")):  # claimed in the case; held and blocked at once
        released(store, 10 + place, event_id, 5_000)
    released(store, 20, "innocent", 7_000, "found_innocent")
    whole = Returned(30_000 * TIYN, 200_000 * TIYN, 4_000 * TIYN, 5_000 * TIYN)
    assert back(store) == whole

    told = rows(counted(store, "money")["money"])
    assert told["returned"] == (None, 239_000 * TIYN)
    assert sum(told[f"returned_{part}"][1] for part in ("recalled", "distributed", "lifted", "released")) == whole.total
    assert back(store, LATER) == Returned(0, 0, 0, 0)
    alone = rows(counted(store, "money", replace(WEEK, institution=BANK))["money"])
    assert (alone["returned_distributed"], alone["frozen"]) == ((None, None), (None, None))
    assert back(store, replace(WEEK, institution=BANK)) == Returned(30_000 * TIYN, 0, 0, 5_000 * TIYN)
