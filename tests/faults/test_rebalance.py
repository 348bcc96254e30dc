"""P11: workers join, leave and die under load: nothing missing, nothing twice, every stop in good time."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from streams.kafka import free_port
from streams.outcomes import Outcomes
from streams.supervisor import Supervisor
from tests.faults import harness

pytestmark = pytest.mark.kafka

STOP_SECONDS = 15.0


def test_workers_that_come_and_go_lose_nothing_and_judge_nothing_twice(
    tmp_path: Path, fault_seed: int, long_form: bool
) -> None:
    changes, people, days = (50, 20_000, 4) if long_form else (4, 1_300, 4)
    chance = random.Random(fault_seed)
    file = harness.simulated(tmp_path, people, days, seed=fault_seed % 1000)
    events = file.read_bytes().count(b"\n")
    stops: list[float] = []
    waits: list[float] = []
    with (
        harness.center(tmp_path, workers=2, partitions=4) as center,
        Outcomes(center.kafka.bootstrap_servers, keep_events=True) as seen,
    ):

        def wait_judged() -> None:
            began, judged = time.monotonic(), seen.judged
            while seen.judged == judged and seen.judged < events:
                center.supervisor.check()
                seen.poll()
                assert time.monotonic() - began < 60, "nothing is judged any more"
            waits.append(time.monotonic() - began)

        with harness.published(center.kafka.bootstrap_servers, file, rate=events / (changes * 9.0)):
            for number in range(changes):
                harness.poll_for(seen, chance.uniform(0.5, 2.0))
                if number % 2 == 0:
                    chance.choice(center.supervisor.processes).send_signal(signal.SIGKILL)
                    wait_judged()
                    continue
                port = free_port()
                third = Supervisor({"worker-3": center.environment(port)}, tmp_path / "logs")
                third.start()
                try:
                    deadline = time.monotonic() + 60
                    while not center.is_ready(port):
                        assert time.monotonic() < deadline, "the third worker does not join"
                        harness.poll_for(seen, 0.3)
                    harness.poll_for(seen, chance.uniform(0.5, 2.0))
                    assert third.processes[0].poll() is None
                finally:
                    began = time.monotonic()
                    third.stop()
                    stops.append(time.monotonic() - began)
                assert third.processes[0].returncode == 0, "an orderly end"
                wait_judged()
        seen.wait_for(events, seconds=120, each=center.supervisor.check)
        began = time.monotonic()
        center.supervisor.stop()
        stops.append(time.monotonic() - began)
        seen.to_end()
        joined = (tmp_path / "logs" / "worker-3.log").read_text().count('"partition taken over"')
    expected = harness.quiet_alerts(file)
    alerts = {alert.alert_id: alert.typology for alert in seen.alerts.values()}
    print(
        f"P11 {changes} kills, joins: judged {len(seen.events)} of {events}, alerts {len(alerts)} of {len(expected)}, "
        f"sent again {seen.rows - seen.judged} rows, the third worker took {joined} partitions, seconds until judging "
        f"again {[round(wait, 1) for wait in waits]}, to stop {[round(stop, 1) for stop in stops]}"
    )
    assert joined > 0
    assert len(seen.events) == events
    assert set(seen.events.values()) == {1}
    assert harness.without_models(alerts) == harness.without_models(expected)
    assert max(stops) < STOP_SECONDS
