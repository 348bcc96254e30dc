"""A snapshot comes back whole or not at all, and a disk that is full costs no former snapshot and no event."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import numpy as np
import pytest
from structlog.testing import capture_logs

from rules.events import EVENT
from streams import snapshots
from streams.metrics import WorkerMetrics
from streams.screen import Screen
from streams.screening import Partition
from streams.snapshots import SnapshotError, SnapshotStore

KEY = bytes(range(32))


def arrays(fill: int = 1) -> dict[str, Any]:
    return {
        "numbers": np.arange(100_000, dtype=np.int64) * fill,
        "square": np.full((3, 5), fill / 7),
        "rows": np.zeros(fill, EVENT),
        "index": np.array([(1, 2)], [("key", "<u8"), ("at", "<i4")]),
        "none": np.empty(0, np.float32),
    }


def taken(store: SnapshotStore, offset: int, *, partition: int = 0, caused: list[Any] | None = None) -> float:
    async def take() -> float:
        writing = store.begin(partition, offset, b"document", arrays(offset))
        return await store.finish(writing, caused or [])

    return asyncio.run(take())


def held_up_to(store: SnapshotStore, partition: int = 0) -> int | None:
    found = store.newest(partition)
    return None if found is None else found[2]


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path, fresh_name: Callable[[str], str]) -> str:
    return str(tmp_path / "snapshots") if request.param == "folder" else f"memory://{fresh_name('snapshots')}"


def test_a_snapshot_comes_back_byte_for_byte_and_the_two_furthest_are_kept(url: str) -> None:
    store = SnapshotStore(url, KEY, "cluster-1")
    assert store.newest(0) is None
    for offset in (5, 7, 1_000):
        assert taken(store, offset) > 0
    taken(store, 3, partition=1)
    document, found, offset = store.newest(0) or pytest.fail("no snapshot")
    assert (document, offset) == (b"document", 1_000)
    for name, array in arrays(1_000).items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes(), name
    assert len(store.names(0)) == snapshots.KEPT
    assert held_up_to(store, 1) == 3
    assert held_up_to(SnapshotStore(url, KEY, "cluster-1")) == 1_000, "another process reads the same"
    store.close()


def damaged(url: str, name: str, change: Callable[[bytearray], bytearray]) -> None:
    files, root = fsspec.core.url_to_fs(url)
    content = change(bytearray(files.cat_file(f"{root}/{name}")))
    files.pipe_file(f"{root}/{name}", bytes(content))


def flipped(place: int) -> Callable[[bytearray], bytearray]:
    def flip(content: bytearray) -> bytearray:
        content[place] ^= 1
        return content

    return flip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[:20], "truncated"),
        (lambda content: bytearray(), "truncated"),
        (lambda content: content[:-1], "signature does not fit"),
        (lambda content: content + b"\0", "signature does not fit"),
        (flipped(0), "no snapshot"),
        (flipped(30), "signature does not fit"),
        (flipped(200_000), "signature does not fit"),
        (flipped(-1), "signature does not fit"),
    ],
)
def test_a_damaged_snapshot_is_passed_over_for_the_one_before(
    url: str, change: Callable[[bytearray], bytearray], words: str
) -> None:
    store = SnapshotStore(url, KEY, "cluster-1")
    taken(store, 5)
    taken(store, 7)
    damaged(url, store.names(0)[0], change)
    with capture_logs() as logs:
        assert held_up_to(store) == 5
    assert [(entry["event"], words in entry["cause"]) for entry in logs] == [("snapshot passed over", True)]


def test_a_snapshot_signed_with_another_key_is_passed_over(url: str) -> None:
    taken(SnapshotStore(url, KEY[::-1], "cluster-1"), 5)
    with capture_logs() as logs:
        assert SnapshotStore(url, KEY, "cluster-1").newest(0) is None
    assert "signed with another key" in logs[0]["cause"]
    with pytest.raises(ValueError, match="shorter than 16 bytes"):
        SnapshotStore(url, KEY[:8], "cluster-1")


def test_a_snapshot_of_another_cluster_format_or_layout_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken(SnapshotStore(url, KEY, "cluster-1"), 5)
    with pytest.raises(SnapshotError, match=r"belongs to Kafka cluster cluster-1, this is cluster-2\. Give each"):
        SnapshotStore(url, KEY, "cluster-2").newest(0)
    for name, value, words in (("FORMAT", 9, "has format 9"), ("EVENT_LAYOUT", "cafe", "rows cafe")):
        with monkeypatch.context() as patch:
            patch.setattr(snapshots, name, value)
            taken(SnapshotStore(url, KEY, "cluster-1"), 6)
        with pytest.raises(SnapshotError, match=rf"{words}.*What to do when"):
            SnapshotStore(url, KEY, "cluster-1").newest(0)


def test_a_snapshot_of_the_former_version_is_refused_by_name(url: str) -> None:
    """P20: it is whole, so to pass it over as damaged and begin anew would be wrong."""
    store = SnapshotStore(url, KEY, "cluster-1")
    taken(store, 5)
    damaged(url, store.names(0)[0], lambda content: bytearray(b"antifraud snapshot 1\n") + content)
    with pytest.raises(SnapshotError, match="has format 1; this program reads format 2"):
        store.newest(0)


def test_a_snapshot_waits_for_what_its_records_caused(tmp_path: Path) -> None:
    store = SnapshotStore(str(tmp_path), KEY, "cluster-1")

    async def take() -> None:
        unwritten = asyncio.get_running_loop().create_future()
        finishing = asyncio.create_task(store.finish(store.begin(0, 5, b"", arrays()), [unwritten]))
        while not list(tmp_path.glob("*.writing-*")):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert store.newest(0) is None, "the broker has not acknowledged everything"
        unwritten.set_result(None)
        await finishing
        assert held_up_to(store) == 5

    asyncio.run(take())


def test_a_partition_that_leaves_during_a_snapshot_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    store = SnapshotStore(str(tmp_path), KEY, "cluster-1")

    async def take() -> int:
        writing = store.begin(0, 5, b"", {"large": np.zeros(8_000_000)})
        finishing = asyncio.create_task(store.finish(writing, []))
        await asyncio.sleep(0)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        return writing.process

    process = asyncio.run(take())
    with pytest.raises(ChildProcessError):
        os.waitpid(process, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_that_is_given_up_leaves_the_sends_it_waits_for_alone(tmp_path: Path) -> None:
    """Intake waits for the same sends: were they cancelled, it would acknowledge what is not written."""
    store = SnapshotStore(str(tmp_path), KEY, "cluster-1")

    async def take() -> None:
        unwritten = asyncio.get_running_loop().create_future()
        finishing = asyncio.create_task(store.finish(store.begin(0, 5, b"", arrays()), [unwritten]))
        await asyncio.sleep(0.5)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        assert not unwritten.done()

    asyncio.run(take())
    assert list(tmp_path.iterdir()) == []


def test_what_dead_processes_left_half_written_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = {who: tmp_path / f"partition-0000-{7:016d}.snapshot.writing-{who}" for who in (dead.pid, os.getppid())}
    for path in names.values():
        path.write_bytes(b"half")
    SnapshotStore(str(tmp_path), KEY, "cluster-1")
    assert not names[dead.pid].exists()
    assert names[os.getppid()].exists(), "another process may still be writing it"


@contextmanager
def nearly_full(folder: Path) -> Iterator[str]:
    """A folder with room for one small snapshot only: a disk of 1 MiB, or without the right to mount, a size limit."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield "a disk of 1 MiB"
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        yield "a limit of 1 MiB on files"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_former_snapshot_and_loses_no_event(tmp_path: Path) -> None:
    """P9, the worker's side: it says so, counts it, acknowledges nothing, and goes on when there is room again."""
    folder = tmp_path / "disk"
    with nearly_full(folder) as disk:
        store = SnapshotStore(str(folder), KEY, "cluster-1")
        writing = store.begin(0, 5, b"former", {"small": np.zeros(1_000)})
        asyncio.run(store.finish(writing, []))
        metrics = WorkerMetrics("test")
        outbox: Any = SimpleNamespace(open_now=list)
        screen = Screen(
            outbox,
            Any,
            Any,
            store,
            metrics,
            partitions=1,
            sources=[],
            snapshot_seconds=1,
            held_back=set(),  # type: ignore[arg-type]
        )
        acknowledged: list[int] = []
        event = SimpleNamespace(ack=lambda: acknowledged.append(1))
        small: dict[str, Any] = {"small": np.zeros(2_000)}
        large: dict[str, Any] = {"large": np.zeros(1_000_000)}
        partition: Any = SimpleNamespace(number=0, facts_offset=9, state=lambda: (b"", large))
        covering = screen.hold(partition).covering
        covering.events.append(event)
        with capture_logs() as logs:
            asyncio.run(covering.take())
        print(f"P9 {disk}: {logs[0]['cause']}")
        assert logs[0]["cause"].endswith("failed: is the disk full?")
        assert metrics.registry.get_sample_value("antifraud_snapshot_failures_total") == 1
        assert not acknowledged
        assert covering.events == [event]
        assert held_up_to(store) == 5
        assert not list(folder.glob("*.writing-*"))
        partition.state = lambda: (b"", small)  # room again
        asyncio.run(covering.take())
        assert acknowledged == [1]
        assert covering.events == []
        assert held_up_to(store) == 9


def test_a_partition_restores_from_what_it_wrote(tmp_path: Path) -> None:
    partition = Partition(0, 1, lambda _: pytest.fail("nothing is judged"))
    store = SnapshotStore(str(tmp_path), KEY, "cluster-1")
    asyncio.run(store.finish(store.begin(0, 0, *partition.state()), []))
    document, found, _ = store.newest(0) or pytest.fail("no snapshot")
    again = Partition.restore(document, found, lambda _: pytest.fail("nothing is judged"))
    assert again.state()[0] == partition.state()[0]
