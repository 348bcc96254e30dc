"""`antifraud demo`: a simulated week through real Kafka, with what was found and what was missed."""

from __future__ import annotations

import csv
import datetime
import signal
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rules.events import LOCAL_OFFSET_MS
from rules.rulebook import Rulebook
from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.aftermath import Aftermath, aftermath, wait_until_followed
from streams.alerts import ALERTS, read_topic
from streams.center import Center, NotReady, demo_environment
from streams.cli import demo_console
from streams.cli.common import JsonOption, console, errors_as_exit_codes, fail, output, print_json
from streams.explanation import explain
from streams.kafka import KafkaSettings
from streams.outcomes import Outcomes, percentile
from streams.publishing import Pace, publish_files
from streams.supervisor import WorkersFailing
from streams.topics import INSTITUTIONS, TopicSettings

DAYS = 7
KAZAKHSTAN = datetime.timezone(datetime.timedelta(milliseconds=LOCAL_OFFSET_MS))
LIVE_RATE = 500.0  # events a second of the last day, at which the demo shows latency


@dataclass(frozen=True, slots=True)
class Score:
    """How a typology did against the labels, by events."""

    typology: str
    alerts: int
    right: int  # alerts on events of a fraud, whichever
    labelled: int  # events labelled with this typology
    found: int  # of those, with an alert of any typology

    @property
    def precision(self) -> float | None:
        return self.right / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        return self.found / self.labelled if self.labelled else None


