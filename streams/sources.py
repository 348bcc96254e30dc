"""What comes in: the topics that publishers write, who may write them, and which records belong there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from streams.contracts.fields import MAX_BYTES

BULK: Final = frozenset({"credit_refusals", "list_entries"})  # records with entries
ANSWERED: Final = ("tx", "loans")  # whose publishers get decisions and progress marks


@dataclass(frozen=True, slots=True)
class SourceTopic:
    """One topic that publishers write.

    >>> SourceTopic.transactions("CASPKZKA").owner
    'CASPKZKA'
    """

    name: str
    records: frozenset[str]  # types that belong here
    publishers: tuple[str, ...]  # who may publish here
    field: Literal["institution", "operator", "publisher"]  # where a record names its publisher
    largest: int = MAX_BYTES  # bytes of a record

    @property
    def owner(self) -> str:
        """Who answers for a record that names no publisher of this topic."""
        return self.publishers[0]

    @classmethod
    def transactions(cls, institution: str) -> SourceTopic:
        """The topic of one institution's transactions."""
        records = frozenset({"transaction", "heartbeat", "reversal"})
        return cls(f"tx.{institution}", records, (institution,), "institution")


def answered(topic: str) -> str | None:
    """The institution that hears what became of a topic's records; None where nobody waits for an answer.

    >>> answered("loans.MFOKKZKA"), answered("calls.KCELL")
    ('MFOKKZKA', None)
    """
    kind, _, institution = topic.partition(".")
    return institution if kind in ANSWERED else None
