"""What can go wrong in the case store: each a sentence that says what happened and what to do about it."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do what was asked; `remedy` says what whoever runs it can do about that."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class StoreFull(StoreError):
    """The disk behind the store has no room; the transaction was undone as a whole."""

    def __init__(self) -> None:
        super().__init__(
            "The disk of the case store is full: nothing of this change was kept.",
            "Make room on that disk and do it again; what comes from Kafka is taken up again by itself.",
        )


class StoreLocked(StoreError):
    """Another process has been writing for longer than anybody should wait."""

    def __init__(self) -> None:
        super().__init__(
            "Another process keeps the case store locked: nothing of this change was kept.",
            "Do it again in a moment; if it stays so, end the other program that has the store open.",
        )


class StoreAway(StoreError):
    """The database does not answer, or broke off; the transaction was undone as a whole."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The database of the case store does not answer ({reason}): nothing of this change was kept.",
            "Check that it runs and that ANTIFRAUD_STORE names it; the console goes on by itself once it answers.",
        )


class StoreUnknown(StoreError):
    """The address names no database that a store can be in."""

    def __init__(self, scheme: str) -> None:
        super().__init__(
            f"A case store cannot be in {scheme}.",
            "Use sqlite:///path/to/cases.db or postgresql+psycopg://user@host/database.",
        )


class StoreNewer(StoreError):
    """A later version of the center has changed the store's tables in a way that this one does not know."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The case store was changed by a newer version of the center (revision {revision}).",
            "Run that version, or name another store with ANTIFRAUD_STORE.",
        )


class Stale(StoreError):
    """What was to be changed has been changed by somebody else since it was looked at.

    `of`: the kind and the id by which the audit log says who did what.
    """

    def __init__(self, what: str, of: tuple[str, object] | None = None) -> None:
        super().__init__(f"{what} was changed by somebody else in the meantime.", "Look at it again, then decide.")
        self.what = what
        self.of = of


class NotFound(StoreError):
    """There is no such thing in the store, or none that the one who asks may know of."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no {what}.", "Check the number, or look for it in the list.")
        self.what = what


class NotAllowed(StoreError):
    """The one who asks may not do this, or not with this."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
