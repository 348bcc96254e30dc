"""How long the fault tests run: `--faults=short` in CI, `--faults=long` on demand; each test prints its seed."""

from __future__ import annotations

import random

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=("short", "long"), default="short", help="how many faults are played")
    parser.addoption(
        "--kills", type=int, default=None, help="how often test_kill.py kills; by the form where not given"
    )
    parser.addoption("--fault-seed", type=int, default=None, help="the schedule's seed; random where not given")


@pytest.fixture(scope="session")
def long_form(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--faults") == "long")


@pytest.fixture
def kills(request: pytest.FixtureRequest, long_form: bool) -> int:
    """How many workers are killed in one test."""
    given = request.config.getoption("--kills")
    return int(given) if given is not None else 100 if long_form else 4


@pytest.fixture
def fault_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test's schedule; printed, so that a failure can be played again."""
    given = request.config.getoption("--fault-seed")
    seed = given if given is not None else random.SystemRandom().randrange(1 << 30)
    print(f"\n{request.node.name}: --fault-seed={seed}")
    return int(seed)
