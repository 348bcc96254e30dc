"""What a direct file holds is what was written, whatever the sizes and whether or not the file system can do it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.direct_file import DirectFile

KIB = 1024


@pytest.fixture(params=["disk", "memory"], scope="module")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on a disk, and one in memory: tmpfs refused direct writing until Linux 6.6."""
    if request.param == "disk":
        yield tmp_path_factory.mktemp("direct")
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="antifraud-direct-") as memory:
        yield Path(memory)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(
        st.sampled_from([0, 1, 511, 4_095, 4_096, 4_097, KIB * KIB - 1, KIB * KIB, KIB * KIB + 5, 3_000_000]),
        max_size=5,
    )
)
def test_every_byte_is_there_and_none_more(folder: Path, sizes: list[int]) -> None:
    parts = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    path = folder / "file"
    path.write_bytes(b"longer, and there before" * 400_000)
    file = DirectFile(path)
    for part in parts:
        file.write(memoryview(part))
    file.finish()
    assert path.read_bytes() == b"".join(parts)


def test_nobody_else_reads_it(folder: Path) -> None:
    file = DirectFile(folder / "private")
    file.finish()
    assert (folder / "private").stat().st_mode & 0o777 == 0o600
