"""The event row: one transaction, or fact about a subject, as the fixed-width record that everything works on.

A batch of them is one numpy structured array of dtype `EVENT`. It holds no personal data: parties,
accounts, phones and devices are keyed tokens made by intake, of which the first 64 bits are the key under which a
subject's history lives and the whole 128 bits are what an alert names.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

TRANSACTION_KINDS: Final = (
    "transfer",
    "card_payment",
    "cash_deposit",
    "cash_withdrawal",
    "loan_disbursement",
    "loan_repayment",
    "top_up",
    "crypto_exchange",
)
# What the reference streams say about a subject. No money moves by these rows: models, totals and the statistics of
# amounts do not see them, and a typology judges them only where its `when` names their kind.
#
# - A call: payer is the callee's person where it is known, phone the callee's phone, no payee; amount 0.
# - A loan: payee is the borrower, no payer; payer_institution is the lender; amount is the principal.
# - A disposition and a listing: payee is the subject. Of a listing words[0] is its place in LISTS, from 1.
FACT_KINDS: Final = (
    "call_spoofed",
    "call_scam",
    "call_sim_box",
    "sim_swap",
    "loan_application",
    "loan_approval",
    "loan_contract",
    "loan_paid_out",
    "loan_consent",
    "marked_confirmed",
    "marked_false_positive",
    "marked_victim",
    "marked_mule",
    "marked_returned",
    "listing",
)
KINDS: Final = (*TRANSACTION_KINDS, *FACT_KINDS)
FIRST_FACT: Final = len(TRANSACTION_KINDS)  # EVENT["kind"] from here on is a fact
LOAN_KINDS: Final = tuple(KINDS.index(kind) for kind in FACT_KINDS if kind.startswith("loan_"))
CHANNELS: Final = ("mobile", "web", "card", "terminal", "atm", "branch", "api")
ROLES: Final = ("payer", "payee", "device", "phone")
PARTY_KINDS: Final = ("absent", "person", "company", "foreign", "account")

PAYER, PAYEE, DEVICE, PHONE = range(4)

# Bits of EVENT["flags"].
DEVICE_NEW: Final = 1 << 0
REMOTE_ACCESS: Final = 1 << 1
OWN_DEPOSIT_BROKEN: Final = 1 << 2
PAYER_NON_RESIDENT: Final = 1 << 3
PAYEE_NON_RESIDENT: Final = 1 << 4
LATE: Final = 1 << 5  # set by screen: applied below the mark, in its place by occurred_at
HISTORY: Final = 1 << 6  # published as history: ordered by occurred_at inside its epoch
LOAN_ONLINE: Final = 1 << 7  # the contract was made online
LOAN_SECURED: Final = 1 << 8

NO_TIME: Final = np.iinfo(np.int64).min  # "not given", for times that are optional
LOCAL_OFFSET_MS: Final = 5 * 3_600_000  # Kazakhstan has been one zone, UTC+05:00, since 1 March 2024
DAY_MS: Final = 86_400_000

EVENT: Final = np.dtype(
    [
        # identity
        ("event", "<u8"),  # keyed hash of (institution, event_id)
        ("content", "<u8"),  # hash of the whole content: tells a repeat from a contradiction
        ("event_id", "S64"),  # UTF-8
        ("institution", "S11"),  # the publisher, a BIC
        ("source", "<u2"),  # index of the source partition, see streams/frames.py
        ("offset", "<i8"),  # in the source partition
        # order: (epoch, order_time, occurred_at, institution, event_id, content), milliseconds since 1970 UTC
        ("epoch", "<i8"),  # live: the append time; history: the instant its replay was opened at
        ("order_time", "<i8"),  # live: 0; history: occurred_at
        ("occurred_at", "<i8"),
        ("appended_at", "<i8"),  # the broker's append time
        ("generation", "<u4"),  # the rulebook generation that judges this event
        # what happened
        ("kind", "u1"),  # index into KINDS
        ("channel", "u1"),  # index into CHANNELS; 255 where not given
        ("flags", "<u4"),
        ("amount", "<i8"),  # minor units of `currency`
        ("currency", "S3"),
        ("amount_kzt", "<i8"),  # tiyn; set by the engine from the rates in force
        ("purpose_code", "<u2"),  # KNP; 0 where not given
        ("merchant_category", "<u2"),  # 0 where not given
        ("words", "<u2", (4,)),  # hashes of the first significant words of the purpose, 0 where fewer
        ("sim_changed_at", "<i8"),  # or NO_TIME
        # who: first 64 bits of the 128-bit token, then the rest; 0 where absent
        ("payer", "<u8"),
        ("payer_rest", "<u8"),
        ("payee", "<u8"),
        ("payee_rest", "<u8"),
        ("device", "<u8"),
        ("device_rest", "<u8"),
        ("phone", "<u8"),
        ("phone_rest", "<u8"),
        ("payer_account", "<u8"),
        ("payee_account", "<u8"),
        ("payer_kind", "u1"),  # index into PARTY_KINDS
        ("payee_kind", "u1"),
        ("payer_region", "u1"),  # the number of the ISO 3166-2:KZ region; 0 not given, 255 not in Kazakhstan
        ("payee_region", "u1"),
        ("payer_institution", "S11"),
        ("payee_institution", "S11"),
        ("payer_account_opened_at", "<i8"),  # or NO_TIME
        ("payee_account_opened_at", "<i8"),
        # which of the four subjects live in the partition that this row was sent to: bit r for ROLES[r]
        ("roles", "u1"),
        ("home", "u1"),  # 1 where this partition judges the event
    ]
)

Events = NDArray[np.void]  # dtype EVENT


def subject_role(row: np.void, role: str) -> str:
    """In which role of an event a typology's subject stands: `role`, or where nobody does, the other side.

    Whoever draws or brings cash has no counterparty; a finding about nobody would name, and release, nobody.
    """
    if row[role] or role not in ("payer", "payee"):
        return role
    other = "payee" if role == "payer" else "payer"
    return other if row[other] else role


def word_hash(word: str) -> int:
    """16-bit hash of one lower-case word of a purpose, never 0 (FNV-1a folded).

    Histories keep these and not the words, so that a lexicon written today also reads yesterday's history.
    """
    value = 0x811C9DC5
    for byte in word.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return ((value >> 16) ^ (value & 0xFFFF)) or 1
