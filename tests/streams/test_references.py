"""References through the log: known in order, shared, restored; a refusal finds its loan whichever came first."""

from __future__ import annotations

import random
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.events import EVENT, KINDS, LOCAL_OFFSET_MS, NO_TIME, Events
from rules.loans import MOST_OF_ONE, REMEMBERED_MS, Loans
from rules.references import ENTRY, SET, WITHDRAWN, Entries, ReferenceSets
from rules.rulebook import Rulebook
from streams import frames
from streams.engine import Engine, spread
from streams.findings import alert_id_of
from streams.screening import Partition, Progress
from streams.tokens import demo_keys
from tests.rules.small import documents

KEY = demo_keys()[0]
START = 1_770_000_000_000 - LOCAL_OFFSET_MS
CONTRACT = KINDS.index("loan_contract")
PEOPLE = (5, 6 << 40, 7 << 61)


@cache
def rulebook() -> Rulebook:
    """One typology, about loans given against a refusal."""
    return Rulebook.from_documents(
        documents(
            ("event.kind == 'transfer' and event.amount >= p.least", "event.kind == 'loan_contract'"),
            ("subject: payer", "subject: payee"),
            ("    when: payer.payees_1d >= 3\n", "    when: payee.on_list.refusal\n"),
            ("  - {name: least, value: 1000, unit: tenge, source: nobody}", "  []"),
            ("parameters:\n", "parameters:\n"),
        )
    )


class Said(NamedTuple):
    """A loan, or an entry: what happened when, and its place in the order."""

    kind: str  # loan, set, withdrawn
    person: int
    time: int  # occurred_at, or valid_from
    known: int  # the order key


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    """Loans, refusals and withdrawals; a withdrawal is known before every loan that it allows, as is usual."""
    said = [
        Said(draw(st.sampled_from(["loan", "loan", "set", "set", "withdrawn"])), draw(st.sampled_from(PEOPLE)),
             draw(st.integers(0, 9)), 0)
        for _ in range(draw(st.integers(1, 12)))
    ]  # fmt: skip
    return in_time(draw(st.permutations(said)), list(draw(st.permutations(range(100, 100 + len(said))))))


def in_time(said: list[Said], keys: list[int]) -> list[Said]:
    """Withdrawals first, in the log and in order; what else there is in any."""
    said = sorted(said, key=lambda one: one.kind != "withdrawn")
    first = sum(one.kind == "withdrawn" for one in said)
    ordered = sorted(keys)
    rest = [key for key in keys if key in ordered[first:]]
    return [one._replace(known=key) for one, key in zip(said, [*ordered[:first], *rest], strict=True)]


def row_of(one: Said, number: int) -> Events:
    row = np.zeros(1, EVENT)
    row["event"], row["event_id"], row["institution"] = number + 1, f"loan-{number}".encode(), b"MFOKKZKA"
    row["kind"], row["payee"], row["payee_kind"] = CONTRACT, one.person, 1
    row["occurred_at"] = START + one.time
    row["epoch"], row["offset"] = one.known, number
    row["amount"], row["currency"] = 500_000, b"KZT"
    # The borrower's phone lives anywhere: with several partitions the loan waits for its view.
    row["phone"] = number + 1
    return row


def entry_of(one: Said, number: int) -> Entries:
    entry = np.zeros(1, ENTRY)
    entry["key"], entry["action"] = one.person, SET if one.kind == "set" else WITHDRAWN
    entry["valid_from"], entry["valid_to"] = START + one.time, NO_TIME
    entry["epoch"], entry["offset"] = one.known, number
    return entry


def logs_of(said: list[Said], partitions: int) -> list[list[bytes]]:
    """The logs of `facts` in which `said` stands in the order given: what is out of order comes late."""
    logs = [[frames.encode_control([("src", 0)], [])] for _ in range(partitions)]
    mark = 0
    for number, one in enumerate(said):
        mark = max(mark, one.known)
        span = frames.Span("src", 0, number, number + 1, mark, 0)
        parts = dict(spread(row_of(one, number), partitions)) if one.kind == "loan" else {}
        references = None if one.kind == "loan" else entry_of(one, number)
        for partition, log in enumerate(logs):
            log.append(frames.encode_facts(parts.get(partition, np.zeros(0, EVENT)), [span], references))
    return logs


def alerts_of(logs: list[list[bytes]], seed: int, *, shared: bool = True, restore: bool = False) -> set[str]:
    """Ids of the alerts when partitions read their logs in random portions, some by way of a snapshot."""
    chance, sets = random.Random(seed), ReferenceSets() if shared else None
    count = len(logs)
    partitions = [Partition(n, count, lambda _: rulebook(), Engine(references=sets)) for n in range(count)]
    views: list[list[bytes]] = [[] for _ in logs]
    done, seen = [0] * count, [0] * count
    found: set[str] = set()

    def note(progress: Progress) -> None:
        for target, sent in progress.views.items():
            views[target].extend(sent)
        for judgement in [*progress.judgements, *progress.again]:
            for i, t in judgement.findings:
                found.add(alert_id_of(judgement.rows[i], rulebook().typologies[t].id, "payee", KEY))

    while True:
        behind = [n for n in range(count) if done[n] < len(logs[n]) or seen[n] < len(views[n])]
        if not behind:
            return found
        number = chance.choice(behind)
        if restore and chance.random() < 0.1:
            document, arrays = partitions[number].state()
            copies = {name: array.copy() for name, array in arrays.items()}
            partitions[number] = Partition.restore(document, copies, lambda _: rulebook(), sets)
        end = min(done[number] + chance.randint(1, 4), len(logs[number]))
        note(partitions[number].take_facts(list(enumerate(logs[number]))[done[number] : end]))
        done[number] = end
        end = len(views[number])
        note(partitions[number].take_views(list(enumerate(views[number]))[seen[number] : end]))
        seen[number] = end


