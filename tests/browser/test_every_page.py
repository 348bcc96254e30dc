"""Every page that a role's links lead to answers, is light, asks no other host, and keeps what axe knows of WCAG."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import SCREENSHOTS, Tab, pictured

WEIGHT: Final = 300_000  # bytes of everything that one page asks for
_AXE: Final = Axe()
# What is different on two pages of one kind: identifiers, tokens, numbers.
_VARIABLE: Final = re.compile(r"(?<=/)([0-9a-f]{16,64}|[a-z0-9]{1,8}:[0-9a-f]{16,32}|[0-9]+|T[0-9]{2,3})(?=/|$)")
_FILES: Final = re.compile(r"\.(csv|xml|pdf|json|svg)$|/sign-out|/live|/static/|/api/|/download")
_ROLES: Final = ("analyst", "senior", "compliance", "auditor", "admin")


@pytest.mark.parametrize("role", _ROLES)
def test_every_page_of_a_role(role: str, somebody: Callable[..., Tab]) -> None:
    tab = somebody(role)
    seen, faults = 0, []
    for path in walked(tab):
        seen += 1
        faults += [f"{path}: {fault}" for fault in faults_of(tab)]
        with pictured(tab, SCREENSHOTS / "pages" / role, _shape(path).strip("/").replace("/", "-") or "home"):
            pass
    print(f"{role}: {seen} kinds of pages")
    assert not faults, "\n".join(faults)
    assert seen >= 3


def walked(tab: Tab) -> Iterator[str]:
    """Opens one page of each kind that links lead to, from the first page on, breadth first."""
    tab.open("")
    waiting, known = deque([urlsplit(tab.page.url).path]), {_shape(urlsplit(tab.page.url).path)}
    while waiting:
        path = waiting.popleft()
        status = tab.open(path)
        assert status == 200, f"{path} answers {status}"
        yield path
        for link in tab.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
            parts = urlsplit(link)
            if not link.startswith(tab.address) or _FILES.search(parts.path) or _shape(parts.path) in known:
                continue
            known.add(_shape(parts.path))
            waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))


def faults_of(tab: Tab) -> list[str]:
    """What is wrong with the page that is shown."""
    faults, tab.complaints = tab.complaints, []
    weight = sum(tab.bytes_of.values())
    if weight > WEIGHT:
        faults.append(f"weighs {weight:,} bytes")
    for rule in _AXE.run(tab.page).response["violations"]:
        if rule["impact"] in ("serious", "critical"):
            faults.append(f"{rule['id']}: {rule['help']}: {rule['nodes'][0]['html'][:160]}")
    return faults


def _shape(path: str) -> str:
    return _VARIABLE.sub("-", urlsplit(path).path)
