"""Protected money: known by its purpose, its merchant or its kind, and only from or to who cannot invent it."""

from __future__ import annotations

import numpy as np
import pytest

from rules.events import EVENT, KINDS, PARTY_KINDS, Events, word_hash
from rules.protected import ProtectedMoney
from rules.rulebook_reading import packaged_procedure

PERSON, COMPANY = PARTY_KINDS.index("person"), PARTY_KINDS.index("company")


@pytest.fixture(scope="module")
def protected() -> ProtectedMoney:
    return ProtectedMoney(packaged_procedure())


def row(payer: int = PERSON, payee: int = PERSON, purpose: str = "", **fields: int) -> Events:
    rows = np.zeros(1, EVENT)
    rows["payer_kind"], rows["payee_kind"] = payer, payee
    for place, word in enumerate(purpose.split()[:4]):
        rows["words"][0, place] = word_hash(word)
    for name, value in fields.items():
        rows[name] = value
    return rows


@pytest.mark.parametrize(
    "income",
    [
        row(COMPANY, purpose_code=332),
        row(COMPANY, purpose="жалақы"),
        row(COMPANY, purpose="пенсионная выплата"),
        row(COMPANY, purpose="шәкіртақы"),
        row(COMPANY, purpose="балаға жәрдемақы"),
    ],
)
def test_income_of_a_person_from_a_company_is_protected(protected: ProtectedMoney, income: Events) -> None:
    assert protected.incoming(income)[0]


def test_a_person_cannot_make_a_transfer_protected_by_its_purpose(protected: ProtectedMoney) -> None:
    told = row(PERSON, purpose="заработная плата", purpose_code=332)
    assert not protected.incoming(told)[0]
    assert protected.incoming(told, np.array([True]))[0], "unless its payer is on the list of protected bodies"


def test_what_a_company_receives_is_no_salary(protected: ProtectedMoney) -> None:
    assert not protected.incoming(row(COMPANY, COMPANY, purpose_code=332))[0]


@pytest.mark.parametrize(
    "payment",
    [
        row(payee=COMPANY, purpose_code=911),
        row(payee=COMPANY, merchant_category=4900),
        row(payee=COMPANY, purpose="за газ и воду"),
        row(payee=COMPANY, kind=KINDS.index("loan_repayment")),
    ],
)
def test_taxes_bills_and_loans_may_go_out(protected: ProtectedMoney, payment: Events) -> None:
    assert protected.outgoing(payment)[0]
    payment = payment.copy()
    payment["payee_kind"] = PERSON
    assert not protected.outgoing(payment)[0], "but not to a person"


def test_an_ordinary_payment_and_a_fact_are_not_protected(protected: ProtectedMoney) -> None:
    plain, fact = row(COMPANY, purpose="за товар"), row(COMPANY, purpose_code=332, kind=KINDS.index("loan_paid_out"))
    assert not protected.incoming(plain)[0]
    assert not protected.outgoing(plain)[0]
    assert not protected.incoming(fact)[0]
