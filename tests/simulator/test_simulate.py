"""The simulated country keeps the contract, the labels and its promise to be the same for the same seed."""

from __future__ import annotations

import datetime
import doctest
import gzip
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import typer
from schwifty import IBAN
from typer.testing import CliRunner

import simulator
from simulator.country import Country, Settings, write_country
from simulator.frauds import FRAUDS
from simulator.texts import PURPOSES
from simulator.writer import Lines
from streams import decode
from streams.cli.simulate import simulate
from tests.simulator.written import CONTRACTS, SETTINGS, Written

TYPOLOGIES = {f"T{fraud.typology:02d}" for fraud in FRAUDS}


def write(folder: Path, name: str, settings: Settings) -> tuple[bytes, bytes]:
    out, labels = folder / name, folder / f"{name}.labels"
    write_country(settings, out, labels)
    return out.read_bytes(), labels.read_bytes()


def test_same_seed_gives_the_same_bytes(tmp_path: Path, written: Written) -> None:
    events, labels = write(tmp_path, "again.jsonl", SETTINGS)
    assert events.splitlines() == written.lines
    other_events, other_labels = write(tmp_path, "other.jsonl", Settings(days=5, people=2_000, seed=8))
    assert (other_events, other_labels) != (events, labels)
    assert not {*other_events.splitlines()} & {*written.lines}


def test_hash_seed_and_process_change_nothing(tmp_path: Path) -> None:
    out = tmp_path / "child.jsonl.gz"
    program = (
        "import sys; from pathlib import Path; from simulator.country import Settings, write_country;"
        "write_country(Settings(days=2, people=300, seed=3), Path(sys.argv[1]), Path(sys.argv[1] + '.labels'))"
    )
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", program, str(out)], check=True, env=environment)
        child = out.read_bytes()
        assert child == write(tmp_path, "here.jsonl.gz", Settings(days=2, people=300, seed=3))[0]


def test_compressed_holds_the_same(tmp_path: Path) -> None:
    settings = Settings(days=2, people=200)
    assert gzip.decompress(write(tmp_path, "a.jsonl.gz", settings)[0]) == write(tmp_path, "a.jsonl", settings)[0]


def test_every_line_keeps_the_contract(written: Written) -> None:
    for line in written.lines:
        record, _ = decode.read(line)
        if isinstance(record, decode.Transaction):
            decode.check_transaction(record)
    for line, event in zip(written.lines, written.events, strict=True):
        if event["type"] != "transaction" or event["event_id"][0] == "0":
            CONTRACTS[event["type"]].model_validate_json(line)
    assert {event["type"] for event in written.events} == set(CONTRACTS)


def test_published_by_the_payer_or_else_the_payee(written: Written) -> None:
    for event in written.events:
        if event["type"] == "transaction":
            publisher = event["payer"] if "payer" in event else event["payee"]
            assert event["institution"] == publisher["institution"]


def test_ids_are_unique_and_accounts_valid(written: Written) -> None:
    assert len({event["event_id"] for event in written.events}) == len(written.events)
    owners: dict[str, str] = {}
    for event in written.events:
        for side in ("payer", "payee"):
            if side in event and "id" in event[side]:
                assert owners.setdefault(event[side]["account"], event[side]["id"]) == event[side]["id"]
    for account in [*owners][:1_000]:
        IBAN(account)


def test_people_are_as_old_as_their_number_says() -> None:
    population = Country(Settings(days=1, people=500)).population
    for number, age in zip(population.identifier[: population.people], population.age.tolist(), strict=True):
        century = 1900 if number[6] in "34" else 2000
        born = datetime.date(century + int(number[:2]), int(number[2:4]), int(number[4:6]))
        assert abs((SETTINGS.start - born).days / 365.25 - age) < 1.1


def test_sorted_inside_the_days(written: Written) -> None:
    times = [event["occurred_at"] for event in written.events]
    assert times == sorted(times)
    assert times[0] >= "2026-01-05T00:00:00.000+05:00"
    assert times[-1] < "2026-01-10T00:00:00.000+05:00"


def test_labels_name_every_event_and_every_typology(written: Written) -> None:
    assert [row["event_id"] for row in written.labels] == [event["event_id"] for event in written.events]
    told = {(row["label"], bool(row["scenario"]), bool(row["case"])) for row in written.labels}
    assert told == {("0", False, False), ("0", False, True), ("1", True, True)}
    assert all(row["case"].startswith(f"{row['scenario']}-") for row in written.labels if row["scenario"])
    counted = Counter(row["scenario"] for row in written.labels if row["scenario"])
    assert set(counted) == TYPOLOGIES
    assert counted == written.summary.labelled
    assert written.summary.events == len(written.labels)


def test_frauds_begin_on_the_second_day(written: Written) -> None:
    for typology in TYPOLOGIES:
        money = [event for event in written.of(typology) if event["type"] == "transaction"]
        assert money[0]["occurred_at"] >= "2026-01-06"


