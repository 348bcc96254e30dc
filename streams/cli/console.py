"""`antifraud console`: the FIU's console on its case store, and the accounts of those who may use it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

from console.audit import System
from console.keyring import Keyring
from console.people import demo, users
from console.people.passwords import DEMO_PASSWORD
from console.serving import AddressTaken, listen, serve
from console.settings import ConsoleSettings
from console.store.errors import StoreError
from console.store.opening import Store
from console.web.house import wall_clock
from streams.cli.common import JsonOption, console, errors_as_exit_codes, fail, output, print_json
from streams.kafka import KafkaSettings
from streams.kafka_security import KafkaSecurity
from streams.logs import configure_logs
from streams.tokens import KeyRefused
from streams.topics import Topics, TopicsInvalid

console_app = typer.Typer(
    name="console",
    help="Run the FIU's console: alerts, cases, money, holds, registries, rulebook and statistics in the browser.",
    invoke_without_command=True,
    add_completion=False,
    epilog="Exit codes: 0 ended; 2 wrong arguments, settings, keys or store. Without Kafka it runs, and says so.",
)
users_app = typer.Typer(name="users", help="The accounts of the console.", no_args_is_help=True)
console_app.add_typer(users_app)

StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="sqlite:///path or postgresql+psycopg://user@host/database [env: ANTIFRAUD_STORE]"),
]
Role = Literal["analyst", "senior", "compliance", "auditor", "admin"]
Language = Literal["kk", "ru", "en"]
_COMMAND_LINE = System(username="command-line", permissions=frozenset({"people.manage"}))


@console_app.callback()
def run(
    context: typer.Context,
    store: StoreOption = None,
    host: Annotated[str | None, typer.Option(help="Where to listen; this machine only unless given.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: any free one. [default: 8400]")] = None,
    bootstrap_servers: Annotated[
        str | None, typer.Option("--bootstrap", help="The Kafka to read from. [env: KAFKA_BOOTSTRAP_SERVERS]")
    ] = None,
    feed: Annotated[bool, typer.Option("--feed/--no-feed", help="Read from Kafka, or show what is stored.")] = True,
) -> None:
    """Run the console until Ctrl-C. It opens its store, reads on from Kafka where it left off, and answers browsers."""
    if context.invoked_subcommand is not None:
        context.obj = store
        return
    configure_logs()
    settings = _settings(store=store, host=host, port=port)
    with _told(), _opened(settings) as opened, listen(settings.host, settings.port) as listening:
        keys = Keyring.load()
        if keys.demo:
            _add_demo_people(opened, keys)
        with opened.reading() as connection:
            if not users.any_there(connection):
                console.print("Nobody can sign in yet: antifraud console users add NAME --role admin", highlight=False)
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        console.print(f"The console is at http://{shown}:{listening.getsockname()[1]}/", highlight=False)
        serve(settings, opened, keys, _servers(bootstrap_servers) if feed else None, listening)


@users_app.command("add")
def add_user(
    context: typer.Context,
    username: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, dots and dashes.")],
    role: Annotated[Role, typer.Option(help="What the account may do.")],
    full_name: Annotated[str, typer.Option("--full-name", help="As pages show it; the name if not given.")] = "",
    language: Annotated[Language, typer.Option(help="Of its pages.")] = "ru",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an account; its first password is printed once. Signing in asks for a new one and for a one-time code."""
    with _told(), _opened(_settings(store=store or context.obj)) as opened, opened.writing() as connection:
        try:
            password = users.add(
                connection, _COMMAND_LINE, username, full_name or username, role, language, wall_clock()
            )
        except users.Taken:
            fail(f"There is an account {username} already.", "Choose another name.")
        except ValueError as error:
            fail(f"{username!r} is no name of an account: {error}.")
    if as_json:
        print_json({"username": username, "role": role, "password": password})
        return
    output.print(password, highlight=False, markup=False)
    console.print(f"This is the first password of {username}; it is shown once.", highlight=False)


def _add_demo_people(store: Store, keys: Keyring) -> None:
    with store.writing() as connection:
        people = demo.add_people(connection, keys, wall_clock())
    names = ", ".join(f"{username} ({role})" for username, role in people)
    console.print(f"Demo accounts, all with the password {DEMO_PASSWORD}: {names}", highlight=False)


def _settings(**given: Any) -> ConsoleSettings:
    return ConsoleSettings(**{name: value for name, value in given.items() if value is not None})


def _servers(given: str | None) -> str:
    """Where Kafka is said to be; whether it answers is the feed's affair, which waits for it.

    Raises:
        SecurityRefused, TopicsInvalid: the settings of the connection or the topics are wrong, which no waiting mends.
    """
    KafkaSecurity.load().options()
    Topics.load()
    settings = KafkaSettings()
    return given or settings.bootstrap_servers or f"127.0.0.1:{settings.port}"


@contextlib.contextmanager
def _opened(settings: ConsoleSettings) -> Iterator[Store]:
    store = Store.open(settings.store)
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what the console may fail at into its sentence and exit code."""
    with errors_as_exit_codes():
        try:
            yield
        except (StoreError, KeyRefused, AddressTaken) as error:
            fail(error.message, error.remedy)
        except TopicsInvalid as error:
            fail(str(error))
