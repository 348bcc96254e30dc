"""`antifraud holds` shows what is held, by what law, and how long it may last: or how each hold ended, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from streams.cli.alerts import LanguageOption, _fail
from streams.cli.common import JsonOption, console, errors_as_exit_codes, found_servers, output, print_json
from streams.cli.publish import Servers
from streams.contracts.hold import TOPIC, HoldEvent
from streams.delivery import DeliveryError
from streams.explanation import Language, local, money
from streams.reports import latest, read_to_end

_COLUMNS = {
    "en": ("since", "hold", "decision", "state", "why", "institution", "event", "tenge", "deadline", "left", "then"),
    "ru": ("с", "№", "решение", "состояние", "почему", "организация", "операция", "тенге", "срок", "осталось", "затем"),
    "kk": ("басы", "№", "шешім", "күйі", "себебі", "ұйым", "операция", "теңге", "мерзімі", "қалды", "содан кейін"),
}


def holds(
    open_only: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    institution: Annotated[str | None, typer.Option(help="Of this institution (BIC) only.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Show the latest so many; 0: all.")] = 50,
    language: LanguageOption = "en",
    bootstrap_servers: Servers = None,
    as_json: JsonOption = False,
) -> None:
    """Show each hold, block and step-up in its present state, with its deadline and what happens then.

    --json prints one array of hold events. Exit codes: 0; 2 wrong arguments, or no such topic; 3 no Kafka answers.
    """
    with errors_as_exit_codes():
        try:
            records = read_to_end(found_servers(bootstrap_servers), TOPIC, HoldEvent, unreadable=say_unreadable)
            found = latest(records, lambda hold: hold.hold_id, lambda hold: hold.number)
        except DeliveryError as error:
            _fail(error)
    chosen = [
        hold
        for hold in found.values()
        if (hold.on_silence is not None or not open_only) and institution in (None, hold.institution)
    ]
    shown = chosen[-limit:] if limit else chosen
    if as_json:
        print_json([hold.model_dump(mode="json", exclude_none=True) for hold in shown])
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(_COLUMNS[language]):
        table.add_column(name, justify="right" if number in (7, 9) else "left", no_wrap=number not in (4, 10))
    now = datetime.now(UTC)
    for hold in shown:
        table.add_row(*row(hold, now, language))
    output.print(table)
    console.print(f"{len(chosen)} shown" if len(shown) == len(chosen) else f"{len(shown)} of {len(chosen)} shown")


def row(hold: HoldEvent, now: datetime, language: Language) -> tuple[str, ...]:
    """A hold as a line of the table; the clock counts down to `now` of whoever looks."""
    return (
        local(hold.since),
        hold.hold_id[:12],
        hold.decision,
        hold.state,
        escape(getattr(hold.cause_text, language)),
        hold.institution,
        escape(hold.event_id[:24]),
        money(hold.amount),
        local(hold.deadline) if hold.on_silence is not None else "",
        left(hold.deadline - now) if hold.on_silence is not None else "",
        escape(getattr(hold.on_silence, language)) if hold.on_silence is not None else "",
    )


def left(duration: timedelta) -> str:
    """Time that is left, as days, hours and minutes; `due` where there is none.

    >>> left(timedelta(days=1, hours=2, minutes=3)), left(timedelta(minutes=59, seconds=59)), left(timedelta(0))
    ('1 d 02:03', '00:59', 'due')
    """
    if duration <= timedelta(0):
        return "due"
    hours, rest = divmod(int(duration.total_seconds()), 3_600)
    clock = f"{hours % 24:02d}:{rest // 60:02d}"
    return f"{hours // 24} d {clock}" if hours >= 24 else clock


def say_unreadable(topic: str, partition: int, offset: int) -> None:
    """Tell the reader of a record that this program does not know."""
    console.print(f"{topic}/{partition}/{offset} is of another version of the center; passed over.", highlight=False)