def test_a_week_has_several_of_each_and_they_are_rare() -> None:
    country = Country(Settings(people=20_000))
    assert all(times >= 2 for times in country.instances.values())
    assert set(country.instances) == TYPOLOGIES
    rows = [day["scenario"] for day in country.days()]
    frauds, events = sum(int((day > 0).sum()) for day in rows), sum(len(day) for day in rows)
    assert 0.005 < frauds / events < 0.02
    assert 3 < events / 20_000 / 7 < 6


def test_pyramid_pays_those_who_paid_before(written: Written) -> None:
    deposited: set[tuple[str, str]] = set()
    regions, payouts = defaultdict(set), 0
    for event in written.paid("T01"):
        payer, payee = event["payer"]["id"], event["payee"]["id"]
        if (payee, payer) in deposited:
            payouts += 1
        elif payer != payee:
            deposited.add((payer, payee))
            regions[payee].add(event["payer"]["region"])
    assert payouts >= 5
    assert max(len(known) for known in regions.values()) >= 4


def test_mule_keeps_little_for_a_short_time(written: Written) -> None:
    events = written.paid("T03")
    came: Counter[str] = Counter()
    went: Counter[str] = Counter()
    for event in events:
        amount = int(event["amount"].partition(".")[0])
        came[event["payee"]["id"]] += amount
        went[event["payer"]["id"]] += amount
    mules = came.keys() & went.keys()
    assert mules
    assert all(0.9 < went[mule] / came[mule] <= 1 for mule in mules)


def test_takeover_says_how_it_was_done(written: Written) -> None:
    for event in written.paid("T12"):
        assert event["context"].get("device_new") or event["context"].get("remote_access")


def test_structured_sums_stay_under_a_threshold(written: Written) -> None:
    for event in written.paid("T21"):
        amount = float(event["amount"])
        assert any(0.9 * limit <= amount < limit for limit in (1e6, 3e6, 5e6))


def test_honest_look_alikes_are_there(written: Written) -> None:
    honest = Counter(
        event.get("purpose")
        for event, label in zip(written.events, written.labels, strict=True)
        if label["label"] == "0"
    )
    for group in (
        "salary",
        "wedding",
        "fundraiser",
        "charity",
        "supplier",
        "tax",
        "rent",
        "own",
        "car",
        "flat_deposit",
    ):
        assert sum(honest[text] for text in PURPOSES[group][1] if text), group
    # The words of a pyramid are also those of a house committee and of parents.
    assert any(text and "Взнос" in text for text in honest)


def test_a_device_of_ordinary_life_is_in_the_hands_of_one_household() -> None:
    # Person 0 gets a new telephone on the first day of this seed, and pays with it.
    country = Country(Settings(days=3, people=1_000, seed=307))
    owner = np.array(country.population.owner)
    users: dict[int, set[int]] = defaultdict(set)
    for rows in country.days():
        ordinary = rows[(rows["case"] == 0) & (rows["device"] >= 0)]
        for device, account in zip(ordinary["device"].tolist(), ordinary["payer"].tolist(), strict=True):
            users[device].add(int(owner[account]))
    new_telephones = [people for device, people in users.items() if device >= 2 * country.population.people]
    assert {0} in new_telephones
    assert all(len(people) == 1 for people in new_telephones)
    assert max(map(len, users.values())) <= 3


@pytest.mark.parametrize("days", [1, 2, 3])
def test_small_and_short_countries(tmp_path: Path, days: int) -> None:
    summary = write_country(Settings(days=days, people=100), tmp_path / "a.jsonl", tmp_path / "a.csv")
    assert summary.events > 100
    assert set(summary.labelled) == (TYPOLOGIES if days > 1 else set())


def test_interrupted_run_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(Lines, "render", broken)
    with pytest.raises(KeyboardInterrupt):
        write_country(Settings(days=1, people=100), tmp_path / "a.jsonl", tmp_path / "a.csv")
    assert not [*tmp_path.iterdir()]


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(simulate)
    return app


def test_command_prints_json(tmp_path: Path, command: typer.Typer) -> None:
    out = tmp_path / "week.jsonl.gz"
    result = CliRunner().invoke(command, ["--days", "2", "--people", "200", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["events"] == len(gzip.decompress(out.read_bytes()).splitlines())
    assert Path(summary["labels"]) == tmp_path / "week.labels.csv"
    assert len(Path(summary["labels"]).read_text().splitlines()) == summary["events"] + 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--people", "5"], "at least 100"),
        (["--days", "0"], "at least 1"),
        (["--seed", "-1"], "not be negative"),
        (["--start", "yesterday"], "isoformat"),
        (["--out", "/nowhere/at/all.jsonl"], "cannot write"),
    ],
)
def test_command_refuses_what_cannot_be(tmp_path: Path, command: typer.Typer, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(command, ["--people", "100", "--days", "1", "--out", str(tmp_path / "a"), *arguments])
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(simulator.__path__)])
def test_examples_in_docstrings(name: str) -> None:
    assert not doctest.testmod(importlib.import_module(f"simulator.{name}")).failed
