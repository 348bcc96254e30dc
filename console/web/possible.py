"""Says in the viewer's language why a case or an alert does not allow something."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from console.store.cases import NotPossible
from console.store.dispositions import NoVerdict
from console.web.refusals import Refusal


@contextlib.contextmanager
def possible() -> Iterator[None]:
    """Turn what a case or an alert does not allow into a refusal with its words; put it around the transaction."""
    try:
        yield
    except NotPossible as error:
        raise Refusal(409, f"cases.not_possible.{error.code}") from error
    except NoVerdict as error:
        raise Refusal(409, "cases.not_possible.no_verdict") from error
