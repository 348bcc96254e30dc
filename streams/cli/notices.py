"""`antifraud notices` shows which bodies were told what, and how it ended; `--necessity`, who was looked up and why."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from streams.cli.alerts import LanguageOption, _fail
from streams.cli.common import JsonOption, console, errors_as_exit_codes, found_servers, output, print_json
from streams.cli.holds import say_unreadable
from streams.cli.publish import Servers
from streams.contracts.notice import NECESSITY, NOTICES, NecessityRecord, NoticeEvent
from streams.delivery import DeliveryError
from streams.explanation import Language, local, short
from streams.reports import latest, read_to_end


def notices(
    addressee: Annotated[str | None, typer.Option(help="To this body only, such as telecom_operator.")] = None,
    measure: Annotated[str | None, typer.Option(help="Of this measure only, such as block_site.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those without an answer, in time.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Count by addressee, measure and outcome.")] = False,
    necessity: Annotated[
        bool, typer.Option("--necessity", help="Instead: each look into a sensitive list, and why.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="Show the latest so many; 0: all.")] = 50,
    language: LanguageOption = "en",
    bootstrap_servers: Servers = None,
    as_json: JsonOption = False,
) -> None:
    """Show notices to other bodies: what each is asked to do, by what law, until when, and what came of it.

    --json prints one array. Exit codes: 0; 2 wrong arguments, or no such topic; 3 no Kafka answers.
    """
    with errors_as_exit_codes():
        try:
            servers = found_servers(bootstrap_servers)
            if necessity:
                looks = read_to_end(servers, NECESSITY, NecessityRecord, unreadable=say_unreadable)
                _show_necessity(list(latest(looks, lambda look: look.record_id, lambda _: 0).values()), limit, language,
                                as_json)  # fmt: skip
                return
            records = read_to_end(servers, NOTICES, NoticeEvent, unreadable=say_unreadable)
            found = latest(records, lambda notice: notice.notice_id, lambda notice: notice.number)
        except DeliveryError as error:
            _fail(error)
    chosen = [
        notice
        for notice in found.values()
        if addressee in (None, notice.addressee)
        and measure in (None, notice.measure)
        and (notice.outcome == "open" or not open_only)
    ]
    if summary:
        _show_summary(chosen, as_json)
        return
    shown = chosen[-limit:] if limit else chosen
    if as_json:
        print_json([notice.model_dump(mode="json", exclude_none=True) for notice in shown])
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("since", "notice", "addressee", "measure", "because", "about", "deadline", "outcome"):
        table.add_column(name, no_wrap=name not in ("addressee", "measure"))
    for notice in shown:
        table.add_row(
            local(notice.since),
            notice.notice_id[:12],
            escape(getattr(notice.addressee_text, language)),
            escape(getattr(notice.measure_text, language)),
            notice.typology,
            escape(short(notice.subject)),
            local(notice.deadline),
            notice.outcome,
        )
    output.print(table)
    console.print(f"{len(shown)} of {len(chosen)} shown", highlight=False)


def counted(chosen: list[NoticeEvent]) -> list[dict[str, str | int]]:
    """How many notices there are by addressee, measure and outcome, in that order."""
    counts = Counter((notice.addressee, notice.measure, notice.outcome) for notice in chosen)
    return [
        {"addressee": addressee, "measure": measure, "outcome": outcome, "notices": counts[addressee, measure, outcome]}
        for addressee, measure, outcome in sorted(counts)
    ]


def _show_summary(chosen: list[NoticeEvent], as_json: bool) -> None:
    if as_json:
        print_json(counted(chosen))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("addressee", "measure", "outcome", "notices"):
        table.add_column(name, justify="right" if name == "notices" else "left")
    for line in counted(chosen):
        table.add_row(*map(str, line.values()))
    output.print(table)


def _show_necessity(looks: list[NecessityRecord], limit: int, language: Language, as_json: bool) -> None:
    shown = looks[-limit:] if limit else looks
    if as_json:
        print_json([look.model_dump(mode="json", exclude_none=True) for look in shown])
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("time", "list", "typology", "why", "about", "event", "alert"):
        table.add_column(name, no_wrap=name != "why")
    for look in shown:
        table.add_row(
            local(look.at),
            look.list,
            look.typology,
            escape(getattr(look.purpose, language)),
            escape(short(look.subject)),
            escape(look.event_id[:24]),
            look.alert_id[:12],
        )
    output.print(table)
    console.print(f"{len(shown)} of {len(looks)} shown", highlight=False)
