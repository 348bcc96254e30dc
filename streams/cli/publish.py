"""`antifraud publish`: files of events to their publishers' topics, with every line's fate known."""

from __future__ import annotations

import time
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from streams.cli.common import EXIT, JsonOption, console, errors_as_exit_codes, fail, output, print_json
from streams.contracts.generate import INCOMING
from streams.delivery import BrokerUnreachable, DeliveryError, TopicMissing
from streams.event_files import Survey
from streams.kafka import Kafka, KafkaSettings
from streams.publishing import NotDelivered, Pace, Published, Unsorted, publish_files

Servers = Annotated[
    str | None, typer.Option("--bootstrap-servers", help="Another cluster. [env: KAFKA_BOOTSTRAP_SERVERS]")
]


def publish(
    files: Annotated[
        list[Path], typer.Argument(help="JSON Lines, plain or .gz; several are merged by time.", exists=True)
    ],
    institution: Annotated[
        str | None, typer.Option("--as", metavar="BIC", help="Publish every line as this institution.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="TYPE", help="Publish this type of record only; repeatable.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events a second.")] = None,
    speed: Annotated[float | None, typer.Option(min=0.001, help="Times as fast as the events occurred.")] = None,
    live: Annotated[bool, typer.Option("--live", help="As events of this moment, not as history.")] = False,
    late: Annotated[bool, typer.Option("--late", help="Let history that is out of order be judged late.")] = False,
    bootstrap_servers: Servers = None,
    as_json: JsonOption = False,
) -> None:
    """Publish files of events, each to the topic of its type and publisher, and wait for every acknowledgement.

    A file may hold records of all types, sorted by occurred_at.

    Files are history unless --live is given: judged in order of occurred_at, while live events wait. Lines that are
    not valid events are published as they are, and rejected by the center with a reason.

    Exit codes: 0 everything acknowledged; 2 wrong arguments or files; 3 no Kafka answers; 4 at least one line has not
    reached Kafka, either because its topic cannot be told or is not there, or because the broker did not
    acknowledge it: then publishing has stopped, and the first such line is named. Publishing a file again does no
    harm: events that have arrived already are recognised.
    """
    if rate and speed:
        fail("--rate and --speed exclude each other.")
    for kind in only or ():
        if kind not in INCOMING:
            near = get_close_matches(kind, INCOMING, n=1)
            meant = f" Is {near[0]} meant?" if near else ""
            fail(f"--only: {kind!r} is not one of {', '.join(INCOMING)}.{meant}")
    settings = KafkaSettings()
    if bootstrap_servers is not None:
        settings = settings.model_copy(update={"bootstrap_servers": bootstrap_servers})
    with errors_as_exit_codes(), _progress() as bar:
        servers = Kafka.find(settings).bootstrap_servers
        task = bar.add_task("reading", total=None)
        try:
            published = publish_files(
                files,
                bootstrap_servers=servers,
                institution=institution,
                only=only or (),
                live=live,
                late=late,
                pace=Pace(rate, speed),
                surveyed=lambda survey: _begin(bar, task, survey),
                progress=lambda acknowledged: bar.update(task, completed=acknowledged),
            )
        except (Unsorted, TopicMissing) as error:
            bar.stop()
            fail(error.message, error.remedy, EXIT.USAGE)
        except BrokerUnreachable as error:
            bar.stop()
            fail(error.message, error.remedy, EXIT.KAFKA)
        except NotDelivered as error:
            bar.stop()
            if as_json:
                print_json(
                    {
                        "acknowledged": error.acknowledged,
                        "first_not_acknowledged": {"file": error.place.file, "line": error.place.line},
                        "reason": error.reason,
                    }
                )
            fail(error.message, error.remedy, EXIT.NOT_DELIVERED)
        except DeliveryError as error:
            bar.stop()
            fail(error.message, error.remedy, EXIT.NOT_DELIVERED)
        bar.update(task, completed=published.acknowledged)
    _report(published, as_json)
    if published.survey.unroutable:
        raise typer.Exit(EXIT.NOT_DELIVERED)


def _begin(bar: Progress, task: TaskID, survey: Survey) -> None:
    sent = survey.lines - survey.unroutable
    bar.update(task, description="publishing", total=sent)


def _report(published: Published, as_json: bool) -> None:
    survey = published.survey
    rate = published.acknowledged / published.seconds if published.seconds else 0.0
    if as_json:
        print_json(
            {
                "lines": survey.lines,
                "acknowledged": published.acknowledged,
                "topics": dict(sorted(survey.topics.items())),
                "not_routable": survey.unroutable,
                "not_routable_lines": [place._asdict() for place in survey.unroutable_places],
                "history_opened_at": published.history,
                "seconds": round(published.seconds, 3),
                "events_per_s": round(rate, 1),
            }
        )
    else:
        output.print(
            f"{published.acknowledged} events acknowledged in {published.seconds:.1f} s ({rate:,.0f} a second), "
            f"{len(survey.topics)} topic(s), {'as history' if published.history else 'live'}.",
            soft_wrap=True,
            highlight=False,
        )
    if survey.unroutable:
        places = ", ".join(str(place) for place in survey.unroutable_places)
        more = ", …" if survey.unroutable > len(survey.unroutable_places) else ""
        console.print(
            f"[bold red]{survey.unroutable} line(s) not published:[/] their topic cannot be told, or is not there: "
            f"{places}{more}. Say whose they are with --as.",
            soft_wrap=True,
            highlight=False,
        )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("acknowledged"),
        TimeElapsedColumn(),
        console=console,
        get_time=time.monotonic,
        transient=True,
    )
