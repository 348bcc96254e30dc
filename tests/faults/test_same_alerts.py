"""P14: the same alerts whichever way: replayed, at 2,000 events/s, and as a backlog over 1, 2 and 4 partitions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from streams.outcomes import Outcomes, records_of
from streams.publishing import Pace, publish_files
from tests.faults import harness

pytestmark = pytest.mark.kafka

SEED = 20
PEOPLE, DAYS = 600, 3
RATE = 2_000.0


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return harness.simulated(tmp_path_factory.mktemp("country"), PEOPLE, DAYS, SEED)


@pytest.fixture(scope="module")
def expected(file: Path) -> dict[str, str]:
    found = harness.quiet_alerts(file)
    assert len(set(found.values())) >= 5, "the file must hold several frauds"
    return found


@pytest.mark.parametrize(("workers", "partitions"), [(1, 1), (1, 2), (2, 4)])
def test_a_backlog_over_any_partitions_gives_the_alerts_of_the_replay(
    tmp_path: Path, file: Path, expected: dict[str, str], workers: int, partitions: int
) -> None:
    """Everything is on the topics before the first worker starts: one bank's Tuesday may meet another's Thursday."""
    events = file.read_bytes().count(b"\n")
    with harness.unstarted(tmp_path, workers=workers, partitions=partitions) as center:
        published = publish_files([file], bootstrap_servers=center.kafka.bootstrap_servers)
        assert published.acknowledged == events
        with Outcomes(center.kafka.bootstrap_servers, keep_events=True) as seen:
            center.start_workers()
            seen.wait_for(events, seconds=120, each=center.supervisor.check)
            center.supervisor.stop()
            seen.to_end()
        rejected = [
            r
            for name in center.topics.institutions
            for r in records_of(center.kafka.bootstrap_servers, f"rejected.{name}")
        ]
    alerts = {alert.alert_id: alert.typology for alert in seen.alerts.values()}
    wanted, got = harness.without_models(expected), harness.without_models(alerts)
    models = {alert for alert, typology in expected.items() if typology == "T22"}
    same = len(models & set(alerts))
    print(
        f"P14 {partitions} partitions, {workers} workers: {len(seen.events)} of {events} events, {len(got)} alerts, "
        f"{len(got ^ wanted)} different; T22 {same} of {len(models)} the same, {len(set(alerts) - got - models)} new; "
        f"{dict(sorted(Counter(expected.values()).items()))}"
    )
    assert rejected == []
    assert len(seen.events) == events
    assert set(seen.events.values()) == {1}
    assert got == wanted
    assert center.supervisor.restarts == 0
    if partitions == 1:
        assert set(alerts) == set(expected), "one partition: the models' alerts too"


def test_a_week_at_a_steady_rate_gives_the_alerts_of_the_replay(tmp_path: Path, long_form: bool) -> None:
    people, days = (5_000, 7) if long_form else (PEOPLE, DAYS)
    file = harness.simulated(tmp_path, people, days, SEED + 1)
    events = file.read_bytes().count(b"\n")
    with (
        harness.center(tmp_path, workers=1, partitions=2) as center,
        Outcomes(center.kafka.bootstrap_servers, keep_events=True) as seen,
    ):
        publish_files([file], bootstrap_servers=center.kafka.bootstrap_servers, pace=Pace(rate=RATE))
        seen.wait_for(events, seconds=120, each=center.supervisor.check)
    wanted = harness.without_models(harness.quiet_alerts(file))
    got = harness.without_models({alert.alert_id: alert.typology for alert in seen.alerts.values()})
    print(f"P14 {events} events at {RATE:.0f}/s: {len(got)} alerts, {len(got ^ wanted)} different")
    assert set(seen.events.values()) == {1}
    assert got == wanted
