"""The menu: which pages there are, in the order of a day's work, and who sees which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI

from console.people.roles import Permission
from console.web.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu; its text is `common.nav.<name>`."""

    name: str
    path: str
    permissions: tuple[Permission, ...]  # one of them is enough
    key: str = ""  # after g: goes there


ENTRIES: Final = (
    Entry("queue", "/queue", ("alerts.read",), "q"),
    Entry("cases", "/cases", ("cases.read",), "c"),
    Entry("proposals", "/proposals", ("proposals.make", "proposals.check", "rulebook.check"), "p"),
    Entry("holds", "/holds", ("holds.read",), "h"),
    Entry("notices", "/notices", ("holds.read",), "n"),
    Entry("pyramids", "/pyramids", ("pyramids.read",), "y"),
    Entry("warnings", "/warnings", ("pyramids.read",), "w"),
    Entry("registries", "/registries", ("registries.read",), "r"),
    Entry("rulebook", "/rulebook", ("rulebook.read",), "b"),
    Entry("search", "/identities", ("identities.reveal",), "f"),
    Entry("statistics", "/statistics", ("statistics.read",), "s"),
    Entry("audit", "/audit", ("audit.read",), "a"),
    Entry("people", "/people", ("people.manage",), "m"),
)


def entries_for(app: FastAPI, viewer: Viewer | None) -> list[Entry]:
    """What a viewer may open, of the pages that this server has."""
    if viewer is None or viewer.must_enrol:
        return []
    pages: frozenset[str] = app.state.pages
    return [entry for entry in ENTRIES if entry.path in pages and viewer.can(*entry.permissions)]


def home_of(app: FastAPI, viewer: Viewer) -> str:
    """Where a viewer's day begins."""
    return next((entry.path for entry in entries_for(app, viewer)), "/account")
