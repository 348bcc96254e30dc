"""The files of a rulebook: where the packaged ones lie, how a folder is read, and the digest that tells two apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rules.yaml import MAX_BYTES

SETTINGS: Final = "rulebook.yaml"
PACKAGED: Final = Path(__file__).parent / "catalogue"


def read_documents(path: Path | str) -> dict[str, str]:
    """The YAML files of a folder and of its subfolders, one level deep: path inside the folder → text.

    Of a file that is too large only the beginning is read: enough for `parse` to refuse it.
    """
    root = Path(path)
    files = {file for pattern in ("*.yaml", "*.yml", "*/*.yaml", "*/*.yml") for file in root.glob(pattern)}
    documents = {}
    for file in sorted(files):
        with file.open(encoding="utf-8", errors="surrogateescape") as opened:
            documents[file.relative_to(root).as_posix()] = opened.read(MAX_BYTES + 1)
    return documents


def digest_of(documents: Mapping[str, str]) -> str:
    """SHA-256 over paths and texts: two rulebooks with the same digest judge the same."""
    digest = hashlib.sha256()
    for path in sorted(documents):
        for part in (path, documents[path]):
            data = part.encode("utf-8", "surrogateescape")
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()
