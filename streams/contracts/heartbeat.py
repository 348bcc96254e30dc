"""The heartbeat contract: a publisher says that nothing older follows."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from streams.contracts.fields import Contract, Instant, Institution, Operator, StateBody
from streams.contracts.reasons import FieldError, Reason


class Heartbeat(Contract):
    """Everything of this publisher that occurred before `occurred_at` has been published on this topic."""

    type: Literal["heartbeat"]
    institution: Institution | None = None
    operator: Operator | None = None
    publisher: StateBody | None = None
    occurred_at: Instant

    @model_validator(mode="after")
    def _has_one_publisher(self) -> Heartbeat:
        if sum(name is not None for name in (self.institution, self.operator, self.publisher)) != 1:
            raise FieldError(Reason.MISSING_FIELD, "exactly one of institution, operator and publisher is required")
        return self
