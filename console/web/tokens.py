"""What stands in addresses: tokens, as the key that the store finds them by, and places in lists."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Path, Query

from console.store.errors import NotFound
from console.store.keys import key_of

Cursor = Annotated[str | None, Query(max_length=90)]  # of a query: see `cursor_of`
Hash = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
RuleName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,47}$")]
# Of a filter: what is left empty in a form is any.
Word = Annotated[str, Query(pattern=r"^[A-Za-z0-9_]{0,48}$")]
OptionalWord = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_]{1,48}$")]
_CURSOR: Final = re.compile(r"(-?[0-9]{1,18})\.([0-9A-Za-z]{1,64})")


def key_in_path(token: str) -> int:
    """The key of a token that stands in an address; NotFound where it is none."""
    try:
        return key_of(token)
    except ValueError:
        raise NotFound("subject") from None


def cursor_of(text: str | None) -> tuple[int, str] | None:
    """Where a page of a list ended: a number (mostly an instant) and an id; None where it is the first page.

    Raises:
        NotFound: the text is no such place.

    >>> cursor_of("1700000000000.0f3c"), cursor_of(None)
    ((1700000000000, '0f3c'), None)
    """
    if text is None:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise NotFound("page")
    return int(found[1]), found[2]
