"""The tracing section of a rulebook: how money is followed from transfer to transfer, and what of it is laundering."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rules.flow_kernels import TRACED
from rules.flows import FlowParameters
from rules.lists import Identifier
from rules.texts import Strict, Texts
from rules.typology import Duration, Score, TypologyId, Weight, milliseconds, one_of

# What a signal may look at, with its unit for texts.
MEASURES: Final = {
    "depth": "transfers",
    "cycle_length": "transfers",
    "new_hops": "transfers",
    "paths_met": "subjects",
    "origins_met": "subjects",
    "relays_met": "subjects",
    "sources": "subjects",
    "targets": "subjects",
    "new_sources": "subjects",
    "new_targets": "subjects",
    "kept_share": "share",
    "cycle_share": "share",
    "balance": "share",
    "elapsed_hours": "hours",
    "gathered": "tenge",
    "passed": "tenge",
    "amount": "tenge",
}
Source = Annotated[str, Field(min_length=4)]


class Quantity(Strict):
    """A number that an officer may change, and why it is what it is."""

    value: Annotated[float, Field(ge=0, le=1e12)]
    unit: str
    source: Source


class Period(Strict):
    """A time that an officer may change, and why it is what it is."""

    value: Duration
    source: Source


class TracedSignal(Strict):
    """One observation: a measure within bounds adds its weight."""

    id: Identifier
    measure: Annotated[str, one_of(tuple(MEASURES))]
    at_least: float | None = None
    at_most: float | None = None
    weight: Weight
    source: Source
    text: Texts

    @model_validator(mode="after")
    def _has_a_bound(self) -> TracedSignal:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a signal has at_least, at_most or both")
        return self


class Pattern(Strict):
    """One shape of laundering, what speaks for it, and whom it is about."""

    id: Literal["chain", "cycle", "fan_in", "scatter_gather", "gather_scatter"]
    subject: Literal["payer", "payee"]
    counted: Annotated[str, one_of(tuple(MEASURES))]  # an alert comes again within `again_after` when it has doubled
    summary: Texts
    signals: list[TracedSignal] = Field(min_length=1)
    alert_at: Score

    @model_validator(mode="after")
    def _can_alert(self) -> Pattern:
        if sum(signal.weight for signal in self.signals) < self.alert_at:
            raise ValueError("the weights of all signals do not reach alert_at")
        names = [signal.id for signal in self.signals]
        if len(set(names)) < len(names):
            raise ValueError("a signal is named twice")
        texts = [self.summary, *(signal.text for signal in self.signals)]
        for _, _, name in (found for text in texts for found in text.placeholders()):
            if name not in MEASURES:
                raise ValueError(f"{{{name}}} is none of {', '.join(MEASURES)}")
        return self


class Tracing(Strict):
    """The whole section; `typology` is the one whose name and legal basis the alerts carry."""

    typology: TypologyId
    least: Quantity
    hop: Period
    meeting: Period
    keep: Quantity
    over: Quantity
    covered: Quantity
    relay: Quantity
    again_after: Period
    patterns: list[Pattern]

    @model_validator(mode="after")
    def _are_distinct(self) -> Tracing:
        names = [pattern.id for pattern in self.patterns]
        if len(set(names)) < len(names):
            raise ValueError("a pattern is described twice")
        return self

    @cached_property
    def parameters(self) -> FlowParameters:
        """How transfers are matched, in the graph's units."""
        return FlowParameters(
            least=round(self.least.value * 100),
            hop_ms=milliseconds(self.hop.value),
            meeting_ms=milliseconds(self.meeting.value),
            keep=self.keep.value,
            over=self.over.value,
            covered=self.covered.value,
            relay=self.relay.value,
        )

    @cached_property
    def again_ms(self) -> int:
        """`again_after` in milliseconds."""
        return milliseconds(self.again_after.value)

    def measures(self, traced: NDArray[np.void], amount_kzt: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Every measure of n traced transfers (TRACED) in its unit: float64[n] each."""
        found = {name: traced[name].astype(np.float64) for name in MEASURES if name in (TRACED.names or ())}
        return found | {
            "gathered": found["gathered"] / 100.0,
            "passed": found["passed"] / 100.0,
            "amount": amount_kzt / 100.0,
        }

    def scores(
        self, traced: NDArray[np.void], amount_kzt: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], list[NDArray[np.bool_]]]:
        """What n transfers score: float64[n, patterns], and for each pattern which signals hold: bool[n, signals]."""
        values = self.measures(traced, amount_kzt)
        scores = np.zeros((len(traced), len(self.patterns)))
        held = []
        for number, pattern in enumerate(self.patterns):
            holds = np.zeros((len(traced), len(pattern.signals)), np.bool_)
            for place, signal in enumerate(pattern.signals):
                value = values[signal.measure]
                holds[:, place] = traced["edge"] >= 0
                if signal.at_least is not None:
                    holds[:, place] &= value >= signal.at_least
                if signal.at_most is not None:
                    holds[:, place] &= value <= signal.at_most
            # Whole thousandths, as typologies sum them: 0.3 + 0.4 is exactly what a threshold of 0.7 says.
            weights: NDArray[Any] = np.array([round(signal.weight * 1000) for signal in pattern.signals])
            scores[:, number] = np.minimum(holds @ weights, 1000) / 1000.0
            held.append(holds)
        return scores, held
