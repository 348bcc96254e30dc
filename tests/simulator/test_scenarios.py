"""The scenarios that can be chosen by name, and the calendar that the country lives by."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from simulator.country import Country, Settings
from simulator.day import paydays, season
from simulator.moves import CARD_PAYMENT, TRANSFER
from simulator.scenarios import SCENARIOS
from streams.cli.simulate import simulate
from tests.simulator.written import country


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_is_played_in_a_small_country(tmp_path: Path, name: str) -> None:
    seen = country(tmp_path, Settings(days=3, people=300, seed=5, scenario=name))
    assert set(seen.summary.labelled) == {f"T{fraud.typology:02d}" for fraud in SCENARIOS[name].frauds}
    assert seen.named("shared-dinner")


def test_elimai_is_as_the_letter_tells_it() -> None:
    """8 regions, more than 3,000 payers, about 1.5 bn tenge, payouts from new money, property at the end."""
    plan = SCENARIOS["elimai"]
    seen = Country(Settings(days=plan.days, people=plan.people, seed=5, scenario="elimai"))
    population, rows = seen.population, seen._stories[seen._stories["scenario"] == 1]
    moved = rows[rows["record"] < 0]
    collectors = [account for account, times in Counter(moved["payee"].tolist()).items() if times > 200]
    deposits = moved[[account in collectors for account in moved["payee"].tolist()]]
    payers = set(deposits["payer"].tolist())
    assert len(payers) > 3_000
    assert len({int(population.region[payer]) for payer in payers}) == 8
    assert 1.3e9 < deposits["amount"].sum() / 100 < 1.8e9
    payouts = moved[[payee in payers for payee in moved["payee"].tolist()]]
    assert len(payouts) > 500
    assert payouts["at"].min() > deposits["at"].min()
    property_sellers = {*population.company["developer"].tolist(), *population.company["dealer"].tolist()}
    assert sum(1 for payee in moved["payee"].tolist() if payee in property_sellers) > 10
    assert len({population.institution[account] for account in collectors}) >= 2


def test_the_network_shares_telephones_and_pays_upward() -> None:
    seen = Country(Settings(days=10, people=3_000, seed=5, scenario="dropper-network"))
    rows = seen._stories[seen._stories["scenario"] == 5]
    users: dict[int, set[int]] = {}
    for row in rows[rows["device"] >= 2 * 3_000]:
        users.setdefault(int(row["device"]), set()).add(int(row["payer"]))
    assert max(len(accounts) for accounts in users.values()) >= 5


def test_settings_refuse_what_cannot_be() -> None:
    for wrong in ({"scenario": "utopia"}, {"late": 0.9}, {"fraud_rate": -1.0}, {"institutions": 3}):
        with pytest.raises(ValueError, match="must be"):
            Settings(**wrong)


def test_the_calendar_moves_what_people_do() -> None:
    def counted(start: datetime.date) -> tuple[int, int]:
        (rows,) = Country(Settings(days=1, people=2_000, seed=5, start=start)).days()
        return int((rows["kind"] == CARD_PAYMENT).sum()), int((rows["kind"] == TRANSFER).sum())

    ordinary, nauryz = counted(datetime.date(2026, 2, 22)), counted(datetime.date(2026, 3, 22))
    december = counted(datetime.date(2026, 12, 27))
    assert nauryz[1] > 1.3 * ordinary[1]
    assert december[0] > 1.25 * ordinary[0]


def test_salaries_of_holidays_are_paid_before_them() -> None:
    assert paydays(datetime.date(2026, 3, 20)) == [20, 21, 22, 23]
    assert paydays(datetime.date(2026, 5, 27)) == []
    assert 27 in paydays(datetime.date(2026, 5, 26))
    due: Counter[int] = Counter()
    for number in range(365):
        due.update(paydays(datetime.date(2025, 12, 25) + datetime.timedelta(days=number)))
    assert all(due[day] >= 12 for day in range(3, 29))
    assert not season(datetime.date(2026, 12, 16)).working


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(simulate)
    return app


def test_command_plays_a_scenario(tmp_path: Path, command: typer.Typer) -> None:
    out = tmp_path / "lottery.jsonl"
    said = ["--scenario", "lottery", "--people", "300", "--days", "3", "--institutions", "6", "--json"]
    result = CliRunner().invoke(command, [*said, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)["instances"]) == {"T14"}


def test_command_names_the_scenarios(tmp_path: Path, command: typer.Typer) -> None:
    result = CliRunner().invoke(command, ["--scenario", "utopia", "--out", str(tmp_path / "a.jsonl")])
    assert result.exit_code == 2
    assert "elimai" in result.output
