"""`antifraud console users add`, and what the command says when it cannot start."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from console.store.opening import Store
from console.store.tables import audit, users
from streams.cli.common import EXIT
from streams.cli.console import console_app

runner = CliRunner()


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ANTIFRAUD_DEMO", "1")
    return f"sqlite:///{tmp_path}/cases.db"


def add(url: str, name: str = "aigul") -> Result:
    return runner.invoke(console_app, ["users", "add", name, "--role", "admin", "--store", url, "--json"])


def test_an_account_is_made_once_with_a_password_that_is_printed(url: str) -> None:
    made = json.loads(add(url).stdout)
    assert (made["username"], made["role"], len(made["password"]) > 10) == ("aigul", "admin", True)
    again = add(url)
    assert (again.exit_code, again.stdout) == (EXIT.USAGE, "")
    store = Store.open(url)
    with store.reading() as connection:
        assert connection.scalars(select(users.c.username)).all() == ["aigul"]
        assert connection.execute(select(audit.c.actor, audit.c.action)).one() == ("command-line", "people.added")
    store.close()


@pytest.mark.parametrize("name", ["Aigul", "a", "a b"])
def test_what_is_no_name_is_refused(url: str, name: str) -> None:
    assert add(url, name).exit_code == EXIT.USAGE


def test_an_address_that_is_taken_is_told(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = runner.invoke(console_app, ["--store", url, "--port", port, "--no-feed"])
    assert said.exit_code == EXIT.USAGE
    assert "another program does" in said.output


def test_a_store_that_is_none_and_a_missing_key_are_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runner.invoke(console_app, ["--store", "mysql://host/cases"]).exit_code == EXIT.USAGE
    monkeypatch.delenv("ANTIFRAUD_DEMO")
    said = runner.invoke(console_app, ["--store", url, "--port", "0", "--no-feed"])
    assert said.exit_code == EXIT.USAGE
    assert "ANTIFRAUD_TOKEN_KEY" in said.output
