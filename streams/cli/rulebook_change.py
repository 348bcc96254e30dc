"""`antifraud rulebook diff` and `approve`: what another rulebook would change, and the second person's word for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from kafka.errors import KafkaError
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rules.problems import RulebookInvalid
from rules.rulebook import Rulebook
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
from streams.evaluation.labels import LabelsInvalid
from streams.rulebook_topic import RulebookTopic
from streams.tokens import KeyRefused, TokenKey, demo_keys

if TYPE_CHECKING:  # the console's packages are imported by the commands that need them
    from console.people.roles import Permission
    from console.rulebooks.reports import CountChange, DifferenceReport
    from console.store.opening import Store


def diff(
    old: Annotated[Path, typer.Argument(help="Folder of the rulebook as it is.", exists=True, file_okay=False)],
    new: Annotated[Path, typer.Argument(help="Folder of the rulebook as it would be.", exists=True, file_okay=False)],
    events: Annotated[
        list[Path] | None,
        typer.Option(help="JSON Lines in order of time; a simulated country if not given.", exists=True),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated country.")] = 1,
    people: Annotated[int, typer.Option(min=1_000, max=20_000, help="In the simulated country.")] = 3_000,
    days: Annotated[int, typer.Option(min=1, max=60, help="Of the simulated country.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Judge the same events by two rulebooks and compare the alerts. Leaves with 1 if any is new or gone."""
    from console.rulebooks.replaying import NothingJudged, difference
    from console.rulebooks.sources import FileEvents, SimulatedEvents

    source = FileEvents(paths=tuple(events)) if events else SimulatedEvents(seed=seed, people=people, days=days)
    books = _rulebook(old), _rulebook(new)
    columns = TextColumn("judging twice"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        try:
            report = difference(
                *books, source, _key(), progress=lambda done, of: bar.update(task, completed=done, total=of)
            )
        except (NothingJudged, LabelsInvalid, OSError, EOFError) as error:
            fail(str(error))
    if as_json:
        print_json(report.model_dump())
    else:
        _show(report)
    if report.total.new or report.total.gone:
        raise typer.Exit(EXIT.FOUND)


def approve(
    number: Annotated[int, typer.Argument(help="Of the proposal, as the console shows it.", min=1)],
    user: Annotated[str, typer.Option(help="The account of who approves; the password is asked for.")],
    store: Annotated[str | None, typer.Option("--store", help="The console's store. [env: ANTIFRAUD_STORE]")] = None,
    bootstrap_servers: Annotated[
        str | None, typer.Option("--bootstrap-servers", help="Another cluster. [env: KAFKA_BOOTSTRAP_SERVERS]")
    ] = None,
) -> None:
    """Approve a rulebook that somebody else proposed in the console, and publish it as the next generation."""
    from console.settings import ConsoleSettings
    from console.store.errors import StoreError
    from console.store.opening import Store

    with errors_as_exit_codes():
        servers = found_servers(bootstrap_servers)
        try:
            opened = Store.open(store or ConsoleSettings().store)
            try:
                _approve(opened, RulebookTopic(servers), number, user)
            finally:
                opened.close()
        except (StoreError, KeyRefused) as error:
            fail(error.message, error.remedy)
        except KafkaError as error:
            fail(f"the topic rulebook cannot be used: {error}", code=EXIT.KAFKA)


def _approve(store: Store, topic: RulebookTopic, number: int, user: str) -> None:
    from console.rulebooks import approval
    from console.rulebooks.files import unified
    from console.store import proposals
    from console.web.house import wall_clock

    checker = _signed_in(store, user)
    with store.reading() as connection:
        proposal = proposals.find(connection, number)
    if proposal.kind != approval.KIND:
        fail(f"proposal {number} is not one of a rulebook", code=EXIT.NOT_FOUND)
    known = topic.read()
    in_force = known.in_force(wall_clock()).documents if known.all else {}
    for path, lines in unified(in_force, proposal.content["files"]).items():
        output.print(f"[bold]{escape(path)}[/]", highlight=False)
        output.print("\n".join(lines), markup=False, highlight=False)
    console.print(f"Proposed by {escape(proposal.maker)}: {escape(proposal.reason)}", highlight=False)
    typer.confirm("Approve exactly this?", abort=True, err=True)
    with store.writing() as connection:
        proposals.approve(connection, checker, number, proposal.digest, now=wall_clock())
    approval.publish(store, topic, actor=checker)
    with store.reading() as connection:
        became = approval.activation_of(connection, number)
    if became is None or became["generation"] is None:
        why = became["failure"] if became is not None else None
        fail(f"approved, but not published ({why or 'not tried'})", "A running console tries again.", EXIT.KAFKA)
    console.print(f"Generation {became['generation']} is published.", highlight=False)


class _Checker:
    """Somebody who has given the account's password and one-time code."""

    def __init__(self, username: str, role: str, permissions: frozenset[Permission]) -> None:
        self.username = username
        self.role = role
        self.permissions = permissions


def _signed_in(store: Store, user: str) -> _Checker:
    """Ask for what signing in asks for; the session that this makes ends at once."""
    from console.keyring import Keyring
    from console.people import sessions
    from console.people.roles import permissions_of
    from console.people.signing_in import Attempt, sign_in
    from console.web.house import wall_clock

    keys = Keyring.load()
    password = typer.prompt("Password", hide_input=True, err=True)
    code = "" if keys.demo else typer.prompt("One-time code", err=True)
    secret = sign_in(store, keys.store, Attempt(user, password, code), wall_clock(), demo=keys.demo)
    if secret is None:
        fail("name, password or one-time code is wrong, or the account is locked for a while")
    with store.writing() as connection:
        session = sessions.find(connection, secret, wall_clock())
        sessions.end(connection, sessions.hash_of(secret))
    if session is None or not (keys.demo or session.has_code):
        fail("this account has no one-time code yet", "Sign in to the console once.")
    return _Checker(session.username, session.role, permissions_of(session.role))


def _rulebook(folder: Path) -> Rulebook:
    try:
        return Rulebook.load(folder)
    except RulebookInvalid as invalid:
        fail(f"{folder}: {invalid}", "Run `antifraud check` on the folder.", EXIT.USAGE)


def _key() -> TokenKey:
    try:
        return TokenKey.load()
    except KeyRefused:
        return demo_keys()[0]


def _show(report: DifferenceReport) -> None:
    labelled = report.total.new_wrong is not None
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("typology")
    for name in ("before", "after", "new", "gone", *(("new, wrong", "gone, right") if labelled else ())):
        table.add_column(name, justify="right")
    for change in [*_changed(report.typologies), report.total]:
        figures = [change.before, change.after, change.new, change.gone]
        figures += [change.new_wrong or 0, change.gone_right or 0] if labelled else []
        table.add_row(change.name or "all", *(f"{figure:,}" for figure in figures))
    output.print(table)
    for title, alerts in (("new", report.new_alerts), ("gone", report.gone_alerts)):
        for alert in alerts[:10]:
            output.print(
                f"{title:>4}  {alert.typology}  {alert.alert_id[:12]}  {alert.institution}  {alert.score:g}",
                highlight=False,
            )
    console.print(f"{report.judged:,} events judged twice in {report.seconds:.1f} s: {escape(report.events)}")


def _changed(changes: Sequence[CountChange]) -> list[CountChange]:
    return [change for change in changes if change.new or change.gone]
