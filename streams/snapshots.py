"""Snapshots of a state: written aside by a forked child, MACed, synced, renamed; read back whole or not at all.

A snapshot is one file: a magic line, a random number, a MessagePack header (format, cluster, partition, offsets, the
arrays' names, types and shapes), the state's document, the arrays' bytes, and a Poly1305 tag over all of it (RFC 8439).
The key of the tag is an HMAC of the random number, so that no two files share one, as Poly1305 asks. The parent forks,
so the child sees the state of one instant while the flow goes on; the child touches no lock, no event loop and no
socket. The store is any fsspec URL; where it is not a local folder the child writes to a spool and a thread uploads.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fsspec
import msgspec
import numpy as np
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.poly1305 import Poly1305
from numpy.typing import NDArray

from rules.events import EVENT
from streams.direct_file import DirectFile
from streams.frames import EVENT_LAYOUT

log = structlog.get_logger(__name__)

FORMAT: Final = 2
_MAGIC: Final = b"antifraud snapshot\n"
_FORMER: Final = b"antifraud snapshot 1\n"  # format 1
_NONCE_BYTES: Final = 32
_TAG_BYTES: Final = 16
_CHUNK: Final = 1 << 20
_REST: Final = 3.0  # the child rests three times as long as it works: the flow needs cores and disk more
KEPT: Final = 2


class SnapshotError(RuntimeError):
    """A snapshot cannot be used: broken, of another format, another cluster or signed with another key."""


class _Header(msgspec.Struct, frozen=True):
    format: int
    layout: str
    cluster: str
    partition: int
    facts_offset: int
    taken_at: float
    document: int
    arrays: list[tuple[str, str, list[int]]]


@dataclass(slots=True)
class Writing:
    """A snapshot under way."""

    partition: int
    facts_offset: int
    process: int
    temporary: Path
    began: float


class SnapshotStore:
    """Snapshots of all partitions under one fsspec URL."""

    def __init__(self, url: str, key: bytes, cluster: str) -> None:
        if len(key) < 16:
            raise ValueError("the snapshot key is shorter than 16 bytes")
        self._key = hashlib.blake2b(key, digest_size=32, person=b"af-snapshot").digest()
        self._cluster = cluster
        self._files, self._root = fsspec.core.url_to_fs(url)
        self._local = getattr(self._files, "protocol", "") in ("file", ("file", "local"))
        if self._local:
            Path(self._root).mkdir(parents=True, exist_ok=True)
            self._spool = Path(self._root)
        else:
            self._files.makedirs(self._root, exist_ok=True)
            self._spool = Path(tempfile.mkdtemp(prefix="antifraud-snapshots-"))
        for left in self._spool.glob("*.writing-*"):
            if not _alive(int(left.suffix.rpartition("-")[2] or 0)):
                left.unlink(missing_ok=True)

    # -- writing ------------------------------------------------------------------------------------------------------

    def begin(
        self,
        partition: int,
        facts_offset: int,
        document: bytes,
        arrays: Mapping[str, NDArray[Any]],
        *,
        urgent: bool = False,
    ) -> Writing:
        """Fork a child that writes the state as it is now. Returns at once; `finish` makes it a snapshot.

        The child gives way to everything else, unless somebody waits for it: `urgent`.
        """
        header = msgspec.msgpack.encode(
            _Header(
                FORMAT,
                EVENT_LAYOUT,
                self._cluster,
                partition,
                facts_offset,
                time.time(),
                len(document),
                [(n, "event" if a.dtype == EVENT else _described(a.dtype), list(a.shape)) for n, a in arrays.items()],
            )
        )
        temporary = self._spool / f"{_name(partition, facts_offset)}.writing-{os.getpid()}"
        bodies = [np.ascontiguousarray(array) for array in arrays.values()]
        nonce = os.urandom(_NONCE_BYTES)
        tag = Poly1305(self._key_of(nonce))
        head = b"".join((_MAGIC, nonce, len(header).to_bytes(4, "little"), header, document))
        process = os.fork()
        if process == 0:
            # Nothing here may wait for a lock another thread held at the fork: plain writes and a hash, then out.
            status = 1
            try:
                if not urgent:
                    os.nice(19)
                _write(temporary, tag, [memoryview(head), *map(_bytes_of, bodies)], rest=0.0 if urgent else _REST)
                status = 0
            finally:
                os._exit(status)
        return Writing(partition, facts_offset, process, temporary, time.monotonic())

    async def finish(self, writing: Writing, caused: list[asyncio.Future[Any]]) -> float:
        """Wait for the child and for everything the state's records caused; then rename. Returns seconds taken.

        Raises:
            SnapshotError: the child failed (a full disk, say); the former snapshots stay.
        """
        try:
            while not (ended := os.waitpid(writing.process, os.WNOHANG))[0]:
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            # The partition has moved away: nobody waits for this child, and nobody else would remove its file.
            os.kill(writing.process, signal.SIGKILL)
            os.waitpid(writing.process, 0)
            writing.temporary.unlink(missing_ok=True)
            raise
        status = ended[1]
        if os.waitstatus_to_exitcode(status) != 0:
            writing.temporary.unlink(missing_ok=True)
            raise SnapshotError(
                f"writing the snapshot of partition {writing.partition} to {self._root} failed: is the disk full?"
            )
        try:
            if caused:
                # Not gather: that would, when cancelled, cancel the sends of everybody who waits for them.
                await asyncio.wait(caused)
            for sent in caused:
                sent.result()
        except BaseException:
            writing.temporary.unlink(missing_ok=True)
            raise
        name = _name(writing.partition, writing.facts_offset)
        if self._local:
            os.rename(writing.temporary, Path(self._root) / name)
            _sync_folder(Path(self._root))
        else:
            await asyncio.get_running_loop().run_in_executor(None, self._upload, writing.temporary, name)
        self._drop_old(writing.partition)
        return time.monotonic() - writing.began

    def _upload(self, temporary: Path, name: str) -> None:
        aside = f"{self._root}/{name}.uploading"
        self._files.put_file(str(temporary), aside)
        self._files.mv(aside, f"{self._root}/{name}")
        temporary.unlink(missing_ok=True)

    def _drop_old(self, partition: int) -> None:
        for name in self.names(partition)[KEPT:]:
            self._files.rm_file(f"{self._root}/{name}")

    # -- reading ------------------------------------------------------------------------------------------------------

    def names(self, partition: int) -> list[str]:
        """File names of this partition's snapshots, the furthest first."""
        prefix = f"partition-{partition:04d}-"
        self._files.invalidate_cache()
        found = (str(path).rpartition("/")[2] for path in self._files.ls(self._root, detail=False))
        return sorted((n for n in found if n.startswith(prefix) and n.endswith(".snapshot")), reverse=True)

    def newest(self, partition: int) -> tuple[bytes, dict[str, NDArray[Any]], int] | None:
        """(document, arrays, facts offset) of the furthest whole snapshot; a broken one is passed over with a warning.

        Raises:
            SnapshotError: a whole snapshot is of another cluster, format or row layout.
        """
        for name in self.names(partition):
            try:
                return self._read(name)
            except _Broken as broken:
                log.warning("snapshot passed over", snapshot=name, cause=str(broken))
        return None

    def _read(self, name: str) -> tuple[bytes, dict[str, NDArray[Any]], int]:
        with self._files.open(f"{self._root}/{name}", "rb") as file:
            content = bytearray(file.read())
        view = memoryview(content)
        if content.startswith(_FORMER):
            raise SnapshotError(_other_format(name, "1"))
        at = len(_MAGIC) + _NONCE_BYTES
        if len(view) < at + 4 + _TAG_BYTES or not content.startswith(_MAGIC):
            raise _Broken("it is truncated or no snapshot")
        try:
            key = self._key_of(bytes(view[len(_MAGIC) : at]))
            Poly1305.verify_tag(key, view[:-_TAG_BYTES], bytes(view[-_TAG_BYTES:]))
        except InvalidSignature:
            raise _Broken("its signature does not fit: it is damaged or was signed with another key") from None
        length = int.from_bytes(view[at : at + 4], "little")
        at += 4
        header = msgspec.msgpack.decode(view[at : at + length], type=_Header)
        at += length
        if header.format != FORMAT or header.layout != EVENT_LAYOUT:
            raise SnapshotError(_other_format(name, f"{header.format}, rows {header.layout}"))
        if header.cluster != self._cluster:
            raise SnapshotError(
                f"{name} belongs to Kafka cluster {header.cluster}, this is {self._cluster}. "
                "Give each cluster its own snapshot folder."
            )
        document = bytes(view[at : at + header.document])
        at += header.document
        arrays: dict[str, NDArray[Any]] = {}
        for array, described, shape in header.arrays:
            dtype = EVENT if described == "event" else _dtype(described)
            count = int(np.prod(shape, dtype=np.int64))
            arrays[array] = np.frombuffer(content, dtype, count, at).reshape(shape)
            at += count * dtype.itemsize
        return document, arrays, header.facts_offset

    def _key_of(self, nonce: bytes) -> bytes:
        return hmac.digest(self._key, nonce, "sha256")

    def close(self) -> None:
        """Remove the spool of a remote store."""
        if not self._local:
            shutil.rmtree(self._spool, ignore_errors=True)


