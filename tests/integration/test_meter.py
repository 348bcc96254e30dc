"""A small pyramid on a real Kafka: its meter rises above the line, its payers are warned, the effect is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.center import Center, demo_environment
from streams.kafka import KafkaSettings
from streams.outcomes import records_of
from streams.publishing import publish_files
from streams.topics import TopicSettings
from tests.conftest import QUICK_START
from tests.streams.events import document, valid_id, written

pytestmark = pytest.mark.kafka

SECONDS = 60.0
DAYS = 12
START = datetime.fromisoformat("2026-03-02T00:00:00+05:00")
REGIONS = ("KZ-10", "KZ-19", "KZ-31", "KZ-47", "KZ-61", "KZ-71", "KZ-75", "KZ-79")


def person(number: int) -> str:
    """A valid IIN, the same for the same number."""
    return next(found for serial in range(10) if (found := valid_id(f"860714{4000 + number:04d}{serial}")))


def transfer(day: float, payer: str, payee: str, tenge: int, purpose: str, region: str) -> dict[str, Any]:
    said = document(name="transaction")
    said |= {
        "occurred_at": (START + timedelta(days=day)).isoformat(timespec="milliseconds"),
        "event_id": f"{payer}-{payee}-{day:.6f}",
        "amount": f"{tenge}.00",
        "purpose": purpose,
        "payer": {"id": payer, "region": region},
        "payee": {"id": payee},
    }
    return {name: value for name, value in said.items() if name not in ("context", "device", "purpose_code")}


def story(collector: str) -> list[dict[str, Any]]:
    """Ever more people pay contributions and are paid a tenth a day later; two weeks on, one ordinary payment."""
    events, members = [], []
    for day in range(DAYS):
        for number in range(4 + day * 3):
            payer, region = person(len(members)), REGIONS[len(members) % len(REGIONS)]
            members.append((day, payer, region))
            events.append(transfer(day + 0.3 + number / 100, payer, collector, 50_000, "Взнос участника", region))
        events += [
            transfer(day + 0.8 + number / 10_000, collector, payer, 5_000, "Доход", "KZ-75")
            for number, (entered, payer, _) in enumerate(members)
            if entered < day
        ]
    # Every third comes back, whatever it is told; the rest leave.
    events += [
        transfer(DAYS + number / 1_000, payer, collector, 50_000, "Взнос", region)
        for number, (_, payer, region) in enumerate(members[::3])
    ]
    return [*events, transfer(DAYS + 14, person(900), person(901), 1_000, "За обед", "KZ-75")]


def said(servers: str, command: str) -> Any:
    """What a command prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", command, "--json", "--bootstrap-servers", servers],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_a_pyramid_is_metered_its_payers_warned_and_the_effect_told(tmp_path: Path) -> None:
    collector = person(999)
    events = story(collector)
    with Center(
        tmp_path,
        workers=1,
        followers=1,
        topics=TopicSettings(partitions=2),
        kafka=KafkaSettings(data=tmp_path / "kafka", port=0, java_options=QUICK_START),
        environment={**demo_environment(), "ANTIFRAUD_SNAPSHOT_SECONDS": "1"},
    ) as center:
        center.start_workers()
        center.wait_ready()
        servers = center.kafka.bootstrap_servers
        file = tmp_path / "story.jsonl"
        file.write_bytes(b"\n".join(map(written, events)) + b"\n")
        assert publish_files([file], bootstrap_servers=servers).acknowledged == len(events)
        deadline, last = time.monotonic() + SECONDS, {}
        # The last thing is that the time of everybody who was warned is over.
        while not last.get("warned_measured") or last["warned_measured"] < last["warned"]:
            assert time.monotonic() < deadline, f"not within {SECONDS:.0f} s: {last}"
            center.supervisor.check()
            time.sleep(0.5)
            effects = [json.loads(record.value) for record in records_of(servers, "warnings")]
            last = next((one for one in reversed(effects) if one["type"] == "warning_effect"), {})
        (meter,) = (one for one in said(servers, "meters") if one["above"])
        warnings = said(servers, "warnings")
    assert meter["index"] >= meter["line"]
    assert meter["index"] == pytest.approx(sum(part["points"] for part in meter["parts"]))
    assert meter["people"] == len({event["payer"]["id"] for event in events[:-1]} - {collector})
    assert meter["collector"] == last["payee"] == warnings["campaigns"][0]["payee"]
    assert warnings["all"]["warned"] > 0
    assert 0 < warnings["all"]["warned_paid_again"] < warnings["all"]["warned_measured"]
    assert warnings["all"]["held_out"] > 0
