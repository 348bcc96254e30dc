"""`antifraud doctor` says what is missing and what to do about it, and never shows a key."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner

import streams.cli.doctor as clinic
from streams.cli.doctor import Finding, examine
from streams.kafka import Kafka

_SECRET = secrets.token_hex(32)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any setting of ours, in an empty folder, on a machine without Docker."""
    for variable in ("KAFKA_BOOTSTRAP_SERVERS", "ANTIFRAUD_DEMO", "NUMBA_CACHE_DIR", "ANTIFRAUD_SNAPSHOTS"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("ANTIFRAUD_TOKEN_KEY", "ANTIFRAUD_VAULT_KEY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(f"{variable}_FILE", raising=False)
    monkeypatch.setenv("ANTIFRAUD_KAFKA_DATA", str(tmp_path / "kafka"))
    monkeypatch.setattr(clinic, "docker_answers", lambda: False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def _key_file(folder: Path, mode: int) -> str:
    file = folder / "key"
    file.write_text(f"k1:{_SECRET}")
    file.chmod(mode)
    return str(file)


def test_an_old_python_is_told() -> None:
    assert clinic.python((3, 11)).ok
    assert clinic.python((3, 10)).ok is False


def test_a_private_key_file_is_fine_and_never_shown(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("ANTIFRAUD_TOKEN_KEY_FILE", _key_file(tmp_path, 0o600))
    finding = clinic.token_key()
    assert finding.ok
    assert "mode 600" in finding.found
    assert _SECRET not in f"{finding}"


@pytest.mark.parametrize("mode", [0o644, 0o660], ids=["everybody reads", "the group writes"])
def test_a_key_file_that_is_not_private_is_told(bare: pytest.MonkeyPatch, tmp_path: Path, mode: int) -> None:
    bare.setenv("ANTIFRAUD_VAULT_KEY_FILE", _key_file(tmp_path, mode))
    finding = clinic.vault_key()
    assert finding.ok is False
    assert "chmod 600" in finding.remedy
    assert _SECRET not in f"{finding}"


def test_a_missing_key_and_the_demo_key(bare: pytest.MonkeyPatch) -> None:
    assert clinic.token_key().ok is False
    bare.setenv("ANTIFRAUD_DEMO", "1")
    assert clinic.token_key() == Finding("token key", True, "the public demo key: for invented data only")


def test_without_java_docker_and_kafka_there_is_no_runtime(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("PATH", str(tmp_path))
    bare.delenv("JAVA_HOME", raising=False)
    bare.setenv("ANTIFRAUD_KAFKA_JARS", str(tmp_path / "jars"))
    assert clinic.runtime().ok is False
    assert clinic.jars().ok is False
    bare.setattr(clinic, "docker_answers", lambda: True)
    assert clinic.runtime().ok
    assert clinic.jars().ok is None


def test_a_named_cluster_that_does_not_answer_is_told(bare: pytest.MonkeyPatch) -> None:
    assert clinic.broker().ok is None
    bare.setattr(clinic, "answers", lambda servers, *, seconds: False)
    bare.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    assert clinic.broker().ok is False
    assert clinic.runtime().ok is None


def test_topics_are_not_looked_at_without_a_kafka(bare: pytest.MonkeyPatch) -> None:
    assert clinic.topics().ok is None
    bare.setenv("ANTIFRAUD_INSTITUTIONS", "not a BIC")
    finding = clinic.topics()
    assert finding.ok is False
    assert "ANTIFRAUD_INSTITUTIONS" in finding.found


def test_a_cluster_that_answers_and_lacks_topics(bare: pytest.MonkeyPatch, kafka: Kafka) -> None:
    bare.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    bare.setenv("ANTIFRAUD_INSTITUTIONS", "DOCTKZKA")  # nobody else's
    assert clinic.broker().ok
    finding = clinic.topics()
    assert finding.ok is False
    assert "topics apply" in finding.remedy


def test_little_room_is_told(tmp_path: Path) -> None:
    assert clinic._room("disk", tmp_path / "not" / "yet", needed_gib=1e9).ok is False
    assert not (tmp_path / "not").exists()


def test_the_packaged_rulebook_is_valid_and_a_broken_one_is_told(tmp_path: Path) -> None:
    assert clinic.rulebook().ok
    (tmp_path / "rulebook.yaml").write_text("version: 1\nunknown: 2\n")
    assert clinic.rulebook(tmp_path).ok is False


def test_a_cache_and_a_snapshot_folder_that_are_files_are_told(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert clinic.snapshots().ok
    assert not (tmp_path / "var").exists()
    bare.setattr(clinic, "_writable", lambda folder: False)
    assert clinic.snapshots().ok is False
    assert clinic.compiled().ok is False


def test_a_store_that_fsspec_does_not_know_is_told(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("ANTIFRAUD_SNAPSHOTS", "nowhere://bucket/snapshots")
    finding = clinic.snapshots()
    assert finding.ok is False
    assert "fsspec" in finding.remedy


def test_a_store_is_tried_by_writing(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("ANTIFRAUD_SNAPSHOTS", "memory://snapshots")
    assert clinic.snapshots().ok


def test_a_wrong_setting_and_a_failing_check_are_findings(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("ANTIFRAUD_KAFKA_PORT", "a port")
    wrong = examine("disk", clinic.disk)
    assert wrong.ok is False
    assert "port" in wrong.found

    def fails() -> Finding:
        raise RuntimeError("out of luck")

    assert examine("luck", fails).found == "the check failed: RuntimeError: out of luck"


def test_the_command_prints_json_and_leaves_with_one_where_something_is_missing(
    bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    app = typer.Typer()
    app.command()(clinic.doctor)
    bare.setattr(clinic, "CHECKS", {"keys": lambda: Finding("keys", False, "none", "Make one.")})
    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [{"name": "keys", "ok": False, "found": "none", "remedy": "Make one."}]
    bare.setattr(clinic, "CHECKS", {"keys": lambda: Finding("keys", True, "k1")})
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert "✓" in result.stdout
