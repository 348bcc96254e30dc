"""The small country that the tests of the simulator look at."""

from __future__ import annotations

import pytest

from tests.simulator.written import SETTINGS, Written, country


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return country(tmp_path_factory.mktemp("country"), SETTINGS)
