"""`antifraud evidence`: a signed package of what the records show about a loan given despite a refusal of credit."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from streams.alerts import ALERTS, SHADOW_ALERTS, find, read_file, read_topic
from streams.cli.common import EXIT, console, errors_as_exit_codes, fail, output
from streams.cli.publish import Servers
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.delivery import DeliveryError
from streams.evidence.document import NoLoan, loan_document
from streams.evidence.pdf import pdf
from streams.evidence.records import FileLog, KafkaLog, Log, gather
from streams.evidence.signing import NotSigned, SigningKey, sign
from streams.evidence.signing import verify as check
from streams.kafka import Kafka, KafkaSettings
from streams.tokens import KeyRefused, TokenKey


class AlertFirst(TyperGroup):
    """A group whose first word may be an alert's id: then a package is made."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """`make` where the first word is no command."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["make", *args])


evidence_app = typer.Typer(
    cls=AlertFirst,
    no_args_is_help=True,
    add_completion=False,
    help="Evidence of a loan given despite a refusal: `antifraud evidence ALERT_ID --out DIR`, `verify FILE`, `key`.",
)


@evidence_app.command("make")
def make(
    alert_id: Annotated[str, typer.Argument(help="The alert's id, or its first 8 digits or more.")],
    out: Annotated[Path, typer.Option(help="Folder for the package: JSON and PDF.", file_okay=False)],
    alerts: Annotated[
        Path | None, typer.Option("--from", help="Alerts that `antifraud replay` wrote.", exists=True)
    ] = None,
    records: Annotated[
        list[Path] | None, typer.Option(help="Files that were replayed, in place of Kafka.", exists=True)
    ] = None,
    bootstrap_servers: Servers = None,
) -> None:
    """Make the package of one alert.

    Exit codes: 0; 1 the package is made, but the records do not show that the loan is voidable; 2 wrong use or key;
    3 no Kafka answers; 5 there is no such alert, or no record of its loan.
    """
    beginning = alert_id.lower()
    if not re.fullmatch(r"[0-9a-f]{8,32}", beginning):
        fail("An alert id is 32 hexadecimal digits.", "`antifraud alerts` shows them; 8 digits are enough here.")
    if (alerts is None) != (not records):
        fail("--from and --records go together: alerts and records of one replay.")
    with errors_as_exit_codes():
        try:
            signing, tokens = SigningKey.load(), TokenKey.load()
            servers = "" if records else _servers(bootstrap_servers)
            log: Log = FileLog(records) if records else KafkaLog(servers)
            alert = _alert(beginning, alerts, servers)
            found = gather(alert, log, tokens)
            document = loan_document(alert, found.borrower, found.entries, found.steps, datetime.now(UTC))
        except KeyRefused as refused:
            fail(refused.message, refused.remedy)
        except NoLoan as missing:
            fail(f"No package: {missing}.", code=EXIT.NOT_FOUND)
        except ValueError as error:
            fail(str(error))
        except DeliveryError as error:
            fail(error.message, error.remedy, EXIT.KAFKA)
    signed = sign(document, signing)
    stem = out / f"loan-{alert.alert_id}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".pdf").write_bytes(pdf(signed))
        stem.with_suffix(".json").write_text(json.dumps(signed, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {error.filename or out}: {error.strerror}")
    console.print(document["finding"]["text"]["en"], highlight=False)
    output.print(f"{stem}.json\n{stem}.pdf", highlight=False, soft_wrap=True)
    if document["finding"]["code"] != "given_against_refusal":
        raise typer.Exit(EXIT.FOUND)


@evidence_app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The package's JSON.", exists=True, dir_okay=False)],
    public_key: Annotated[
        str | None, typer.Option(help="64 hexadecimal digits, as the center has made known; else the configured key.")
    ] = None,
) -> None:
    """Check that the center signed a package and that nothing was changed since. Exit codes: 0; 1 it is not so; 2."""
    try:
        key = public_key or SigningKey.load().public
        check(json.loads(file.read_bytes()), key)
    except KeyRefused as refused:
        fail(refused.message, f"{refused.remedy} Or give --public-key.")
    except (NotSigned, ValueError, RecursionError) as wrong:
        said = str(wrong) if isinstance(wrong, NotSigned) else "this is no signed document of the center"
        fail(f"{file}: {said}.", code=EXIT.FOUND)
    output.print(f"{file}: signed by {key}, unchanged.", highlight=False, soft_wrap=True)


@evidence_app.command("key")
def key() -> None:
    """Print the public half of the configured signing key, for those who verify."""
    try:
        output.print(SigningKey.load().public, highlight=False, soft_wrap=True)
    except KeyRefused as refused:
        fail(refused.message, refused.remedy)


def _servers(bootstrap_servers: str | None) -> str:
    settings = KafkaSettings()
    if bootstrap_servers is not None:
        settings = settings.model_copy(update={"bootstrap_servers": bootstrap_servers})
    return Kafka.find(settings).bootstrap_servers


def _alert(beginning: str, file: Path | None, servers: str) -> SuspiciousOperation:
    found = find(read_file(file), beginning) if file else find(read_topic(servers, ALERTS), beginning)
    if not found and not file:
        found = find(read_topic(servers, SHADOW_ALERTS), beginning)
    if not found:
        fail(f"There is no alert {beginning}.", code=EXIT.NOT_FOUND)
    if len(found) > 1:
        fail(f"{len(found)} alerts begin with {beginning}.", "Give more digits.")
    return found[0]
