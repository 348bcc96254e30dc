"""The latest alerts of a typology: found in the store with what led to them, changed, and silent by the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from console.rulebooks.alert_evasions import of_alerts
from console.rulebooks.evasion_changes import Change
from console.rulebooks.kept_events import pick
from console.rulebooks.stories import Kept, story_of_events, verdict
from console.store.opening import Store
from console.store.recent_alerts import RecentAlert, latest
from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.engine import Judgement
from streams.replay import replay
from tests.console.builders import NOW, SOURCE, TOKENS, feed

TYPOLOGY = "T03"
FEW = 2


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rulebook, list[bytes], list[bytes]]:
    """The packaged rulebook, and what it makes of a small country: records of `judged` and of alerts."""
    out = tmp_path_factory.mktemp("country") / "events.jsonl"
    write_country(Settings(people=400, days=2, seed=3), out, labels_beside(out))
    book, frames, alerts, rows = Rulebook.load(), list[bytes](), dict[str, bytes](), 0

    def on_judgement(judgement: Judgement) -> None:
        nonlocal rows
        sources = [(SOURCE, 0)] * (int(judgement.rows["source"].max()) + 1)
        frames.append(judgement.frame(rows, (NOW, 0), sources))
        rows += len(judgement.rows)

    def on_alert(alert: SuspiciousOperation) -> None:
        alerts.setdefault(alert.alert_id, alert.model_dump_json(exclude_none=True).encode())

    replay([out], book, TOKENS, on_judgement=on_judgement, on_alert=on_alert)
    return book, frames, list(alerts.values())


@pytest.fixture
def alerts(store: Store, judged: tuple[Rulebook, list[bytes], list[bytes]]) -> Iterator[list[RecentAlert]]:
    """The latest alerts as the store finds them."""
    _, frames, raised = judged
    feed(store, "judged", *frames)
    feed(store, "suspicious-operations", *raised)
    with store.reading() as connection:
        yield latest(connection, TYPOLOGY, FEW)


def finder(frames: list[bytes]) -> Callable[[Mapping[int, int], Callable[[], bool]], dict[int, Kept]]:
    def find(wanted: Mapping[int, int], _: Callable[[], bool]) -> dict[int, Kept]:
        return {event: kept for frame in frames for event, kept in pick(frame, set(wanted)).items()}

    return find


def test_what_is_told_of_a_real_alert_would_have_kept_it_silent(
    alerts: list[RecentAlert], judged: tuple[Rulebook, list[bytes], list[bytes]]
) -> None:
    book, frames, _ = judged
    find, place = finder(frames), [one.id for one in book.typologies].index(TYPOLOGY)
    done = list[tuple[int, int]]()
    told = of_alerts(book, TYPOLOGY, alerts, find, progress=lambda *how_far: done.append(how_far))
    assert done == [(1, FEW), (2, FEW)]
    assert [(one.standing, one.missing) for one in told] == [("found", 0)] * FEW
    for alert, one in zip(alerts, told, strict=True):
        story = story_of_events(find(alert.appended_at, lambda: False).values(), alert.own)
        assert not verdict(book, place, story).silent  # as it was, it is raised again
        assert [way.price for way in one.ways] == sorted(way.price for way in one.ways)
        for way in one.ways:
            changed = story
            for step in way.steps:
                changed = Change(step.kind, step.number).apply(changed)  # type: ignore[arg-type]
            assert verdict(book, place, changed).silent
            assert TYPOLOGY not in way.still_caught_by


def test_what_the_log_no_longer_keeps_is_told(
    alerts: list[RecentAlert], judged: tuple[Rulebook, list[bytes], list[bytes]]
) -> None:
    book, frames, _ = judged
    alert = alerts[0]
    gone = of_alerts(book, TYPOLOGY, [alert], finder([]))[0]
    assert (gone.standing, gone.operations, gone.missing) == ("gone", 0, len(alert.appended_at))

    def itself_alone(wanted: Mapping[int, int], ended: Callable[[], bool]) -> dict[int, Kept]:
        return {event: kept for event, kept in finder(frames)(wanted, ended).items() if event == alert.event}

    left = of_alerts(book, TYPOLOGY, [alert], itself_alone)[0]
    assert (left.standing, left.operations, left.ways) == ("not_raised", 1, [])
    assert of_alerts(book, TYPOLOGY, [alert], finder(frames), seconds=0)[0].standing == "no_time"
