"""`antifraud doctor`: whether this machine has what the center needs, and what to do where it has not."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import fsspec
import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

import models
import rules
from rules.check import check
from rules.rulebook_files import PACKAGED, read_documents
from streams.cli.common import EXIT, JsonOption, console, output, print_json
from streams.kafka import Kafka, KafkaSettings, answers, docker_answers
from streams.kafka_java import find_java
from streams.kafka_process import KafkaUnavailable
from streams.tokens import TOKEN_VARIABLE, VAULT_VARIABLE, KeyRefused, TokenKey, Vault
from streams.topics import Topics, TopicsInvalid, TopicsRefused
from streams.worker import WorkerSettings

PYTHON_AT_LEAST: Final = (3, 11)
FREE_GIB: Final = 2.0  # Kafka's segments, the jars and two snapshots of a small center
ANSWER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: `ok` is None where there was nothing to check."""

    name: str
    ok: bool | None
    found: str
    remedy: str = ""


def doctor(as_json: JsonOption = False) -> None:
    """Check that this machine has what the center needs.

    Exit codes: 0 nothing is missing; 1 something is.
    """
    findings = [examine(name, look) for name, look in CHECKS.items()]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(EXIT.FOUND)


def examine(name: str, look: Callable[[], Finding]) -> Finding:
    """One check, which may itself meet a wrong setting or an unforeseen fault: that is a finding too."""
    try:
        finding = look()
        return finding if finding.ok is False else replace(finding, remedy="")
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        return Finding(
            name, False, f"setting {'.'.join(map(str, fault['loc']))}: {fault['msg']}", "Correct the setting."
        )
    except Exception as error:  # a doctor who faints helps nobody
        return Finding(name, False, f"the check failed: {type(error).__name__}: {error}"[:200], "See the message.")


# -- the checks -------------------------------------------------------------------------------------------------------


def python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """The interpreter is new enough."""
    found = ".".join(map(str, version))
    return Finding(
        "python", version >= PYTHON_AT_LEAST, found, "Install Python 3.11 or newer, and run `make setup` with it."
    )


def runtime() -> Finding:
    """There is a cluster, a Docker or a Java to have Kafka from."""
    settings = KafkaSettings()
    if settings.bootstrap_servers:
        return Finding("kafka runtime", None, "not needed: KAFKA_BOOTSTRAP_SERVERS is set")
    if settings.runtime != "maven" and docker_answers():
        return Finding("kafka runtime", True, "Docker answers")
    if settings.runtime == "docker":
        return Finding("kafka runtime", False, "Docker does not answer", "Start its daemon, or unset the runtime.")
    try:
        java = find_java()
    except KafkaUnavailable as missing:
        return Finding("kafka runtime", False, missing.message, missing.remedy)
    if shutil.which("mvn") is None and not settings.jars.is_dir():
        return Finding(
            "kafka runtime", False, f"Java {java.version}, and no mvn", "Install Maven (Debian: `apt install maven`)."
        )
    return Finding("kafka runtime", True, f"Java {java.version}, Kafka's jars from Maven")


def jars() -> Finding:
    """The broker's jars are there, so that a start needs no network."""
    settings = KafkaSettings()
    if settings.jars.is_dir():
        return Finding("kafka jars", True, str(settings.jars))
    if settings.bootstrap_servers or (settings.runtime != "maven" and docker_answers()):
        return Finding("kafka jars", None, "not needed")
    return Finding(
        "kafka jars",
        False,
        f"not in {settings.jars}",
        "`antifraud up` and `make demo` get them once, from Maven Central.",
    )


def disk() -> Finding:
    """Kafka's records and the snapshots have room."""
    return _room("disk", KafkaSettings().data)


def _room(name: str, folder: Path, needed_gib: float = FREE_GIB) -> Finding:
    place = _nearest(folder)
    free = shutil.disk_usage(place).free / 2**30
    return Finding(
        name,
        free >= needed_gib,
        f"{free:.1f} GiB free at {place}",
        f"Make room: at least {needed_gib:g} GiB; or set ANTIFRAUD_KAFKA_DATA to another disk.",
    )


def token_key() -> Finding:
    """The key of the tokens is there, strong and kept private."""
    return _key("token key", TOKEN_VARIABLE, lambda: TokenKey.load().key_id)


def vault_key() -> Finding:
    """The key of the vault is there, strong and kept private."""
    return _key("vault key", VAULT_VARIABLE, lambda: Vault.load().key_id)


def _key(name: str, variable: str, load: Callable[[], str], environment: Mapping[str, str] = os.environ) -> Finding:
    """Says where the key is from and what it is called, never what it is."""
    try:
        key_id = load()
    except KeyRefused as refused:
        return Finding(name, False, refused.message, refused.remedy)
    file = environment.get(f"{variable}_FILE")
    if file:
        mode = stat.S_IMODE(Path(file).stat().st_mode)
        shared = bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
        # The group may be meant (a secret mounted for it); whoever writes the file owns every token all the same.
        found = f"{key_id}, {file}, mode {mode:03o}{': others than its owner have access' if shared else ''}"
        return Finding(name, not mode & stat.S_IWGRP, found, f"Run: chmod 600 {file}")
    if environment.get(variable):
        return Finding(name, True, f"{key_id}, from {variable}; a file is safer: {variable}_FILE")
    return Finding(name, True, "the public demo key: for invented data only")