class _Broken(Exception):
    """A file that is not a whole snapshot of ours."""


def _name(partition: int, facts_offset: int) -> str:
    return f"partition-{partition:04d}-{facts_offset:016d}.snapshot"


def _described(dtype: np.dtype[Any]) -> str:
    return repr(dtype.descr) if dtype.names else dtype.str


def _dtype(described: str) -> np.dtype[Any]:
    if not described.startswith("["):
        return np.dtype(described)
    import ast

    return np.dtype([tuple(field) for field in ast.literal_eval(described)])


def _write(path: Path, tag: Poly1305, parts: list[memoryview], *, rest: float) -> None:
    file = DirectFile(path)
    for part in parts:
        for start in range(0, len(part), _CHUNK):
            began = time.monotonic()
            chunk = part[start : start + _CHUNK]
            tag.update(chunk)
            file.write(chunk)
            if rest:
                time.sleep(rest * (time.monotonic() - began))
    file.write(memoryview(tag.finalize()))
    file.finish()


def _other_format(name: str, found: str) -> str:
    return (
        f"{name} has format {found}; this program reads format {FORMAT}, rows {EVENT_LAYOUT}. "
        "See 'What to do when' in docs/operations.md."
    )


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8).data) if array.size else memoryview(b"")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process > 0
