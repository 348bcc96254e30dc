"""The counterfactual of an alert is told by the rulebook that judged it, whichever is in force or packaged now."""

from __future__ import annotations

from fastapi import FastAPI

from console.rulebooks.desk import Desk
from console.rulebooks.shelf import Shelf
from console.rulebooks.workshop import Workshop
from console.store.opening import Store
from tests.console.builders import NOW, alert, feed
from tests.console.rulebooks.test_approval import PATH, Topic, lower
from tests.console.web.clients import signed_in
from tests.rules.small import documents


def test_an_alert_is_explained_by_the_generation_that_judged_it(store: Store) -> None:
    topic = Topic()
    # The threshold was changed, and the typology's version left as it was.
    judged_by = [topic.known.all[0], topic.activate({**documents(), PATH: lower("0.4")}, activated_by="somebody")]
    digests = [generation.digest for generation in judged_by] + ["0" * 64]
    for number, digest in enumerate(digests):
        rulebook = {"version": "test", "digest": digest, "generation": number + 1}
        feed(store, "suspicious-operations", alert(number, typology="T90", rulebook=rulebook))
    browser = signed_in(store)
    assert isinstance(browser.app, FastAPI)
    shelf = Shelf(topic.read, lambda: NOW)
    browser.app.state.desk = Desk(store, shelf, Workshop(), lambda: NOW)

    told = [browser.get(f"/api/alerts/{number:032x}").json()["counterfactual"] for number in range(3)]
    assert [one and one["threshold"] for one in told] == [0.5, 0.4, None]
    assert "It alerts from 0.40 on" in browser.get(f"/alerts/{1:032x}").text
    unknown = browser.get(f"/alerts/{2:032x}").text
    assert "The rulebook that judged this alert (version test, generation 3) is not known here" in unknown
