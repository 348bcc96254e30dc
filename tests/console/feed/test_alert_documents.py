"""The feed's fast reading of an alert accepts and refuses what the contract does."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from console.feed import alert_documents
from console.feed.alerts import row_of
from streams.contracts.suspicious_operation import SuspiciousOperation
from tests.console.builders import NOW, alert

# Put in the place of every value of a whole alert, one at a time.
STRANGE: Final = (None, 7, -1, 1.5, "", "strange", True, [], {})
# Of a proof the feed only keeps these, whatever their form; and it has no row for an alert about nobody.
KEPT: Final = frozenset({"counterparty", "subject", "amount"})


def test_both_accept_and_refuse_the_same() -> None:
    whole = alert(1, with_device=None)
    assert whole["evidence"]
    assert whole["signals"]
    compared = 0
    for path, changed in changes(whole):
        if ("evidence" in path and path[-1] in KEPT) or changed.get("subjects") == []:
            continue
        document = json.dumps(changed).encode()
        assert (alert_documents.read(document) is None) == (not accepted(document)), path
        compared += 1
    assert compared > 500


def test_both_read_the_same() -> None:
    said = json.dumps(alert(1)).encode()
    fast = alert_documents.read(said)
    assert fast is not None
    slow: Any = SuspiciousOperation.model_validate_json(said)
    assert row_of(fast, "", 1, NOW) == row_of(slow, "", 1, NOW)
    assert [(each.event, each.subject) for each in fast.evidence] == [(e.event, e.subject) for e in slow.evidence]


def changes(whole: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The alert with each of its values replaced, taken out, or with a stranger beside it."""
    for path in places(whole):
        for strange in STRANGE:
            yield path, changed(whole, path, strange)
        yield path, changed(whole, path)
        yield (*path[:-1], "stranger"), changed(whole, (*path[:-1], "stranger"), 1)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


def changed(whole: Any, path: tuple[Any, ...], *value: Any) -> Any:
    """A copy with another value at a place, or none."""
    made = inner = copy.deepcopy(whole)
    for key in path[:-1]:
        inner = inner[key]
    if isinstance(inner, list) and path[-1] == "stranger":
        inner.append(*value)
    elif value:
        (inner[path[-1]],) = value
    else:
        del inner[path[-1]]
    return made


def accepted(document: bytes) -> bool:
    try:
        SuspiciousOperation.model_validate_json(document)
    except ValidationError:
        return False
    return True