def demo(
    people: Annotated[int, typer.Option(min=200, help="People in the simulated country.")] = 5_000,
    seed: Annotated[int, typer.Option(help="The country's seed.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    partitions: Annotated[int, typer.Option(min=1, help="Parts that subjects are divided among.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Simulate a week, publish it as several institutions, and show what the center found.

    With a terminal the center keeps running until Ctrl-C; without one the demo ends by itself.
    """
    with errors_as_exit_codes(), tempfile.TemporaryDirectory(prefix="antifraud-demo-") as name:
        folder = Path(name)
        history, last_day, labels = _country(folder, people, seed)
        console.print("Starting Kafka, topics, rulebook and workers …")
        topics = TopicSettings(partitions=partitions)
        kafka = KafkaSettings(data=folder / "kafka", port=0)
        with Center(
            folder, workers=workers, followers=1, topics=topics, kafka=kafka, environment=demo_environment()
        ) as center:
            center.start_workers()
            try:
                center.wait_ready()
                with Outcomes(center.kafka.bootstrap_servers, keep_events=False) as outcomes:
                    result = _play(center, outcomes, history, last_day)
                    wait_until_followed(center, 60, center.supervisor.check)
                    outcomes.to_end()  # the alerts of traced money come last
                    result["scores"] = scores(outcomes, labels)
                console.print("Filling the case store of the console …")
                prepared = demo_console.prepare(demo_console.FOLDER, center.kafka.bootstrap_servers, topics)
            except (NotReady, WorkersFailing, TimeoutError) as error:
                fail(str(error))
            _show(result, center, prepared, as_json)
            if as_json:
                return
            if sys.stdin.isatty() and output.is_terminal:
                _stay(center, prepared)
            else:
                demo_console.show(prepared, None)


def _country(folder: Path, people: int, seed: int) -> tuple[Path, Path, Path]:
    """Six days of history, the last day apart, and the labels of both."""
    whole = folder / "week.jsonl"
    # The week that ended last midnight in Kazakhstan, so that the console shows legal clocks that still run.
    start = datetime.datetime.now(KAZAKHSTAN).date() - datetime.timedelta(days=DAYS)
    settings = Settings(DAYS, people, seed, start, institutions=len(INSTITUTIONS))
    summary = write_country(settings, whole, labels_beside(whole), lambda *_: None)
    lines = whole.read_bytes().splitlines(keepends=True)
    # The last hours of the week are played at a steady rate, so that latency means something.
    cut = max(0, len(lines) - 10_000)
    history, last = folder / "history.jsonl", folder / "last.jsonl"
    history.write_bytes(b"".join(lines[:cut]))
    last.write_bytes(b"".join(lines[cut:]))
    console.print(f"A country of {people:,} people: {summary.events:,} events in a week, seed {seed}.")
    return history, last, labels_beside(whole)


def _play(center: Center, outcomes: Outcomes, history: Path, last_day: Path) -> dict[str, Any]:
    """Publish the history as fast as it goes, then the last hours at LIVE_RATE; watch both."""
    servers = center.kafka.bootstrap_servers
    sizes = [path.read_bytes().count(b'"type":"transaction"') for path in (history, last_day)]
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    lines = sum(path.read_bytes().count(b"\n") for path in (history, last_day))
    acknowledged = bars.add_task("acknowledged", total=lines)
    judged = bars.add_task("judged", total=sum(sizes))
    failures: list[BaseException] = []
    caught_up = threading.Event()  # until then the agents behind the judged events are busy with the past

    def publish() -> None:
        try:
            for path, rate in ((history, None), (last_day, LIVE_RATE)):
                if rate is not None:
                    caught_up.wait(180)
                publish_files(
                    [path],
                    bootstrap_servers=servers,
                    live=rate is not None,  # as events of this moment: a replayed history waits for heartbeats
                    pace=Pace(rate=rate),
                    progress=lambda count: bars.advance(acknowledged, count),
                )
        except BaseException as error:
            failures.append(error)

    def look() -> None:
        center.supervisor.check()
        bars.update(judged, completed=outcomes.transactions)
        if failures:
            raise failures[0]
        if live:
            live.update(Group(bars, _tally(outcomes)))

    thread = threading.Thread(target=publish, daemon=True)
    live: Live | None = None
    with Live(bars, console=console, refresh_per_second=8, transient=True, auto_refresh=console.is_terminal) as shown:
        live = shown if console.is_terminal else None
        thread.start()
        outcomes.wait_for(sizes[0], 170, look, transactions=True)
        history_ms = (outcomes.last_judged_ms or 0) - (outcomes.first_judged_ms or 0)
        wait_until_followed(center, 90, look)
        before = set(outcomes.alerts)
        caught_up.set()
        outcomes.wait_for(sum(sizes), 170, look, transactions=True)
    thread.join(30)
    latencies = [alert.latency_ms for key, alert in outcomes.alerts.items() if key not in before]
    return {
        "events": sum(sizes),
        "judged": outcomes.transactions,
        "alerts": len(outcomes.alerts),
        "alerts_by_typology": dict(sorted(Counter(a.typology for a in outcomes.alerts.values()).items())),
        "throughput_events_per_s": round(sizes[0] / max(history_ms / 1000, 0.001)),
        "latency_ms": {
            "rate": LIVE_RATE,
            "alerts": len(latencies),
            "p50": percentile(latencies, 0.5),
            "p99": percentile(latencies, 0.99),
        },
        "restarts": center.supervisor.restarts,
    }


def _tally(outcomes: Outcomes) -> Table:
    table = Table("typology", "alerts", title=f"{len(outcomes.alerts):,} alerts so far")
    for typology, count in sorted(Counter(alert.typology for alert in outcomes.alerts.values()).items()):
        table.add_row(typology, f"{count:,}")
    return table


def scores(outcomes: Outcomes, labels: Path) -> list[Score]:
    """Precision and recall of each typology, by events, against a labels file."""
    with labels.open(encoding="utf-8", newline="") as file:
        scenario = {row["event_id"]: row["scenario"] for row in csv.DictReader(file) if row["label"] == "1"}
    labelled, found = Counter(scenario.values()), Counter[str]()
    raised, right = Counter[str](), Counter[str]()
    for event_id in {alert.event_id for alert in outcomes.alerts.values()}:
        found[scenario.get(event_id, "")] += 1
    for alert in outcomes.alerts.values():
        raised[alert.typology] += 1
        right[alert.typology] += alert.event_id in scenario
    return [Score(t, raised[t], right[t], labelled[t], found[t]) for t in sorted(set(labelled) | set(raised))]


def _show(result: dict[str, Any], center: Center, prepared: demo_console.Prepared, as_json: bool) -> None:
    found: list[Score] = result.pop("scores")
    alert = _worth_reading(center)
    then = aftermath(center.kafka.bootstrap_servers)
    result["alerts"] = sum(score.alerts for score in found)
    if as_json:
        rows = [
            {
                "typology": s.typology,
                "alerts": s.alerts,
                "precision": s.precision,
                "labelled": s.labelled,
                "recall": s.recall,
            }
            for s in found
        ]
        counted = {
            "holds": dict(then.holds_by_state),
            "notices": dict(then.notices_by_measure),
            "warnings": dict(then.warnings_by_rule),
            "suspected_pyramids": sum(meter.above for meter in then.meters),
        }
        store = {"store": prepared.store, "open": prepared.command, "cases": [c._asdict() for c in prepared.cases]}
        explained = alert.alert_id if alert else None
        print_json({**result, **counted, "typologies": rows, "explained": explained, "console": store})
        return
    names = {typology.id: typology.name.en for typology in Rulebook.load().typologies}
    table = Table("typology", "what it finds", "alerts", "precision", "labelled events", "recall")
    for score in found:
        table.add_row(
            score.typology,
            names.get(score.typology, ""),
            f"{score.alerts:,}",
            _share(score.precision),
            f"{score.labelled:,}",
            _share(score.recall),
        )
    output.print(table)
    latency = result["latency_ms"]
    output.print(
        f"{result['events']:,} transactions judged once each, {result['alerts']:,} alerts. "
        f"Backlog drained at {result['throughput_events_per_s']:,} events/s; then at {latency['rate']:.0f} events/s, "
        f"from an event to its alert: p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms "
        f"({latency['alerts']} alerts)."
    )
    output.print(
        "Precision: alerts on events of a fraud. Recall: events of the fraud with an alert; its first ones look honest "
        "and cannot have any.",
        style="dim",
    )
    _show_what_followed(then)
    if alert is not None:
        output.print(f"\nOne alert explained (antifraud explain {alert.alert_id}):\n")
        output.print(explain(alert, "en", most=8), highlight=False)


def _show_what_followed(then: Aftermath) -> None:
    """Holds, notices, warnings and meters, a line each, with the command that shows them."""

    def counted(counts: Counter[str]) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"

    table = Table("what followed", "how many", "shown by")
    table.add_row("holds by state", counted(then.holds_by_state), "antifraud holds")
    table.add_row("notices to other bodies", counted(then.notices_by_measure), "antifraud notices")
    table.add_row("payers warned", counted(then.warnings_by_rule), "antifraud warnings")
    above = [meter for meter in then.meters if meter.above]
    worst = f"; the highest: {above[0].summary.en}" if above else ""
    table.add_row("suspected pyramids", f"{len(above)} of {len(then.meters)} watched{worst}", "antifraud meters")
    output.print(table)


def _worth_reading(center: Center) -> Any:
    """The alert of the highest score, preferably of a pyramid or a mule."""
    alerts = list(read_topic(center.kafka.bootstrap_servers, ALERTS))
    order = ("T01", "T03", "T12")
    return max(alerts, key=lambda a: (a.typology.id in order, a.score, a.alert_id), default=None)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _stay(center: Center, prepared: demo_console.Prepared) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    servers = center.kafka.bootstrap_servers
    with demo_console.running(prepared, servers) as address:
        demo_console.show(prepared, address)
        console.print(
            f"\nThe center keeps running. In another terminal: KAFKA_BOOTSTRAP_SERVERS={servers} antifraud alerts"
        )
        for port in center.ports:
            console.print(f"  http://127.0.0.1:{port}/metrics")
        console.print("Ctrl-C ends it.")
        while not stop.wait(0.5):
            center.supervisor.check()
