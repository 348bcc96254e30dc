"""`antifraud alerts` shows suspicious operations, `antifraud explain` says in words why one was raised."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from streams.alerts import ALERTS, SHADOW_ALERTS, find, read_file, read_topic
from streams.cli.common import (
    EXIT,
    JsonOption,
    console,
    errors_as_exit_codes,
    fail,
    found_servers,
    output,
    print_json,
)
from streams.cli.publish import Servers
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.delivery import BrokerUnreachable, DeliveryError, TopicMissing
from streams.explanation import Language, local, money, short
from streams.explanation import explain as in_words

EVIDENCE_SHOWN = 30
RECORDS_LOOKED_AT = 5_000  # from the end of each partition, where --from-beginning is not given
LanguageOption = Annotated[
    Language, typer.Option("--language", envvar="ANTIFRAUD_LANGUAGE", help="Kazakh, Russian or English.")
]


def alerts(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new alerts, until Ctrl-C.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Show the latest so many; 0: all that were read.")] = 20,
    typology: Annotated[str | None, typer.Option(help="Of this typology only, such as T03.")] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Those of typologies on trial.")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Read all that the topic keeps.")] = False,
    language: LanguageOption = "en",
    bootstrap_servers: Servers = None,
    as_json: JsonOption = False,
) -> None:
    """Show suspicious operations, each once, in the order they were found.

    --json prints one array; with --follow, one object a line. Without --from-beginning the last 5,000 records of the
    topic are looked at. Exit codes: 0; 2 wrong arguments, or no such topic; 3 no Kafka answers.
    """
    with errors_as_exit_codes():
        servers = found_servers(bootstrap_servers)
        kept: deque[SuspiciousOperation] = deque(maxlen=limit or None)
        caught_up = False

        def show_kept() -> None:
            nonlocal caught_up
            if not caught_up:
                caught_up = True
                for each in kept:
                    _print_one(each, language, as_json)

        found = read_topic(
            servers,
            SHADOW_ALERTS if shadow else ALERTS,
            follow=follow,
            latest=None if from_beginning else RECORDS_LOOKED_AT,
            idle=show_kept if follow else None,
            unreadable=_say_unreadable,
        )
        try:
            for alert in found:
                if typology is not None and alert.typology.id != typology:
                    continue
                if caught_up:
                    _print_one(alert, language, as_json)
                else:
                    kept.append(alert)
        except KeyboardInterrupt:
            return
        except DeliveryError as error:
            _fail(error)
    if as_json:
        print_json([alert.model_dump(mode="json", exclude_none=True) for alert in kept])
        return
    table = _table(language)
    for alert in kept:
        table.add_row(*_row(alert, language))
    output.print(table)
    if not kept:
        console.print("No alerts." if typology is None else f"No alerts of {typology}.", highlight=False)


def explain(
    alert_id: Annotated[str, typer.Argument(help="The alert's id, or its first 8 digits or more.")],
    language: LanguageOption = "en",
    file: Annotated[
        Path | None,
        typer.Option("--from", help="Look in the alerts that `antifraud replay` wrote, not in Kafka.", exists=True),
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="Show all the evidence, not the latest of it only.")] = False,
    bootstrap_servers: Servers = None,
    as_json: JsonOption = False,
) -> None:
    """Say in words why an alert was raised: signals, values, evidence, and what the law allows.

    Exit codes: 0; 2 wrong arguments or file, or several alerts begin so; 3 no Kafka answers; 5 there is no such alert.
    """
    beginning = alert_id.lower()
    if not re.fullmatch(r"[0-9a-f]{8,32}", beginning):
        fail("An alert id is 32 hexadecimal digits.", "`antifraud alerts` shows them; 8 digits are enough here.")
    with errors_as_exit_codes():
        try:
            found = find(_everything(file, bootstrap_servers), beginning)
        except DeliveryError as error:
            _fail(error)
        except ValueError as error:
            fail(str(error), "Write the file again with `antifraud replay --out`.")
    if not found:
        where = str(file) if file else "the topics of suspicious operations"
        fail(f"There is no alert {beginning} in {where}.", code=EXIT.NOT_FOUND)
    if len(found) > 1:
        fail(
            f"{len(found)} alerts begin with {beginning}.",
            "Give more digits: " + ", ".join(a.alert_id for a in found[:5]),
        )
    if as_json:
        print_json(found[0].model_dump(mode="json", exclude_none=True))
    else:
        output.print(in_words(found[0], language, most=None if whole else EVIDENCE_SHOWN), highlight=False)


def _everything(file: Path | None, bootstrap_servers: str | None) -> Iterator[SuspiciousOperation]:
    if file is not None:
        yield from read_file(file)
        return
    servers = found_servers(bootstrap_servers)
    yield from read_topic(servers, ALERTS)
    yield from read_topic(servers, SHADOW_ALERTS)


def _fail(error: DeliveryError) -> None:
    codes = {BrokerUnreachable: EXIT.KAFKA, TopicMissing: EXIT.USAGE}
    fail(error.message, error.remedy, codes.get(type(error), EXIT.KAFKA))


def _say_unreadable(topic: str, partition: int, offset: int) -> None:
    console.print(
        f"{topic}/{partition}/{offset} is no alert of this version of the center; passed over.", highlight=False
    )


_COLUMNS = {
    "en": ("time", "alert", "typology", "score", "risk", "about", "institution", "tenge"),
    "ru": ("время", "сигнал", "типология", "балл", "риск", "о ком", "организация", "тенге"),
    "kk": ("уақыты", "ескерту", "типология", "балл", "тәуекел", "кім туралы", "ұйым", "теңге"),
}


def _table(language: Language) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(_COLUMNS[language]):
        table.add_column(name, justify="right" if number in (3, 4, 7) else "left", no_wrap=number != 2)
    return table


def _row(alert: SuspiciousOperation, language: Language) -> tuple[str, ...]:
    about = next((each.token for each in alert.subjects if each.role == alert.subject), None)
    return (
        local(alert.occurred_at),
        alert.alert_id[:12],
        escape(f"{alert.typology.id} {getattr(alert.typology.name, language)}"),
        f"{alert.score:.2f}",
        f"{alert.risk.value:.2f}",
        escape(short(about)),
        alert.institution,
        money(alert.amount),
    )


def _print_one(alert: SuspiciousOperation, language: Language, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(alert.model_dump_json(exclude_none=True) + "\n")
        sys.stdout.flush()
    else:
        output.print("  ".join(_row(alert, language)), soft_wrap=True, highlight=False)
