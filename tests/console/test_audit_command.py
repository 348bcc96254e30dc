"""`antifraud audit verify` as an auditor uses it: what it finds, says and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import delete, text
from typer.testing import CliRunner

from console import audit
from console.audit import System
from console.audit_heads import HeadKeeper
from console.store.opening import Store
from console.store.tables import audit as entries
from streams.cli.audit import audit_app
from streams.evidence.signing import SigningKey

DEMO = {"ANTIFRAUD_DEMO": "1"}
KEY = SigningKey.load(DEMO)


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A store with five entries, a signed head after the third in `heads.jsonl` beside it, and one after the last."""
    address = f"sqlite:///{tmp_path / 'cases.db'}"
    store = Store.open(address)
    keeper = HeadKeeper(store, KEY, tmp_path / "heads.jsonl", lambda: 1_795_000_000_000)
    for some in (3, 2):
        with store.writing() as connection:
            for number in range(some):
                audit.write(connection, System(), "case.opened", "case", number)
        keeper.keep()
    store.close()
    return address


def cut(address: str, above: int) -> None:
    store = Store.open(address)
    with store.writing() as connection:
        connection.execute(text("DROP TRIGGER audit_not_deleted"))
        connection.execute(text("DROP TRIGGER audit_heads_not_deleted"))
        connection.execute(text("DELETE FROM audit_heads"))
        connection.execute(delete(entries).where(entries.c.number > above))
    store.close()


def test_a_whole_log_is_said_to_be_whole(address: str, tmp_path: Path) -> None:
    heads = ["--heads", str(tmp_path / "heads.jsonl")]
    found = CliRunner().invoke(audit_app, ["verify", "--store", address, "--json", *heads], env=DEMO)
    assert found.exit_code == 0
    assert json.loads(found.stdout) | {"last_hash": "", "heads_file": ""} == {
        "whole": True,
        "heads_file": "",
        "entries": 5,
        "heads": 2,
        "last_number": 5,
        "last_hash": "",
        "fault": None,
        "number": None,
    }


def test_a_tail_that_was_cut_off_with_its_heads_shows_in_the_file_alone(address: str, tmp_path: Path) -> None:
    cut(address, above=3)
    heads = ["--heads", str(tmp_path / "heads.jsonl")]
    found = CliRunner().invoke(audit_app, ["verify", "--store", address, *heads], env=DEMO)
    assert found.exit_code == 1
    assert "entries from 4 are gone" in " ".join(found.stdout.split())
    alone = CliRunner().invoke(
        audit_app, ["verify", "--store", address], env=DEMO | {"ANTIFRAUD_CONSOLE_AUDIT_HEADS": str(tmp_path / "none")}
    )
    assert alone.exit_code == 0
    assert "a cut end would not show" in " ".join(alone.stdout.split())


def test_another_key_a_missing_store_and_a_broken_file_are_told_apart(address: str, tmp_path: Path) -> None:
    runner, file = CliRunner(), str(tmp_path / "heads.jsonl")
    other = ["--public-key", "0" * 64]
    assert runner.invoke(audit_app, ["verify", "--store", address, "--heads", file, *other], env=DEMO).exit_code == 1
    nowhere = f"sqlite:///{tmp_path / 'nowhere.db'}"
    assert runner.invoke(audit_app, ["verify", "--store", nowhere], env=DEMO).exit_code == 5
    assert not (tmp_path / "nowhere.db").exists()
    (tmp_path / "heads.jsonl").write_text("{}\n", encoding="utf-8")
    assert runner.invoke(audit_app, ["verify", "--store", address, "--heads", file], env=DEMO).exit_code == 2
