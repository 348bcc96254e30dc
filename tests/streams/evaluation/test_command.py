"""`antifraud evaluate` on a small simulated country and on files, with its exit codes."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from simulator.country import Settings, write_country
from streams.cli.evaluate import evaluate

app = typer.Typer()
app.command()(evaluate)


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("country")
    events, labels = folder / "week.jsonl", folder / "week.labels.csv"
    write_country(Settings(days=4, people=400, seed=11), events, labels)
    return events, labels


@pytest.fixture(scope="module")
def told(country: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What the command said of the files, as JSON, and the report it wrote."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    result = invoke(country[0], "--json", "--out", out)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), out


def test_files_give_the_same_as_their_seed(told: tuple[dict[str, Any], Path]) -> None:
    result = invoke("--seed", "11", "--days", "4", "--people", "400", "--json")
    assert result.exit_code == 0, result.output
    simulated = json.loads(result.stdout)
    assert simulated["pooled"]["typologies"] == told[0]["pooled"]["typologies"]
    assert [each[1:] for each in simulated["alerts"]] == [each[1:] for each in told[0]["alerts"]]
    assert simulated["runs"][0]["seed"] == 11


def test_every_labelled_fraud_is_accounted_for(told: tuple[dict[str, Any], Path], country: tuple[Path, Path]) -> None:
    with country[1].open(encoding="utf-8") as file:
        frauds = sum(row["label"] == "1" for row in csv.DictReader(file))
    pooled = told[0]["pooled"]
    assert pooled["fraud_events"] + pooled["fraud_events_not_judged"] == frauds
    assert pooled["cases"] == len(pooled["case_list"]) > 0
    assert pooled["alerts"] == len(told[0]["alerts"]) == sum(each["alerts"] for each in pooled["typologies"]) > 0
    assert told[1].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_comparison_with_itself_changes_nothing(
    told: tuple[dict[str, Any], Path], country: tuple[Path, Path], tmp_path: Path
) -> None:
    file = tmp_path / "before.json"
    file.write_text(json.dumps(told[0]), encoding="utf-8")
    result = invoke(country[0], "--compare", file)
    assert result.exit_code == 0, result.output
    assert "0 alerts gained, 0 lost." in result.output


def test_a_demand_that_is_not_reached_exits_with_1(country: tuple[Path, Path]) -> None:
    result = invoke(country[0], "--require", "average_precision=0.01", "--require", "precision=1.01")
    assert result.exit_code == 1
    assert "precision is" in result.output
    assert "average_precision is" not in result.output


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "either files or --seed"),
        (["--seed", "1", "--seed", "1"], "twice"),
        (["--seed", "1", "--require", "speed=1"], "speed"),
        (["--seed", "1", "--scenario", "no-such-story", "--days", "2", "--people", "200"], "scenario"),
        (["{bad}"], "labels"),
        (["{bad}", "--labels", "{wrong}"], "wrong.csv:2:3"),
        (["{bad}", "--labels", "{other}"], "bad.jsonl:1"),
        (["{bad}", "--labels", "{other}", "--compare", "{wrong}"], "wrong.csv:1:1"),
    ],
)
def test_wrong_use_exits_with_2(tmp_path: Path, arguments: Sequence[str], said: str) -> None:
    files = {
        "bad": (tmp_path / "bad.jsonl", lines('{"event_id": 3}')),
        "wrong": (tmp_path / "wrong.csv", lines("event_id,label,scenario", "a,maybe,T01")),
        "other": (tmp_path / "other.csv", lines("event_id,label,scenario", "a,1,T01")),
    }
    for path, text in files.values():
        path.write_text(text, encoding="utf-8")
    result = invoke(*(each.format(**{name: path for name, (path, _) in files.items()}) for each in arguments))
    assert result.exit_code == 2, result.output
    assert said in result.output.replace("\n", " ")


def test_labels_of_another_file_are_refused(country: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(lines("event_id,label,scenario", "a,1,T01"), encoding="utf-8")
    result = invoke(country[0], "--labels", other)
    assert result.exit_code == 2
    assert "name none of its events" in result.output.replace("\n", " ")
