"""`antifraud`: the command line of the center. Exit codes are in streams/cli/common.py and in the README."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

# name → (module, attribute, one line of help). Modules are imported only when their command is used: numba and Faust
# take seconds, and `antifraud --help` should not.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "up": ("streams.cli.up", "up", "Run everything on this machine: Kafka, topics, rulebook, workers."),
    "worker": ("streams.cli.worker", "worker", "Run one worker against a Kafka that is there."),
    "follow": ("streams.cli.follow", "follow", "Run the agents behind the judged events: tracing and more."),
    "demo": ("streams.cli.demo", "demo", "Play a simulated week through real Kafka and show what was found."),
    "publish": ("streams.cli.publish", "publish", "Publish files of events to the institutions' topics."),
    "alerts": ("streams.cli.alerts", "alerts", "Show suspicious operations."),
    "explain": ("streams.cli.alerts", "explain", "Say in words why an alert was raised."),
    "meters": ("streams.cli.meters", "meters", "Show collectors of money and how far each looks like a pyramid."),
    "warnings": ("streams.cli.warnings", "warnings", "Show whom people were warned of, and what that changed."),
    "console": ("streams.cli.console", "console_app", "Run the FIU's console in the browser, on its case store."),
    "audit": ("streams.cli.audit", "audit_app", "Check the console's audit log against its signed heads."),
    "holds": ("streams.cli.holds", "holds", "Show what is held, until when, and how each hold ended."),
    "notices": ("streams.cli.notices", "notices", "Show what other bodies were told, and what came of it."),
    "evidence": ("streams.cli.evidence", "evidence_app", "Make and verify signed evidence of a loan despite refusal."),
    "replay": ("streams.cli.replay", "replay", "Judge files of events without Kafka."),
    "evaluate": ("streams.cli.evaluate", "evaluate", "Say how well a rulebook does on labelled events, with a report."),
    "simulate": ("streams.cli.simulate", "simulate", "Write a simulated, labelled country to a file."),
    "check": ("streams.cli.rulebook", "check", "Find the faults of a rulebook."),
    "test": ("streams.cli.rulebook", "test", "Run every example of a rulebook."),
    "rulebook": ("streams.cli.rulebook", "rulebook_app", "Activate, list, roll back, compare and approve rulebooks."),
    "topics": ("streams.cli.topics", "topics_app", "List, compare and apply the declared topics."),
    "bench": ("streams.cli.bench", "bench", "Measure throughput, latency and memory on real Kafka."),
    "doctor": ("streams.cli.doctor", "doctor", "Check that this machine has what the center needs."),
}


class LazyGroup(TyperGroup):
    """A command group whose commands are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:  # typer carries a click of its own, whose types have no names
        """All commands, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; for the list of commands only its line of help."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, short_help = COMMANDS[cmd_name]
        if cmd_name not in sys.argv:
            return TyperCommand(cmd_name, help=short_help)
        found: Any = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(found)
            found = alone
        command = get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="The Anti-Fraud Center: tells the FIU, banks and citizens of fraud while the money can still be saved.",
    epilog="Exit codes: 0 done, 1 found what it looked for (faults, differences), 2 wrong use, 3 no Kafka, "
    "4 not everything was delivered, 5 not found.",
)


@app.callback()
def _root() -> None:
    """The callback that makes this a group."""


def main() -> None:
    """Run the command line."""
    app()
