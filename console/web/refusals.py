"""What the web server itself refuses: not signed in, not allowed, a form of an earlier session."""

from __future__ import annotations


class Refusal(Exception):
    """A page or call that ends with a status and a text of console/texts."""

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.values = values


class NotSignedIn(Exception):
    """The request carries no session, or one that has `ended`."""

    def __init__(self, *, ended: bool) -> None:
        super().__init__("not signed in")
        self.ended = ended


class MustEnrol(Exception):
    """The account has no one-time code generator yet."""


class FormExpired(Refusal):
    """The request changes something, and has no CSRF token of this session."""

    def __init__(self) -> None:
        super().__init__(403, "errors.form_expired")
