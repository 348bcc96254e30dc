"""The decorator of every compiled loop of the models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function) -> Function:
    """Compile a loop over arrays, keep the machine code on disk, and let other threads run meanwhile.

    numba's cache looks at the file of the function itself only, so a kernel calls no kernel of another file: code that
    was changed over there would go on running in its old form here.

    >>> import models.robust
    >>> models.robust.inputs.targetoptions["nogil"]
    True
    """
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
