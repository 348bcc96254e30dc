"""How kernels are compiled: by numba, once, kept on disk until a file changes that they are compiled from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

# Whose constants and functions end up inside kernels of other files.
_SHARED: Final = (
    "events.py", "history_layout.py", "history_kernels.py", "statistic_kernels.py", "feature_kernels.py",
)  # fmt: skip


def compiled(function: Function) -> Function:
    """`function` compiled by numba on first use and kept on disk, so that a restart does not compile again."""
    kernel = numba.njit(cache=True, nogil=True, boundscheck=False)(function)
    kept = getattr(kernel, "_cache", None)  # none where NUMBA_DISABLE_JIT is set
    if kept is not None:
        # numba asks only whether the kernel's own file is still the same, and would go on using what it inlined.
        kept._cache_file._source_stamp = (kept._cache_file._source_stamp, _shared())
    return cast(Function, kernel)


@cache
def _shared() -> str:
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in _SHARED)).hexdigest()
