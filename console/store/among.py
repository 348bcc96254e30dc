"""Looks many rows up by keys of several columns, such as (institution, event_id), by index in both databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_

from console.store.upserts import chunks


def among(columns: Sequence[ColumnElement[Any]], keys: Iterable[Sequence[Any]]) -> Iterator[ColumnElement[bool]]:
    """Conditions to be asked one by one: together they let through what has one of the keys, and each of it once.

    For `(a, b) IN (VALUES …)` SQLite reads the whole table; for `a = … AND b IN (…)` it looks into its index.
    """
    last: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
    for key in keys:
        last[tuple(key[:-1])].add(key[-1])
    for first, values in sorted(last.items()):
        equal = [column == value for column, value in zip(columns, first, strict=False)]
        for some in chunks(sorted(values)):
            yield and_(*equal, columns[-1].in_(some))
