"""A new entry as an analyst types it, and what is wrong with it by the standard of proof.

The standard is that of a shared register of fraud (after CIFAS): reasonable grounds to believe it, evidence that is
clear, relevant and rigorous, a recognised kind of case, and a consequence. Somebody whose identity was used by a
fraudster is a victim, and can only be recorded as protected.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, get_args

from rules.events import DAY_MS
from streams.contracts import fields
from streams.contracts.list_entries import ListName, Proof
from streams.contracts.reasons import FieldError

Identifier = Literal["id", "account", "phone", "wallet", "card"]
Standing = Literal["suspect", "impersonated"]
IDENTIFIERS: Final[tuple[Identifier, ...]] = get_args(Identifier)
STANDINGS: Final[tuple[Standing, ...]] = get_args(Standing)
LISTS: Final[tuple[ListName, ...]] = get_args(ListName)
PROOFS: Final[tuple[Proof, ...]] = get_args(Proof)
# What people lose by a list decides what has to be shown for it.
NEEDED: Final[Mapping[ListName, tuple[Proof, ...]]] = {
    "convicted": ("court_judgment",),
    "black": ("clear_evidence", "court_judgment"),
    "dropper_confirmed": ("clear_evidence", "court_judgment"),
    "pyramid": ("clear_evidence", "court_judgment"),
}
FAVOURABLE: Final = frozenset(("licensed", "protected"))  # speak for their subject
LONGEST_DAYS: Final = 3_660
LEAST_WORDS: Final = 10  # letters of an explanation
_CHECKS: Final[Mapping[Identifier, Callable[[str], str]]] = {
    "id": fields.check_party_id,
    "account": fields.check_account,
    "phone": fields.check_phone,
    "wallet": fields.check_account,
    "card": fields.check_account,
}


@dataclass(frozen=True)
class EntryDraft:
    """What was typed; nothing of it is checked yet."""

    list: str
    identifier: str
    value: str = field(repr=False)  # names a person: in no log
    standing: str
    source: str
    reason: str
    proof: str
    valid_to: str  # a date
    case_type: str  # typology
    grounds: str
    evidence: str
    consequence: str

    @property
    def plain(self) -> str:
        """The identifier without the blanks that people put into long numbers."""
        return "".join(self.value.split())


def faults(draft: EntryDraft, typologies: Collection[str], *, now: int) -> dict[str, str]:
    """What is wrong, as field → key of the text that says so; `typologies` are the recognised kinds of case."""
    found: dict[str, str] = {}

    def wrong(name: str, *, unless: bool, key: str) -> None:
        if not unless:
            found.setdefault(name, f"registries.wrong.{key}")

    wrong("list", unless=draft.list in LISTS, key="list")
    wrong("standing", unless=draft.standing in STANDINGS, key="standing")
    wrong("proof", unless=draft.proof in PROOFS, key="proof")
    wrong("proof", unless=_suffices(draft.list, draft.proof), key="proof_too_weak")
    wrong("list", unless=draft.standing != "impersonated" or draft.list == "protected", key="victim")
    if draft.identifier in IDENTIFIERS:
        wrong("value", unless=_accepts(_CHECKS[draft.identifier], draft.plain), key="value")
    else:
        wrong("identifier", unless=False, key="identifier")
    wrong("source", unless=_accepts(fields.check_short_text, draft.source), key="source")
    wrong("reason", unless=draft.reason.isprintable() and _accepts(fields.check_name, draft.reason), key="reason")
    wrong("valid_to", unless=_is_ahead(draft.valid_to, now), key="valid_to")
    if draft.list not in FAVOURABLE:
        wrong("case_type", unless=draft.case_type in typologies, key="case_type")
    for name in ("grounds", "evidence", "consequence"):
        wrong(name, unless=_is_said(getattr(draft, name)), key="words")
    return found


def _suffices(which: str, proof: str) -> bool:
    needed = next((proofs for name, proofs in NEEDED.items() if name == which), PROOFS)
    return proof in needed


def _accepts(check: Callable[[str], str], value: str) -> bool:
    try:
        check(value)
    except FieldError:
        return False
    return True


def _is_said(text: str) -> bool:
    """Whether it says something, in letters that can be written down: JSON may bring halves of letters."""
    return len(text.strip()) >= LEAST_WORDS and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_ahead(text: str, now: int) -> bool:
    try:
        end = fields.milliseconds(fields.instant_or_date(date.fromisoformat(text).isoformat()))
    except ValueError:  # FieldError is one
        return False
    return now < end <= now + LONGEST_DAYS * DAY_MS