def broker() -> Finding:
    """The cluster that is named answers."""
    servers = KafkaSettings().bootstrap_servers
    if not servers:
        return Finding("kafka", None, "KAFKA_BOOTSTRAP_SERVERS is not set: a broker is started where one is needed")
    return Finding(
        "kafka",
        answers(servers, seconds=ANSWER_SECONDS),
        servers,
        "Start it, correct the address, or unset KAFKA_BOOTSTRAP_SERVERS.",
    )


def topics() -> Finding:
    """The cluster's topics are as streams/topics.yaml declares them."""
    try:
        declared = Topics.load()
    except TopicsInvalid as invalid:
        return Finding("topics", False, str(invalid), "Correct the setting or the file.")
    try:
        with contextlib.closing(Kafka.find().admin()) as admin:
            plan = declared.diff(admin)
    except KafkaUnavailable:
        return Finding("topics", None, "not looked at: no Kafka answers")
    except TopicsRefused as refused:
        return Finding("topics", False, refused.message, refused.remedy)
    if not plan:
        return Finding("topics", True, f"{len(declared)} as declared")
    different = sorted({difference.topic for difference in plan.differences})
    more = f" and {len(different) - 3} more" if len(different) > 3 else ""
    found = f"{len(different)} differ: {', '.join(different[:3])}{more}"
    return Finding("topics", False, found, "`antifraud topics diff` says how; `antifraud topics apply` sets it right.")


def rulebook(folder: Path = PACKAGED) -> Finding:
    """The packaged rulebook has no errors."""
    checked = check(read_documents(folder))
    if checked.rulebook is None:
        return Finding("rulebook", False, f"{len(checked.errors)} errors", f"Run: antifraud check {folder}")
    return Finding(
        "rulebook", True, f"version {checked.rulebook.version}, {len(checked.rulebook.typologies)} typologies"
    )


def compiled() -> Finding:
    """Compiled kernels can be kept: else every start compiles them anew, which takes a minute."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    here = [Path(given)] if given else [Path(package.__path__[0]) / "__pycache__" for package in (rules, models)]
    if all(map(_writable, here)):
        return Finding("numba cache", True, given or "beside the packages")
    # numba's own second choice
    if not given and _writable(Path.home() / ".cache" / "numba"):
        return Finding("numba cache", True, str(Path.home() / ".cache" / "numba"))
    return Finding(
        "numba cache",
        False,
        f"{here[0]} cannot be written",
        "Set NUMBA_CACHE_DIR to a folder that can be and that stays.",
    )


def snapshots() -> Finding:
    """The place of the snapshots takes a file and gives it back."""
    url = WorkerSettings().snapshots
    remedy = "Set ANTIFRAUD_SNAPSHOTS to a folder or fsspec URL that can be written."
    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        return Finding(
            "snapshots",
            False,
            f"{url}: {error}",
            "Install fsspec's package for it (s3fs for s3://), or correct the URL.",
        )
    if "file" in files.protocol:
        return Finding("snapshots", _writable(Path(root)), root, remedy)
    probe = f"{root}/doctor-{os.getpid()}"
    try:
        files.makedirs(root, exist_ok=True)
        files.pipe_file(probe, b"antifraud doctor")
        files.rm_file(probe)
    except Exception as error:  # each store has errors of its own
        return Finding("snapshots", False, f"{url}: {type(error).__name__}", remedy)
    return Finding("snapshots", True, url)


CHECKS: Final[dict[str, Callable[[], Finding]]] = {
    "python": python,
    "kafka runtime": runtime,
    "kafka jars": jars,
    "disk": disk,
    "token key": token_key,
    "vault key": vault_key,
    "kafka": broker,
    "topics": topics,
    "rulebook": rulebook,
    "numba cache": compiled,
    "snapshots": snapshots,
}


# -- what they share --------------------------------------------------------------------------------------------------


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that exists already: a check makes nothing."""
    folder = folder.expanduser().resolve()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            return True
    except OSError:
        return False


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "check", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        table.add_row(*_row(finding))
    output.print(table)
    wrong = sum(finding.ok is False for finding in findings)
    console.print("Nothing is missing." if not wrong else f"{wrong} of {len(findings)} checks found something missing.")


def _row(finding: Finding) -> Iterator[str]:
    yield {True: "[green]✓[/]", False: "[red]✗[/]", None: "[dim]–[/]"}[finding.ok]
    yield finding.name
    yield escape(finding.found)
    yield escape(finding.remedy)
