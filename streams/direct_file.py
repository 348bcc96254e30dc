"""A file written past the page cache: a gigabyte of it costs no memory, and the broker keeps its turn at the disk."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from pathlib import Path
from typing import Final

_BLOCK: Final = 4_096
_BUFFER: Final = 1 << 20


class DirectFile:
    """A new file, written from its beginning to its end through one aligned buffer.

    Where the file system cannot pass the cache by (tmpfs, some network folders) it is written as any other file. It
    takes no lock and starts no thread, so a forked child may write one.

    Raises:
        OSError: as `os.open`, `os.write` and `os.fsync` do: the disk is full, say.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            self._descriptor = os.open(path, flags | getattr(os, "O_DIRECT", 0), 0o600)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._descriptor = os.open(path, flags, 0o600)
        self._buffer = mmap.mmap(-1, _BUFFER)  # at the start of a page, as direct writing asks
        self._filled = 0
        self._length = 0

    def write(self, content: memoryview) -> None:
        """Put bytes behind those written before."""
        while len(content):
            part = content[: _BUFFER - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            content = content[len(part) :]
            if self._filled == _BUFFER:
                self._flush(_BUFFER)

    def finish(self) -> None:
        """Write what is left, cut the file to its length, and wait until the disk has it."""
        if self._filled:
            whole = -(-self._filled // _BLOCK) * _BLOCK
            self._buffer[self._filled : whole] = bytes(whole - self._filled)
            self._flush(whole)
        os.ftruncate(self._descriptor, self._length)
        os.fsync(self._descriptor)
        os.close(self._descriptor)

    def _flush(self, size: int) -> None:
        with memoryview(self._buffer) as whole, whole[:size] as left:
            at = 0
            while at < size:
                at += self._write(left[at:])
                if at % _BLOCK:
                    self._through_the_cache()  # a write that stopped inside a block cannot go on directly
        self._length += self._filled
        self._filled = 0

    def _write(self, part: memoryview) -> int:
        try:
            return os.write(self._descriptor, part)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._through_the_cache()
            return os.write(self._descriptor, part)

    def _through_the_cache(self) -> None:
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags & ~getattr(os, "O_DIRECT", 0))
