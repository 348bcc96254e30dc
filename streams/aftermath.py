"""What the agents behind `judged` have put out, counted: holds, notices, warnings, meters; for the demo and tests."""

from __future__ import annotations

import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from streams.center import Center
from streams.contracts.hold import HoldEvent
from streams.contracts.notice import NoticeEvent
from streams.contracts.pyramid_meter import PyramidMeter
from streams.contracts.warning import Warning
from streams.reports import latest, read_to_end
from streams.warn import WARNINGS


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Everything counted once, however often it was sent."""

    holds_by_state: Counter[str] = field(default_factory=Counter)
    notices_by_measure: Counter[str] = field(default_factory=Counter)
    warnings_by_rule: Counter[str] = field(default_factory=Counter)
    meters: list[PyramidMeter] = field(default_factory=list)  # the latest of each collector, the highest first


def wait_until_followed(center: Center, seconds: float, each: Callable[[], None] = lambda: None) -> None:
    """Wait until the process behind `judged` has read all that stands there, and nothing waits for marks.

    Raises:
        TimeoutError: it has not, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 3:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the judged events were not followed within {seconds:.0f} s")
        each()
        time.sleep(0.3)
        quiet = quiet + 1 if _behind(center) == 0 else 0


def _behind(center: Center) -> float:
    """Records and events that nobody has followed yet, of whichever process is at work; 1 where none is."""
    for port in center.follower_ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        found = {sample.name: sample.value for family in families for sample in family.samples}
        if found.get("antifraud_follower_at_work"):
            return found["antifraud_follower_lag_records"] + found["antifraud_follower_waiting_events"]
    return 1.0


def aftermath(bootstrap_servers: str) -> Aftermath:
    """Count what stands on the topics now."""
    holds = latest(
        read_to_end(bootstrap_servers, "holds", HoldEvent), lambda hold: hold.hold_id, lambda hold: hold.number
    )
    notices = {notice.notice_id: notice for notice in read_to_end(bootstrap_servers, "notices", NoticeEvent)}
    warnings = {told.warning_id: told for told in read_to_end(bootstrap_servers, WARNINGS, Warning)}
    meters = latest(
        read_to_end(bootstrap_servers, "meters", PyramidMeter),
        lambda meter: meter.collector,
        lambda meter: int(meter.at.timestamp() * 1000),
    )
    return Aftermath(
        Counter(hold.state for hold in holds.values()),
        Counter(notice.measure for notice in notices.values()),
        Counter(told.rule for told in warnings.values()),
        sorted(meters.values(), key=lambda meter: -meter.index),
    )
