"""Every page that a role's links lead to answers, is light, asks no other host, and keeps what axe knows of WCAG."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from starlette.routing import Route

from console.web.routers import PAGES
from tests.browser.conftest import SCREENSHOTS, Tab, pictured

WEIGHT: Final = 300_000  # bytes of everything that one page asks for
_AXE: Final = Axe()
_ROUTES: Final = [route for router in PAGES for route in router.routes if isinstance(route, Route)]
_FILES: Final = re.compile(r"\.(csv|xml|pdf|json|svg)$|/sign-out|/live|/static/|/api/|/download")
_ROLES: Final = ("analyst", "senior", "compliance", "auditor", "admin")


_examined: set[str] = set()  # kinds of pages that some role has been through: axe takes a second for each


@pytest.mark.parametrize("role", _ROLES)
def test_every_page_of_a_role(role: str, somebody: Callable[..., Tab]) -> None:
    tab = somebody(role)
    began, kinds, faults = time.monotonic(), set[str](), []
    for kind, path in walked(tab):
        faults += [f"{path}: {fault}" for fault in complaints_of(tab)]
        if kind not in _examined:
            faults += [f"{path}: {fault}" for fault in faults_of(tab)]
            name = re.sub(r"[{}]|:path", "", kind).strip("/").replace("/", "-")
            with pictured(tab, SCREENSHOTS / "pages" / role, name):
                pass
        kinds.add(kind)
    new, seconds = len(kinds - _examined), time.monotonic() - began
    print(f"{role}: {len(kinds)} kinds of pages, {new} of them new, {seconds:.0f} s")
    _examined.update(kinds)
    assert not faults, "\n".join(faults)
    assert len(kinds) >= 3


def walked(tab: Tab) -> Iterator[tuple[str, str]]:
    """Opens one page of each kind that links lead to, from the first page on, breadth first: its kind and its path."""
    tab.open("")
    first = urlsplit(tab.page.url).path
    waiting, known = deque([(kind_of(first), first)]), {kind_of(first)}
    while waiting:
        kind, path = waiting.popleft()
        status = tab.open(path)
        assert status == 200, f"{path} answers {status}"
        yield kind, path
        for link in tab.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
            parts = urlsplit(link)
            kind = kind_of(parts.path)
            if not link.startswith(tab.address) or _FILES.search(parts.path) or kind in known:
                continue
            known.add(kind)
            waiting.append((kind, parts.path + (f"?{parts.query}" if parts.query else "")))


def kind_of(path: str) -> str:
    """Pages of one kind are answered by one function: its route, such as `/cases/{case_id}`."""
    return next((route.path for route in _ROUTES if route.path_regex.match(path)), path)


def complaints_of(tab: Tab) -> list[str]:
    """What the browser complained of since it was last asked."""
    complaints, tab.complaints = tab.complaints, []
    return complaints


def faults_of(tab: Tab) -> list[str]:
    """What is wrong with the page that is shown, whoever looks at it."""
    weight = sum(tab.bytes_of.values())
    faults = [f"weighs {weight:,} bytes"] if weight > WEIGHT else []
    broken = [rule for rule in _AXE.run(tab.page).response["violations"] if rule["impact"] in ("serious", "critical")]
    return faults + [f"{rule['id']}: {rule['help']}: {rule['nodes'][0]['html'][:160]}" for rule in broken]