def forbidden(said: list[Said]) -> set[tuple[int, int]]:
    """(person, time) of the loans that a refusal forbids, all told."""
    result = set()
    for loan in said:
        entries = [one for one in said if one.kind != "loan" and one.person == loan.person and one.time <= loan.time]
        if loan.kind == "loan" and max(((one.time, one.kind == "set") for one in entries), default=(0, False))[1]:
            result.add((loan.person, loan.time))
    return result


def ids(said: list[Said]) -> set[str]:
    """The alerts that must have been raised in the end."""
    against = forbidden(said)
    return {
        alert_id_of(row_of(one, number)[0], "T90", "payee", KEY)
        for number, one in enumerate(said)
        if one.kind == "loan" and (one.person, one.time) in against
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), st.integers(1, 3), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_a_refusal_finds_its_loan_whichever_came_first(
    said: list[Said], partitions: int, shared: bool, restore: bool, seed: int
) -> None:
    assert alerts_of(logs_of(said, partitions), seed, shared=shared, restore=restore) == ids(said)


def test_all_orders_of_a_refusal_a_withdrawal_and_a_loan() -> None:
    """In order of the log, and late: the last column says where the loan stands against what was known."""
    for refused, withdrawn, lent in ((1, 9, 5), (1, 3, 5), (3, 1, 5), (7, 9, 5)):
        for keys in ([101, 102, 103], [103, 102, 101], [101, 103, 102]):
            events = [
                Said("withdrawn", 5, withdrawn, 100),
                Said("set", 5, refused, keys[0]),
                Said("loan", 5, lent, keys[1]),
            ]
            for order in (events, [events[0], events[2], events[1]]):
                found = alerts_of(logs_of(order, 1), seed=1)
                assert found == ids(order), order
                assert bool(found) == (refused <= lent and not refused < withdrawn <= lent)


def test_the_same_alert_is_raised_once() -> None:
    said = [Said("loan", 5, 5, 100), Said("set", 5, 1, 101), Said("set", 5, 2, 102), Said("set", 5, 3, 103)]
    partition = Partition(0, 1, lambda _: rulebook())
    progress = partition.take_facts(enumerate(logs_of(said, 1)[0]))
    assert [len(judgement.findings) for judgement in progress.judgements] == [0]
    (again,) = progress.again
    assert again.rows["event_id"].tolist() == [b"loan-0"]
    assert again.judged.lists[0, 1] == 1
    assert partition.judged_count == 1


def test_references_wait_for_marks_and_survive_a_snapshot() -> None:
    """An entry that stands behind the mark is applied when the mark comes, also after a restart."""
    partition = Partition(0, 1, lambda _: rulebook())
    entry = entry_of(Said("set", 5, 1, 200), 0)
    partition.take_facts(
        [
            (0, frames.encode_control([("src", 0)], [])),
            (1, frames.encode_facts(np.zeros(0, EVENT), [frames.Span("src", 0, 0, 1, 150, 0)], entry)),
        ]
    )
    assert len(partition.engine.references) == 0
    document, arrays = partition.state()
    partition = Partition.restore(document, {n: a.copy() for n, a in arrays.items()}, lambda _: rulebook())
    partition.take_facts([(2, frames.encode_facts(np.zeros(0, EVENT), [frames.Span("src", 0, 1, 1, 200, 0)]))])
    assert len(partition.engine.references) == 1
    assert partition.engine.references.sources == [("src", 0)]
    # The same frame again, as after a crash of intake: trimmed by its offset.
    partition.take_facts([(3, frames.encode_facts(np.zeros(0, EVENT), [frames.Span("src", 0, 0, 1, 300, 0)], entry))])
    assert len(partition.engine.references) == 1


@pytest.mark.parametrize("partitions", [1, 4])
def test_a_call_of_which_only_the_phone_is_known_is_judged_once(partitions: int) -> None:
    row = np.zeros(1, EVENT)
    row["event"], row["kind"], row["phone"], row["epoch"] = 9, KINDS.index("call_scam"), 77, 100
    row["institution"], row["event_id"] = b"KCELL", b"call-1"
    parts = spread(row, partitions)
    assert [(number, int(part["home"][0])) for number, part in parts] == [(77 % partitions, 1)]
    partition = Partition(parts[0][0], partitions, lambda _: rulebook())
    frame = frames.encode_facts(parts[0][1], [frames.Span("src", 0, 0, 1, 100, 0)])
    progress = partition.take_facts([(0, frames.encode_control([("src", 0)], [])), (1, frame)])
    (judgement,) = progress.judgements
    assert judgement.state.tolist() == [1]
    assert np.isnan(judgement.parts.scores).all()


def test_loans_are_remembered_for_a_time_and_in_a_number() -> None:
    loans = Loans(most_borrowers=2)
    for number in range(MOST_OF_ONE + 3):
        loans.add(row_of(Said("loan", 5, number, 0), number))
    assert len(loans.state()) == MOST_OF_ONE
    late = row_of(Said("loan", 5, 50, 0), 99)
    late["occurred_at"] += REMEMBERED_MS
    loans.add(late)
    assert loans.state()["event"].tolist() == [100]
    for person in (6, 7):
        loans.add(row_of(Said("loan", person, 0, 0), person))
    assert (len(loans), loans.forgotten) == (2, 1)
    restored = Loans.restore(loans.state().copy())
    assert restored.state().tobytes() == loans.state().tobytes()
