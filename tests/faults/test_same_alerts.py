"""P14: the same alerts whichever way: replayed from a file, and as a backlog over 1, 2 and 4 partitions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from streams.outcomes import Outcomes, records_of
from streams.publishing import publish_files
from tests.faults import harness

pytestmark = pytest.mark.kafka

SEED = 20
PEOPLE, DAYS = 600, 3


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
