"""P1, P2, P3: kill -9 of random workers at random points; nothing missing, nothing twice, state exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.rulebook import Rulebook
from streams.outcomes import Outcomes
from streams.screening import Partition
from streams.snapshots import SnapshotStore
from streams.tokens import demo_keys
from tests.faults import harness, recomputed

pytestmark = pytest.mark.kafka

SECONDS_A_KILL = 18.0  # of the load: at most four workers are killed a minute


@pytest.mark.parametrize(("workers", "partitions"), [(1, 1), (2, 4)])
def test_killed_workers_lose_nothing_and_judge_nothing_twice(
    tmp_path: Path, fault_seed: int, kills: int, workers: int, partitions: int
) -> None:
    file = harness.simulated(tmp_path, people=min(350 * kills, 20_000), days=4, seed=fault_seed % 1000)
    events = file.read_bytes().count(b"\n")
    with (
        harness.center(tmp_path, workers=workers, partitions=partitions) as center,
        Outcomes(center.kafka.bootstrap_servers, keep_events=True) as seen,
    ):
        with harness.published(center.kafka.bootstrap_servers, file, rate=events / (kills * SECONDS_A_KILL)):
            waits = harness.kill_randomly(center, seen, kills, fault_seed, events)
        seen.wait_for(events, seconds=240, each=center.supervisor.check)
        cluster = _cluster(center)
        center.supervisor.check()
        center.supervisor.stop()
        seen.to_end()
    expected = harness.quiet_alerts(file)
    alerts = {alert.alert_id: alert.typology for alert in seen.alerts.values()}
    print(
        f"P1 judged {len(seen.events)} of {events}, P2 alerts {len(alerts)} of {len(expected)}, sent again "
        f"{seen.rows - seen.judged} rows and {sum(a.times - 1 for a in seen.alerts.values())} alerts, "
        f"restarts {center.supervisor.restarts}, seconds until judging again {[round(wait, 1) for wait in waits]}"
    )
    assert len(seen.events) == events
    assert set(seen.events.values()) == {1}
    assert harness.without_models(alerts) == harness.without_models(expected)
    assert center.supervisor.restarts >= kills
    _compare_histories(tmp_path / "snapshots", partitions, file, cluster)


def _cluster(center: harness.Center) -> str:
    return str(center.kafka.admin().describe_cluster()["cluster_id"])


def _compare_histories(folder: Path, partitions: int, file: Path, cluster: str) -> None:
    """Every history in the last snapshots equals the one recomputed from the file."""
    key = demo_keys()[0]
    store = SnapshotStore(str(folder), key.derive(b"snapshot"), cluster)
    restored = []
    for number in range(partitions):
        found = store.newest(number)
        assert found is not None, f"partition {number} left no snapshot"
        restored.append(Partition.restore(found[0], found[1], lambda _: Rulebook.load()))
    expected = recomputed.histories(file, key)
    assert sum(len(partition.engine.histories) for partition in restored) == len(expected)
    wrong = 0
    for subject, entries in expected.items():
        held = restored[subject % partitions].engine.histories.entries(subject)
        names = ("occurred_at", "event", "amount_kzt", "direction", "counterparty")
        got = sorted(zip(*(held[name].tolist() for name in names), strict=True))
        wrong += got != sorted(entries)[-len(got) :] or len(got) != min(len(entries), 4096)
    print(f"P3 histories {len(expected)}, wrong {wrong}")
    assert wrong == 0
