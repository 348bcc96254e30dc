"""The files of a draft: which names and sizes are taken, and how a draft differs from the rulebook it began from."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

from rules.yaml import MAX_BYTES
from streams.generations import MOST_BYTES

Files = Mapping[str, str]
Changes = Mapping[str, str | None]  # path → text, or None where the file is taken out

MOST_FILES: Final = 200
# A generation travels as one record of JSON: quotes and line ends take more room there.
MOST_TOTAL: Final = MOST_BYTES // 2
_NO_TEXT: Final = re.compile("[\ud800-\udfff]")  # halves of letters: UTF-8 has none
_PATH: Final = re.compile(r"rulebook\.yaml|(?:typologies|features|lists)/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.yaml")


class FilesRefused(ValueError):
    """Files that cannot be part of a draft; `key` is the text that says why to a person."""

    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


def is_path(path: str) -> bool:
    """Whether a file of a rulebook may have this name.

    >>> is_path("typologies/T90-night.yaml"), is_path("../secrets.yaml"), is_path("typologies/.yaml")
    (True, False, False)
    """
    return _PATH.fullmatch(path) is not None


def normal(text: str) -> str:
    r"""A text as it came from a browser's form, with the line ends that files have.

    >>> normal("id: T90\r\nversion: 1")
    'id: T90\nversion: 1\n'
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines if not lines or lines.endswith("\n") else lines + "\n"


def refuse_unusable(changes: Changes) -> None:
    """Refuse what no check can look at: names that no rulebook has, and what is no text.

    Raises:
        FilesRefused: says which.
    """
    for path, text in changes.items():
        if not is_path(path):
            raise FilesRefused("path", f"no file of a rulebook is called {path[:80]!r}")
        if text is not None and (_NO_TEXT.search(text) or "\x00" in text):
            raise FilesRefused("text", f"{path} is not plain text")


def refuse_large(changes: Changes) -> None:
    """Refuse files that would only be looked at in part; FilesRefused."""
    for path, text in changes.items():
        if text is not None and len(text.encode()) > MAX_BYTES:
            raise FilesRefused("large", f"{path} is larger than {MAX_BYTES // 1024} KB")


def applied(base: Files, changes: Changes) -> dict[str, str]:
    """The whole rulebook that changes make of a base.

    Raises:
        FilesRefused: it has too many files or too much text.
    """
    whole = {**base, **{path: text for path, text in changes.items() if text is not None}}
    for path, text in changes.items():
        if text is None:
            whole.pop(path, None)
    if len(whole) > MOST_FILES:
        raise FilesRefused("many", f"a rulebook has at most {MOST_FILES} files")
    if sum(len(text.encode()) for text in whole.values()) > MOST_TOTAL:
        raise FilesRefused("total", f"a rulebook is larger than {MOST_TOTAL >> 20} MB")
    return dict(sorted(whole.items()))


def changes_of(base: Files, whole: Files) -> dict[str, str | None]:
    """What `applied` needs to make `whole` of `base`."""
    changed: dict[str, str | None] = {path: text for path, text in whole.items() if base.get(path) != text}
    changed |= {path: None for path in base if path not in whole}
    return dict(sorted(changed.items()))


def carried_over(old_base: Files, new_base: Files, changes: Changes) -> tuple[dict[str, str | None], list[str]]:
    """A draft's changes on a newer base, and the files that both changed: there the author has to choose.

    >>> carried_over({"a": "1"}, {"a": "2"}, {"a": "3", "b": "4"})
    ({'a': '3', 'b': '4'}, ['a'])
    """
    conflicts = [
        path
        for path, text in changes.items()
        if new_base.get(path) != old_base.get(path) and new_base.get(path) != text
    ]
    kept = {path: text for path, text in changes.items() if new_base.get(path) != text}
    return kept, sorted(conflicts)


def unified(old: Files, new: Files) -> dict[str, list[str]]:
    """For each file that differs, its difference in lines as `diff -u` writes them, without the two head lines."""
    told = {}
    for path in changes_of(old, new):
        before, after = old.get(path, "").splitlines(), new.get(path, "").splitlines()
        told[path] = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return told
