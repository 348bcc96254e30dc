"""Refuses at the door, whichever field it comes in, what no text may hold: NUL, and half of a surrogate pair.

PostgreSQL keeps no NUL. Half of a pair has no UTF-8: neither a column nor the audit log could hold the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData

FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_FORM: Final = "antifraud.form"  # in the scope, which outlives the request that a route is given
_BROKEN: Final = re.compile("[\x00\ud800-\udfff]")
_MAYBE_BROKEN: Final = re.compile(rb"\\u(0000|[dD][89a-fA-F])")  # in JSON they can only be written so
Place = tuple[str | int, ...]


async def readable(request: Request) -> None:
    """A dependency of every route; RequestValidationError names each field that holds such a letter.

    The form that it reads stays with the request, for `form_of`: whatever goes wrong, what was typed can be shown.
    """
    found = [("path", name, value) for name, value in request.path_params.items() if isinstance(value, str)]
    found += [("query", name, value) for name, value in request.query_params.multi_items()]
    kind = request.headers.get("content-type", "")
    if kind.startswith(FORMS):
        form = request.scope[_FORM] = await request.form()
        found += [("body", name, value) for name, value in form.multi_items() if isinstance(value, str)]
    broken: list[Place] = [(part, name) for part, name, value in found if _BROKEN.search(name + value)]
    if "json" in kind:
        broken += _in_json(await request.body())
    if broken:
        raise RequestValidationError([{"type": "broken_text", "loc": place} for place in broken])


def form_of(request: Request) -> FormData:
    """The form that a request came with, as far as it was read."""
    form = request.scope.get(_FORM)
    return form if isinstance(form, FormData) else FormData()


def _in_json(body: bytes) -> list[Place]:
    if not _MAYBE_BROKEN.search(body):
        return []
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return []  # whoever wants a document of it says so
    return [place for place, text in _texts(document, ("body",)) if _BROKEN.search(text)]


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every text in a document, names included, and where it stands."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, (*place, number))
    elif isinstance(value, dict):
        for name, each in value.items():
            # A name that cannot be written names nothing.
            yield place, name
            yield from _texts(each, place if _BROKEN.search(name) else (*place, name))
