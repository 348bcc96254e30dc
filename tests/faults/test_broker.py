"""P6: the broker is killed and frozen under load: all goes on by itself when it is back, and nothing is missing."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from streams import rulebook_feed
from streams.kafka import OwnKafka
from streams.outcomes import Outcomes
from tests.faults import harness

pytestmark = pytest.mark.kafka

RATE = 300.0
FROZEN_SECONDS = 10.0
BACK_SECONDS = 30.0


def test_a_broker_that_dies_and_freezes_under_load_costs_no_event(
    tmp_path: Path, fault_seed: int, long_form: bool
) -> None:
    kills, people, days = (20, 20_000, 6) if long_form else (2, 900, 5)
    chance = random.Random(fault_seed)
    file = harness.simulated(tmp_path, people, days, seed=fault_seed % 1000)
    events = file.read_bytes().count(b"\n")
    with (
        harness.center(tmp_path, workers=1, partitions=1) as center,
        Outcomes(center.kafka.bootstrap_servers, keep_events=True) as seen,
    ):
        kafka = center.kafka
        assert isinstance(kafka, OwnKafka), "a broker of this test's own is needed: unset KAFKA_BOOTSTRAP_SERVERS"
        waits = []

        def until_judged_again(since: float) -> None:
            judged = seen.judged
            while seen.judged == judged:
                center.supervisor.check()
                seen.poll()
                assert time.monotonic() - since < 2 * BACK_SECONDS, "nothing is judged any more"
            waits.append(time.monotonic() - since)

        with harness.published(kafka.bootstrap_servers, file, rate=RATE) as publisher:
            for number in range(kills + 1):
                harness.poll_for(seen, chance.uniform(1.0, 3.0))
                assert publisher.is_alive(), "there is no load any more"
                if number == kills // 2:
                    kafka.pause()
                    time.sleep(FROZEN_SECONDS)
                    kafka.resume()
                else:
                    kafka.kill()
                    time.sleep(chance.uniform(0.5, 60.0 if long_form else 4.0))
                    kafka.restart()
                until_judged_again(time.monotonic())
        seen.wait_for(events, seconds=120, each=center.supervisor.check)
        center.supervisor.stop()
        seen.to_end()
    expected = harness.quiet_alerts(file)
    alerts = {alert.alert_id: alert.typology for alert in seen.alerts.values()}
    print(
        f"P6 {kills} kills and 1 freeze of {FROZEN_SECONDS:.0f} s: judged {len(seen.events)} of {events}, alerts "
        f"{len(alerts)} of {len(expected)}, worker restarts {center.supervisor.restarts}, seconds until judging again "
        f"{[round(wait, 1) for wait in waits]}"
    )
    assert len(seen.events) == events
    assert set(seen.events.values()) == {1}
    assert harness.without_models(alerts) == harness.without_models(expected)
    assert max(waits) < BACK_SECONDS


def test_a_worker_does_not_take_an_unreachable_rulebook_for_an_unchanged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rulebook_feed, "FRESH_SECONDS", 2.0)
    with harness.unstarted(tmp_path, workers=1, partitions=1) as center:
        kafka = center.kafka
        assert isinstance(kafka, OwnKafka), "a broker of this test's own is needed: unset KAFKA_BOOTSTRAP_SERVERS"

        async def run() -> None:
            feed = rulebook_feed.RulebookFeed(kafka.bootstrap_servers)
            await feed.start()
            try:
                await asyncio.wait_for(feed.fresh(), 1)
                await asyncio.sleep(3)
                await asyncio.wait_for(feed.fresh(), 1)
                kafka.pause()
                await asyncio.sleep(3)
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(feed.fresh(), 1)
                kafka.resume()
                await asyncio.wait_for(feed.fresh(), 15)
            finally:
                kafka.resume()
                await feed.stop()

        asyncio.run(run())
