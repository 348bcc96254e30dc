"""What somebody filled in and was not taken: whole, as he typed it, to be corrected and sent again, or copied."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from console.web.page import local_path
from console.web.readable import form_of
from console.web.viewer import SAFE

LONGEST_KEPT: Final = 400_000  # letters of a form that is carried through the door: more would be too large a request
_SECRET: Final = frozenset({"password", "new_password", "code"})
_OURS: Final = frozenset({"csrf"})  # given anew
_BY_HAND: Final = frozenset(
    (
        "amount", "answer", "consequence", "evidence", "full_name", "grounds", "least", "most", "name", "narrative",
        "note", "reason", "since", "source", "text", "title", "until", "value",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Typed:
    """One field of a form; `seen` where a person typed it or it is wrong, others are carried along."""

    name: str
    value: str
    seen: bool


@dataclass(frozen=True, slots=True)
class Again:
    """A form as it was sent. `secret`: it held a password, which is not kept, so that it cannot be sent again."""

    path: str
    get: bool
    fields: tuple[Typed, ...]
    secret: bool = False

    @property
    def seen(self) -> list[Typed]:
        """What is worth copying."""
        return [each for each in self.fields if each.seen and each.value.strip()]

    def kept(self) -> str:
        """As text, for `from_kept`; empty where there is nothing to keep."""
        if self.get or self.secret or not self.fields:
            return ""
        text = json.dumps({"path": self.path, "fields": [(each.name, each.value) for each in self.fields]})
        return text if len(text) <= LONGEST_KEPT else ""


def sent(request: Request, wrong: Collection[str] = ()) -> Again:
    """The form or the query that a request came with; `wrong`: fields that are not as they must be."""
    given = request.query_params if request.method in SAFE else form_of(request)
    pairs = [(name, value) for name, value in given.multi_items() if isinstance(value, str)]
    return _again(request.url.path, request.method in SAFE, pairs, wrong)


def from_kept(text: str) -> Again | None:
    """What `Again.kept` wrote; None where it is not that."""
    try:
        document = json.loads(text)
        pairs = [(str(name), str(value)) for name, value in document["fields"]]
        path = local_path(document["path"], otherwise="")
    except (ValueError, TypeError, KeyError):
        return None
    return _again(path, False, pairs) if path else None


def page_behind(request: Request) -> str:
    """The page on which the form stood, as its address tells: of `/holds/7/decision` that is `/holds/7`."""
    if request.method in SAFE:
        return request.url.path if request.query_params else "/"
    back = form_of(request).get("back")
    if isinstance(back, str):
        return local_path(back)
    route = request.scope.get("route")
    template, path = getattr(route, "path", "").split("/"), request.url.path.split("/")
    if len(template) != len(path):
        return "/"
    known = (length for length in range(len(path), 1, -1) if "/".join(template[:length]) in request.app.state.pages)
    return local_path("/".join(path[: next(known, 1)]))


def _again(path: str, get: bool, pairs: list[tuple[str, str]], wrong: Collection[str] = ()) -> Again:
    fields = tuple(
        Typed(name, value, name in _BY_HAND or name in wrong) for name, value in pairs if name not in _OURS | _SECRET
    )
    return Again(path, get, fields, secret=any(name in _SECRET for name, _ in pairs))
