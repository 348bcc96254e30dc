"""Examples may tell of calls, loans, listings and entries of lists, and run as the center would."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rules.examples import run
from rules.rulebook import Rulebook
from rules.typology import Occurrence
from tests.rules.small import documents

SIGNALS = """\
  - id: many
    when: payer.payees_1d >= 3
    weight: 0.5
    text: {kk: "Алушылар көп", ru: "Много получателей", en: "Many payees"}
"""
FEATURES = """\
features:
  - name: phone.calls_1d
    aggregate: count
    where: {kind: [call_spoofed, call_scam]}
    within: P1D
    unit: calls
    text: {kk: Қоңыраулар, ru: Звонки, en: Calls}
  - name: payee.contracts_today
    aggregate: sum
    where: {kind: loan_contract, flag: online, without: secured}
    within: local_day
    unit: tenge
    text: {kk: Келісімдер, ru: Договоры, en: Contracts}
"""


def alerts(when: str, signal: str, events: str) -> tuple[int, ...]:
    """The events that alert where a typology has one signal."""
    book = Rulebook.from_documents(
        documents(
            ("event.kind == 'transfer' and event.amount >= p.least", f"{when} and event.hour >= 0 * p.least"),
            ("payer.payees_1d >= 3", signal),
            (
                "    - name: Three payees in an hour\n      events:\n"
                "        - {at: 2026-01-05T10:00, every: PT10M, times: 3, payer: a, payee: b-*, amount: 5000}\n",
                f"    - name: What this test tells of\n      events:\n{events}      alerts: any\n",
            ),
            **{"features/payer.yaml": FEATURES},
        )
    )
    return next(iter(run(book))).alerts


def test_a_call_is_seen_by_a_transfer_from_the_same_phone() -> None:
    events = (
        "        - {at: 2026-01-05T10:00, kind: call_spoofed, phone: mother}\n"
        "        - {at: 2026-01-05T12:00, payer: mother, payee: drop, amount: 5000, phone: mother}\n"
        "        - {at: 2026-01-05T12:00, payer: mother, payee: drop, amount: 5000, phone: other}\n"
        "        - {at: 2026-01-06T12:00, payer: mother, payee: drop, amount: 5000, phone: mother}\n"
    )
    assert alerts("event.kind == 'transfer'", "phone.calls_1d >= 1", events) == (2,)


def test_contracts_of_one_local_day_are_summed() -> None:
    events = (
        "        - {at: 2026-01-05T23:50, kind: loan_contract, payee: a, amount: 500000, online: true}\n"
        "        - {at: 2026-01-06T00:00, kind: loan_contract, payee: a, amount: 500000, online: true}\n"
        "        - {at: 2026-01-06T12:00, kind: loan_contract, payee: a, amount: 500000}\n"
        "        - {at: 2026-01-06T12:01, kind: loan_contract, payee: a, amount: 500000, online: true, secured: true}\n"
        "        - {at: 2026-01-06T23:59, kind: loan_contract, payee: a, amount: 500000, online: true}\n"
    )
    when = "event.kind == 'loan_contract' and event.online and not event.secured"
    assert alerts(when, "payee.contracts_today >= 900000", events) == (5,)


def test_a_refusal_forbids_loans_from_when_it_is_valid_however_late_it_is_known() -> None:
    loan = "        - {at: 2026-01-05T10:00, kind: loan_contract, payee: a, amount: 5000}\n"
    refused = "list: refusal, subject: a"
    when, signal = "event.kind == 'loan_contract'", "payee.on_list.refusal"
    before = f"        - {{at: 2026-01-04T10:00, {refused}, entry: set}}\n"
    late = f"        - {{at: 2026-01-06T10:00, {refused}, entry: set, valid_from: 2026-01-05T09:00}}\n"
    after = f"        - {{at: 2026-01-06T10:00, {refused}, entry: set}}\n"
    withdrawn = f"        - {{at: 2026-01-05T08:00, {refused}, entry: withdrawn}}\n"
    assert alerts(when, signal, before + loan) == (1,)
    assert alerts(when, signal, late + loan) == (1,)
    assert alerts(when, signal, after + loan) == ()
    assert alerts(when, signal, before + withdrawn + loan) == ()


def test_a_listing_is_judged_where_its_kind_is_named() -> None:
    events = (
        "        - {at: 2026-01-05T10:00, list: convicted, subject: a, entry: set, proof: court_judgment}\n"
        "        - {at: 2026-01-05T10:00, kind: listing, list: convicted, payee: a}\n"
        "        - {at: 2026-01-05T11:00, kind: marked_mule, payee: a}\n"
    )
    assert alerts("event.kind == 'listing'", "payee.on_list.convicted", events) == (1,)
    assert alerts("event.hour >= 1", "payee.on_list.convicted", events) == ()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"kind": "call_scam", "payee": "a"}, "needs a payer or a phone"),
        ({"kind": "loan_contract", "payee": "a"}, "needs an amount"),
        ({"kind": "loan_contract", "payer": "a", "payee": "b", "amount": 5.0}, "no payer"),
        ({"payer": "a", "payee": "b"}, "needs an amount"),
        ({"kind": "listing", "payee": "a"}, "a list belongs to"),
        ({"list": "convicted", "subject": "a"}, "a subject needs an entry"),
        ({"list": "convicted", "entry": "set"}, "needs a list and a subject"),
        ({"list": "nobody", "entry": "set", "subject": "a"}, "is none of refusal"),
        ({"list": "black", "entry": "set", "subject": "a", "payer": "b"}, "no event"),
    ],
)
def test_an_occurrence_that_lacks_something_is_refused(said: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Occurrence.model_validate({"at": "2026-01-05T10:00", **said})
