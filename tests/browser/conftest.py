"""A whole center with a week of an invented country in it, its console as people run it, and a real browser."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize, sync_playwright

from console.texts import Language
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.aftermath import wait_until_followed
from streams.center import Center, demo_environment
from streams.cli import demo_console
from streams.kafka import KafkaSettings
from streams.outcomes import Outcomes
from streams.publishing import publish_files
from streams.topics import TopicSettings
from tests.conftest import QUICK_START
from tests.tools.chromium import fill_door, launch

PEOPLE: Final = 1_200
DAYS: Final = 5
SECONDS: Final = 240.0
SCREENSHOTS: Final = Path("var/screenshots")


@dataclass(frozen=True)
class Site:
    """Where the console answers, the center behind it, and what the demo opened in it."""

    address: str
    center: Center
    prepared: demo_console.Prepared


@dataclass
class Tab:
    """A page of somebody signed in, with everything that it asked for and complained of."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    bytes_of: dict[str, int] = field(default_factory=dict)  # what the page that is shown weighed, by address

    def open(self, path: str) -> int:
        """Go to a page of ours; its status."""
        self.bytes_of.clear()
        answer = self.page.goto(self.address + path.removeprefix("/"))
        assert answer is not None
        return answer.status


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One center for all tests: they look at one country, and each works on cases and alerts of its own."""
    folder = tmp_path_factory.mktemp("center")
    file = folder / "week.jsonl"
    # The days before this one: clocks of the law still run, and nothing lies in the future.
    start = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=DAYS + 1)
    write_country(Settings(DAYS, PEOPLE, 1, start, institutions=6), file, labels_beside(file), lambda *_: None)
    topics = TopicSettings(partitions=1)
    kafka = KafkaSettings(data=folder / "kafka", port=0, heap_mib=512, java_options=QUICK_START)
    with Center(folder, followers=1, topics=topics, kafka=kafka, environment=demo_environment()) as center:
        center.start_workers()
        center.wait_ready()
        servers = center.kafka.bootstrap_servers
        publish_files([file], bootstrap_servers=servers)
        events = file.read_bytes().count(b'"type":"transaction"')
        with Outcomes(servers) as seen:
            seen.wait_for(events, SECONDS, center.supervisor.check, transactions=True)
        wait_until_followed(center, SECONDS, center.supervisor.check)
        prepared = demo_console.prepare(folder / "console", servers, topics)
        with demo_console.running(prepared, servers) as address:
            yield Site(address, center, prepared)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except FileNotFoundError as missing:
            pytest.fail(str(missing))
        yield browser
        browser.close()


@pytest.fixture
def somebody(site: Site, chromium: Browser) -> Iterator[Callable[..., Tab]]:
    """Signs somebody in: `somebody("senior", "kk")` is a tab of its own, in a context of its own.

    Its third argument is whether the browser runs scripts.
    """
    contexts: list[BrowserContext] = []

    def signed_in(username: str, language: Language = "en", scripts: bool = True) -> Tab:
        tab, context = sign_in(chromium, site.address, username, language, scripts)
        contexts.append(context)
        return tab

    yield signed_in
    for context in contexts:
        context.close()


def sign_in(
    chromium: Browser, address: str, username: str, language: str, scripts: bool = True
) -> tuple[Tab, BrowserContext]:
    """A tab of somebody who has signed in to a demo's console, and the context to be closed after it."""
    window: ViewportSize = {"width": 1360, "height": 900}
    context = chromium.new_context(viewport=window, locale=language, java_script_enabled=scripts)
    tab = watched(context.new_page(), address)
    tab.open("sign-in")
    fill_door(tab.page, username)
    tab.page.wait_for_url(lambda url: "sign-in" not in url)
    tab.page.locator(f"button[name=language][value={language}]").click()
    tab.page.locator(f"html[lang={language}]").wait_for()
    return tab, context


def watched(page: Page, address: str) -> Tab:
    """A tab that notes what its page complains of, asks of other hosts, and weighs."""
    tab = Tab(page, address)

    def asked(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            tab.complaints.append(f"asks {request.url.split('/')[2]}")

    def finished(request: Request) -> None:
        tab.bytes_of[request.url] = request.sizes()["responseBodySize"]

    page.on("request", asked)
    page.on("requestfinished", finished)
    page.on("pageerror", lambda error: tab.complaints.append(f"script: {error}"))
    page.on("console", lambda said: tab.complaints.append(said.text) if said.type == "error" else None)
    return tab


@contextmanager
def pictured(tab: Tab, folder: Path, name: str) -> Iterator[None]:
    """Keep a picture of what the tab shows at the end, also where the block fails."""
    try:
        yield
    finally:
        folder.mkdir(parents=True, exist_ok=True)
        tab.page.screenshot(path=folder / f"{name}.png", full_page=True)
