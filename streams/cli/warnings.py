"""`antifraud warnings`: whom people were warned of, and what that changed against those held out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import msgspec
from rich.table import Table

from rules.warning import Arm, Effect, effect
from streams.cli.common import JsonOption, console, errors_as_exit_codes, found_servers, output, print_json
from streams.cli.publish import Servers
from streams.contracts.warning import Warning, WarningEffect
from streams.outcomes import records_of
from streams.warn import WARNINGS


@dataclass(slots=True)
class Told:
    """One payee of whom people were warned."""

    payee: str
    rule: str
    warned: set[str] = field(default_factory=set)  # ids of warnings: a repeated one counts once
    latest: WarningEffect | None = None

    def arms(self) -> tuple[Arm, Arm]:
        """The measured groups: warned, held out."""
        said = self.latest
        if said is None:
            return Arm(len(self.warned)), Arm()
        return (
            Arm(
                said.warned, said.warned_measured, said.warned_paid_again, said.warned_tenge, said.warned_tenge_squares
            ),
            Arm(
                said.held_out,
                said.held_out_measured,
                said.held_out_paid_again,
                said.held_out_tenge,
                said.held_out_tenge_squares,
            ),
        )


def warnings(bootstrap_servers: Servers = None, as_json: JsonOption = False) -> None:
    """Show whom people were warned of, who paid again, and what that is worth against those held out.

    Exit codes: 0; 3 no Kafka answers.
    """
    with errors_as_exit_codes():
        campaigns = read(found_servers(bootstrap_servers))
    total = together(campaigns)
    if as_json:
        print_json({"campaigns": [_document(one, *one.arms()) for one in campaigns], "all": _figures(*total)})
        return
    if not campaigns:
        console.print("Nobody has been warned yet.")
        return
    table = Table("payee", "warning", "warned", "held out", "paid again", "of held out", "difference", "tenge averted")
    for one in campaigns:
        table.add_row(one.payee, one.rule, *_cells(*one.arms()))
    table.add_section()
    table.add_row("all", "", *_cells(*total))
    output.print(table)


def read(servers: str) -> list[Told]:
    """Every campaign on the topic, the one with most warned people first."""
    found: dict[str, Told] = {}
    for record in records_of(servers, WARNINGS):
        said = msgspec.json.decode(record.value)
        if said["type"] == "warning":
            warning = Warning.model_validate(said)
            found.setdefault(warning.payee, Told(warning.payee, warning.rule)).warned.add(warning.warning_id)
        else:
            told = WarningEffect.model_validate(said)
            one = found.setdefault(told.payee, Told(told.payee, told.rule))
            if one.latest is None or told.at >= one.latest.at:
                one.latest = told
    return sorted(found.values(), key=lambda one: (-len(one.warned), one.payee))


def together(campaigns: list[Told]) -> tuple[Arm, Arm]:
    """Both groups of all campaigns that hold people out, added up."""
    sums = Arm(), Arm()
    for one in campaigns:
        warned, held = one.arms()
        if not held.people:
            continue  # nobody to compare with
        for total, arm in zip(sums, (warned, held), strict=True):
            total.people += arm.people
            total.measured += arm.measured
            total.again += arm.again
            total.money += arm.money
            total.squares += arm.squares
    return sums


def _figures(warned: Arm, held: Arm) -> dict[str, Any]:
    changed = effect(warned, held)

    def known(number: float) -> float | None:
        return None if math.isnan(number) else round(number, 4)

    return {
        "warned": warned.people,
        "held_out": held.people,
        "warned_measured": warned.measured,
        "warned_paid_again": warned.again,
        "held_out_measured": held.measured,
        "held_out_paid_again": held.again,
        **{name: known(value) for name, value in zip(Effect._fields, changed, strict=True)},
    }


def _document(one: Told, warned: Arm, held: Arm) -> dict[str, Any]:
    passed_over = one.latest.passed_over if one.latest is not None else 0
    return {"payee": one.payee, "rule": one.rule, "passed_over": passed_over, **_figures(warned, held)}


def _cells(warned: Arm, held: Arm) -> list[str]:
    changed = effect(warned, held)
    known = not math.isnan(changed.difference)
    return [
        f"{warned.people:,}",
        f"{held.people:,}",
        f"{warned.again:,} of {warned.measured:,}" if warned.measured else "not measured yet",
        f"{held.again:,} of {held.measured:,}" if held.measured else "–",
        f"{changed.difference:+.0%} ({changed.low:+.0%} to {changed.high:+.0%})" if known else "–",
        f"{changed.averted:,.0f} ({changed.averted_low:,.0f} to {changed.averted_high:,.0f})" if known else "–",
    ]
