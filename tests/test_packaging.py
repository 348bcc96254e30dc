"""What is installed: our import names and no other's, pure packages without Kafka, and every data file in the wheel."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

DISTRIBUTION = "antifraud-center"
PACKAGES = {"streams", "rules", "models", "simulator", "console"}
SHELL = {"faust", "mode", "kafka", "aiokafka", "streams", "simulator", "console", "structlog", "prometheus_client"}
SHELL |= {"fsspec", "fastapi"}  # river loads SQLAlchemy where it is installed; that ours do not, import-linter checks


def test_our_import_names_are_only_ours() -> None:
    owners = importlib.metadata.packages_distributions()
    assert {name for name, distributions in owners.items() if DISTRIBUTION in distributions} == PACKAGES
    assert {name: set(owners[name]) for name in PACKAGES} == {name: {DISTRIBUTION} for name in PACKAGES}


@pytest.mark.parametrize("package", ["rules", "models"])
def test_the_pure_packages_import_nothing_of_the_shell(package: str, repository: Path) -> None:
    """Every module of the package, in a fresh interpreter."""
    modules = [
        ".".join(path.relative_to(repository).with_suffix("").parts)
        for path in sorted((repository / package).rglob("*.py"))
        if not path.name.startswith("__")
    ]
    assert len(modules) > 5
    program = f"import sys, {', '.join(modules)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=repository)
    assert not SHELL & set(done.stdout.split())


def test_the_entry_points_are_there() -> None:
    points = importlib.metadata.distribution(DISTRIBUTION).entry_points
    assert {(point.group, point.name) for point in points} == {
        ("console_scripts", "antifraud"),
        ("faust.transports", "batched"),
    }
    for point in points:
        assert callable(point.load())


def test_the_wheel_holds_every_data_file(tmp_path: Path, repository: Path) -> None:
    source = tmp_path / "source"  # setuptools builds in the tree: in a copy, so that nothing stale gets in
    source.mkdir()
    shutil.copy(repository / "pyproject.toml", source)
    (source / "README.md").touch()  # its words are not looked at
    for package in PACKAGES:
        shutil.copytree(repository / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run(
        [*command, "--wheel-dir", str(tmp_path), str(source)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(source))
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.suffix in {".py", ".yaml", ".json", ".xml", ".typed"}
    }
    assert {".py", ".yaml", ".json", ".xml"} <= {Path(name).suffix for name in wanted}
    assert wanted <= held
    assert {name.partition("/")[0] for name in held if ".dist-info" not in name} == PACKAGES
