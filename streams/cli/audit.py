"""`antifraud audit verify`: whether the console's audit log is as it was written, and whole to its end."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import EXIT, JsonOption, fail, output, print_json
from streams.tokens import KeyRefused

audit_app = typer.Typer(no_args_is_help=True, add_completion=False, help="Check the console's audit log.")

StoreOption = Annotated[str | None, typer.Option(help="Address of the case store; else ANTIFRAUD_STORE.")]
_FAULTS = {
    "changed": "Entry {number} was changed.",
    "missing": "Entry {number} is missing: it was deleted.",
    "out_of_place": "Entry {number} is out of place: the order was changed.",
    "cut_off": "The end of the log was cut off: entries from {number} are gone.",
    "rewritten": "The log was written anew: entry {number} is not the one that was signed.",
    "head_forged": "The signature up to entry {number} was not made by a key that was given.",
}


@audit_app.callback()
def _group() -> None:
    """The callback that keeps `verify` a word of its own."""


@audit_app.command("verify")
def verify(
    store: StoreOption = None,
    heads: Annotated[
        Path | None,
        typer.Option(help="Signed heads that were kept elsewhere; else ANTIFRAUD_CONSOLE_AUDIT_HEADS.", dir_okay=False),
    ] = None,
    public_key: Annotated[
        list[str] | None,
        typer.Option(help="64 hexadecimal digits; again for each key in use; else the configured one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the chain anew and compare it with every signed head; say the first entry that is not as it was.

    Without a file of heads it cannot be seen that the log was made anew as a whole together with the heads beside it.
    Exit codes: 0 whole; 1 not whole; 2 wrong use, key or file; 5 there is no store.
    """
    from console.audit_heads import check, read
    from console.settings import ConsoleSettings
    from console.store.errors import StoreError
    from console.store.opening import Store
    from streams.evidence.signing import SigningKey

    settings = ConsoleSettings() if store is None else ConsoleSettings(store=store)
    _must_exist(settings.store)
    file = heads or (settings.audit_heads if settings.audit_heads.exists() else None)
    try:
        keys = public_key or [SigningKey.load().public]
        kept = read(file) if file else []
        opened = Store.open(settings.store)
    except KeyRefused as refused:
        fail(refused.message, f"{refused.remedy} Or give --public-key.")
    except StoreError as error:
        fail(error.message, error.remedy)
    except (OSError, ValueError) as error:
        fail(str(error))
    try:
        with opened.reading() as connection:
            report = check(connection, keys, kept)
    finally:
        opened.close()
    if as_json:
        print_json({"whole": report.whole, "heads_file": str(file) if file else None, **asdict(report)})
    else:
        said = "The log is whole." if report.fault is None else _FAULTS[report.fault].format(number=report.number)
        beside = f" {report.heads} signed heads." if report.heads else " No signed heads: a cut end would not show."
        output.print(f"{said} {report.entries} entries checked, the last is {report.last_number}.{beside}")
    if not report.whole:
        raise typer.Exit(EXIT.FOUND)


def _must_exist(address: str) -> None:
    """A check makes no store: an address that was mistyped would be found whole."""
    path = address.removeprefix("sqlite:///")
    if path != address and not Path(path).exists():
        fail(f"There is no store at {path}.", "Name it with --store or ANTIFRAUD_STORE.", EXIT.NOT_FOUND)
