"""A private PostgreSQL for the length of a test session: Debian's programs, a free port, its data thrown away."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from streams.kafka_ports import free_port

REMEDY = "PostgreSQL is not installed: run deploy/debian-packages as root, or install Debian's package postgresql."


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of a PostgreSQL that has just started, without a database; it ends with the block."""
    programs = _programs()
    user = _owner()
    folder = Path(tempfile.mkdtemp(prefix="antifraud-postgresql-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        data, port = folder / "data", free_port()
        _run((programs / "initdb", "-D", data, "-U", "console", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"), user)
        options = f"-c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -p {port}"
        start = (programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        _run(start, user)
        try:
            yield f"postgresql+psycopg://console@127.0.0.1:{port}"
        finally:
            _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda found: int(found.parts[-3]))
    if installed:
        return installed[-1].parent
    found = shutil.which("initdb")
    if found is None:
        pytest.fail(REMEDY)
    return Path(found).resolve().parent


def _owner() -> str | None:
    """As whom it runs: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    return next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})


def _run(command: Sequence[str | Path], user: str | None) -> None:
    group = None if user is None else pwd.getpwnam(user).pw_gid
    groups: list[int] | None = None if user is None else []
    # Its output goes to a file: the server inherits it, and a pipe would stay open as long as the server runs.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            command, stdout=said, stderr=said, cwd="/", user=user, group=group, extra_groups=groups, check=False
        )
        said.seek(0)
        assert done.returncode == 0, said.read().decode(errors="replace")
