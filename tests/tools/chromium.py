"""Debian's Chromium without a window, and a demo's door in it: for browser tests and load tests."""

from __future__ import annotations

import os
import shutil
from typing import Final

from playwright.sync_api import Browser, Page, Playwright

from console.people.passwords import DEMO_PASSWORD

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def launch(playwright: Playwright) -> Browser:
    """A browser, which the caller closes.

    Raises:
        FileNotFoundError: there is none on this machine.
    """
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        message = "Chromium is not installed: run deploy/debian-packages as root, or install Debian's chromium."
        raise FileNotFoundError(message)
    # A browser that runs as root, as in CI, has no sandbox of its own.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=found, args=arguments)


def fill_door(page: Page, username: str) -> None:
    """Sign in on the form that is shown."""
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(DEMO_PASSWORD)
    page.locator("[name=password]").press("Enter")
