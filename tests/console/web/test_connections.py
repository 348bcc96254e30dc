"""Every page says when what happens does not reach the store, and says nothing when it does."""

from __future__ import annotations

from typing import get_args

import pytest
from fastapi import FastAPI

from console.feed.process import FeedProcess
from console.feed.state import FeedState, Phase
from console.store.opening import Store
from console.texts import load
from console.web.house import wall_clock
from tests.console.web.clients import signed_in


@pytest.mark.parametrize("phase", get_args(Phase))
def test_pages_say_what_the_feed_does_unless_it_follows(store: Store, phase: Phase) -> None:
    browser = signed_in(store)
    app = browser.app
    assert isinstance(app, FastAPI)
    feed = FeedProcess("sqlite:///nowhere.db", "127.0.0.1:9")
    feed.state = FeedState(phase, wall_clock(), behind=3)
    app.state.feed = feed
    page = browser.get("/account").text
    if phase == "following":
        assert "3 records wait." not in page
        return
    assert load()("en", f"connections.{phase}") in page
    assert "3 records wait." in page


def test_a_console_without_kafka_says_nothing_of_it(store: Store) -> None:
    assert "notice wait" not in signed_in(store).get("/account").text
