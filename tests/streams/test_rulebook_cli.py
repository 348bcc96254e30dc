"""`antifraud check`, `antifraud test` and `antifraud rulebook diff` as an officer meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from simulator.country import Settings, write_country
from simulator.writer import labels_beside
from streams.cli.rulebook import check, run_tests
from streams.cli.rulebook_change import diff
from tests.rules.small import TYPOLOGY, documents

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in documents().items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def call(command: object, *arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]
    result = runner.invoke(app, list(arguments), env={"COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr


def test_a_sound_rulebook(folder: Path) -> None:
    code, told, said = call(check, str(folder))
    assert (code, told) == (0, "")
    assert "1 typologies, 1 features, version test" in said
    assert call(check, str(folder), "--json")[:2] == (0, "[]\n")


def test_the_packaged_rulebook_is_the_default() -> None:
    code, _, said = call(check)
    assert code == 0
    assert "22 typologies" in said


def test_faults_are_told_as_compilers_tell_them(folder: Path) -> None:
    file = folder / "typologies" / "T90-test.yaml"
    file.write_text(TYPOLOGY.replace("payer.payees_1d >= 3", "payer.payes_1d >= 3"))
    code, told, _ = call(check, str(folder))
    assert code == 1
    assert told.startswith(f"{file}:19:11: error: unknown name 'payer.payes_1d'; did you mean 'payer.payees_1d'?")
    code, told, _ = call(check, str(folder), "--json")
    assert code == 1
    assert json.loads(told)[0] == {
        "path": "typologies/T90-test.yaml", "line": 19, "column": 11, "message": "unknown name 'payer.payes_1d'",
        "suggestion": "did you mean 'payer.payees_1d'?", "severity": "error",
    }  # fmt: skip
    assert call(run_tests, str(folder))[0] == 1


def test_no_folder_is_wrong_use(tmp_path: Path) -> None:
    assert call(check, str(tmp_path / "nothing"))[0] == 2
    assert call(run_tests, str(tmp_path / "nothing"))[0] == 2


def test_examples_that_hold_and_one_that_does_not(folder: Path) -> None:
    code, told, said = call(run_tests, str(folder))
    assert code == 0, told
    assert "4 of 4 examples show what they say." in said
    file = folder / "typologies" / "T90-test.yaml"
    file.write_text(TYPOLOGY.replace("alerts: [3, 4]", "alerts: [3]"))
    code, told, said = call(run_tests, str(folder))
    assert code == 1
    assert "expected alerts at exactly [3], found alerts at [3, 4]" in said
    code, told, _ = call(run_tests, str(folder), "--json")
    assert code == 1
    outcomes = json.loads(told)
    assert [outcome["passed"] for outcome in outcomes] == [True, False, True, True]
    assert outcomes[1]["signals"] == {"many": "yes", "night": "yes"}


def test_a_file_that_is_not_text_is_refused(folder: Path) -> None:
    (folder / "typologies" / "T91-x.yaml").write_bytes(b"\xff\xfe\x00")
    code, told, _ = call(check, str(folder))
    assert code == 1
    assert "T91-x.yaml:1:1: error: the file is not plain UTF-8 text" in told


def test_what_another_rulebook_changes_is_told_and_nothing_where_it_is_the_same(folder: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    write_country(Settings(people=200, days=1, seed=1), events, labels_beside(events))
    stricter = tmp_path / "beside" / "stricter"
    for path, text in documents(("event.amount >= p.least", "event.amount >= 100 * p.least")).items():
        (stricter / path).parent.mkdir(parents=True, exist_ok=True)
        (stricter / path).write_text(text)
    code, told, _ = call(diff, str(folder), str(stricter), "--events", str(events), "--json")
    report = json.loads(told)
    assert code == (1 if report["total"]["gone"] else 0)
    assert report["total"]["gone"] == report["total"]["before"] - report["total"]["after"] > 0
    assert call(diff, str(folder), str(folder), "--events", str(events))[0] == 0
    assert call(diff, str(folder), str(tmp_path / "nothing"))[0] == 2
