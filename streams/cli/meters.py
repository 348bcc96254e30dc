"""`antifraud meters`: collectors of money and how far each looks like a pyramid."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from streams.cli.alerts import LanguageOption
from streams.cli.common import JsonOption, console, errors_as_exit_codes, found_servers, output, print_json
from streams.cli.publish import Servers
from streams.contracts.pyramid_meter import PyramidMeter
from streams.explanation import local, money
from streams.meter import METERS
from streams.outcomes import records_of

_COLUMNS = {
    "en": ("collector", "index", "time", "payers", "a day", "regions", "tenge in", "still there", "in 7 days"),
    "ru": ("сборщик", "индекс", "время", "плательщики", "в день", "регионы", "внесено", "ещё там", "за 7 дней"),
    "kk": ("жинаушы", "индекс", "уақыты", "төлеушілер", "күніне", "өңірлер", "түскені", "қалғаны", "7 күнде"),
}


def meters(
    top: Annotated[int, typer.Option(min=1, help="Show so many, the highest index first.")] = 20,
    language: LanguageOption = "en",
    bootstrap_servers: Servers = None,
    as_json: JsonOption = False,
) -> None:
    """Show collectors of money by their pyramid index, with what will come unless they are stopped.

    Exit codes: 0; 3 no Kafka answers.
    """
    with errors_as_exit_codes():
        found = read(found_servers(bootstrap_servers))[:top]
    if as_json:
        print_json([one.model_dump(mode="json", exclude_none=True) for one in found])
        return
    if not found:
        console.print("No collector is watched yet.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(_COLUMNS[language]):
        table.add_column(name, justify="left" if number in (0, 2) else "right", no_wrap=True)
    for one in found:
        week = next((each for each in one.forecast if each.days == 7), None)
        table.add_row(
            one.collector[-12:],
            f"[bold red]{one.index:.1f}[/]" if one.above else f"{one.index:.1f}",
            local(one.at),
            f"{'~' if one.estimated else ''}{one.payers:,}",
            f"{one.entrants_a_day:,.1f}",
            f"{one.regions}",
            money(one.deposits),
            money(one.still_there),
            f"+{week.people:,} ({week.people_low:,} to {week.people_high:,})" if week is not None else "–",
        )
    output.print(table)


def read(servers: str) -> list[PyramidMeter]:
    """The latest reading of each collector on the topic, the highest index first."""
    latest: dict[str, PyramidMeter] = {}
    for record in records_of(servers, METERS):
        one = PyramidMeter.model_validate_json(record.value)
        latest[one.collector] = one
    return sorted(latest.values(), key=lambda one: (-one.index, one.collector))
