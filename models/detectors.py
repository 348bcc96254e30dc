"""All detectors together: one anomaly for the payer's side and one for the payee's side of each event.

Segments are (side, kind of party, kind of operation): a shop is not compared with a person, nor a transfer with a card
payment. The detectors' tail probabilities are joined as evidence (Fisher: the sum of -ln(1 - p)), evidence that the
subject gathered in its last events is added, and the sum is put on the scale of tail probabilities again.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import river
from numpy.typing import NDArray

from models.base import AMOUNT, HOUR, MEASUREMENTS, Detector, State
from models.drift import DriftWatch
from models.half_space import HalfSpaceDetector
from models.kernel import kernel
from models.robust import RobustDetector
from models.runs import Runs
from models.tail import TailProbability

FORMAT: Final = 1
"""Of the state. Another one is refused: the detectors would not be what they were."""
DETECTORS: Final[tuple[type[Detector], ...]] = (HalfSpaceDetector, RobustDetector)

SIDES: Final = ("payer", "payee")
PARTY_GROUPS: Final = ("person", "company", "other")
OPERATION_GROUPS: Final = ("transfer", "card", "cash", "loan", "exchange")
# Indices into PARTY_GROUPS by party kind (absent, person, company, foreign, account), -1 where there is no party, and
# into OPERATION_GROUPS by kind (transfer, card_payment, cash_deposit, cash_withdrawal, loan_disbursement,
# loan_repayment, top_up, crypto_exchange).
PARTY_GROUP: Final = np.array([-1, 0, 1, 2, 2], np.int16)
OPERATION_GROUP: Final = np.array([0, 1, 2, 2, 3, 3, 4, 4], np.int16)
SEGMENTS: Final = len(SIDES) * len(PARTY_GROUPS) * len(OPERATION_GROUPS)

LOCAL_OFFSET_MS: Final = 5 * 3_600_000  # Kazakhstan is one zone, UTC+05:00
SIDE_KEYS: Final = np.array([0, 0x9E3779B97F4A7C15], np.uint64)  # paying and being paid are different runs
LARGEST_EVIDENCE: Final = 20.0  # nats of one detector, about the rarest that a tail can tell

__all__ = ["FORMAT", "SEGMENTS", "Detectors", "DriftAlarm", "UnknownStateFormat", "segment_name"]


Part = Detector | Runs | TailProbability | DriftWatch


class UnknownStateFormat(ValueError):
    """The state was written by detectors of another format."""


class DriftAlarm(NamedTuple):
    """The scores of a detector in a segment changed their mean."""

    occurred_at: int
    detector: str
    segment: str
    before: float
    after: float


def segment_name(segment: int) -> str:
    """A segment in words.

    >>> segment_name(0), segment_name(SEGMENTS - 1)
    ('payer, person, transfer', 'payee, other, exchange')
    """
    side, rest = divmod(segment, len(PARTY_GROUPS) * len(OPERATION_GROUPS))
    party, operation = divmod(rest, len(OPERATION_GROUPS))
    return f"{SIDES[side]}, {PARTY_GROUPS[party]}, {OPERATION_GROUPS[operation]}"


@kernel
def _lay_out(
    party_group: NDArray[np.int16],
    operation_group: NDArray[np.int16],
    kind: NDArray[np.uint8],
    payer_kind: NDArray[np.uint8],
    payee_kind: NDArray[np.uint8],
    amount_kzt: NDArray[np.int64],
    occurred_at: NDArray[np.int64],
    statistics: NDArray[np.float64],
    present: NDArray[np.bool_],
    segment: NDArray[np.int16],
    measurements: NDArray[np.float64],
) -> None:
    parties = len(PARTY_GROUPS)
    operations = len(OPERATION_GROUPS)
    for event in range(kind.shape[0]):
        amount = amount_kzt[event] / 100.0
        hour = ((occurred_at[event] + LOCAL_OFFSET_MS) % 86_400_000) / 3_600_000.0
        for side in range(2):
            row = 2 * event + side
            party = party_group[payee_kind[event] if side else payer_kind[event]]
            if party < 0 or not present[event, side]:
                segment[row] = -1
            else:
                segment[row] = (side * parties + party) * operations + operation_group[kind[event]]
            for column in range(AMOUNT):
                measurements[row, column] = statistics[event, side, column]
            measurements[row, AMOUNT] = amount
            measurements[row, HOUR] = hour


@kernel
def _join(
    learnt: NDArray[np.int64],
    warm_up: int,
    segment: NDArray[np.int16],
    learn: NDArray[np.bool_],
    anomalies: NDArray[np.float64],
) -> NDArray[np.float64]:
    evidence = np.empty(segment.shape[0])
    for row in range(segment.shape[0]):
        place = segment[row]
        evidence[row] = np.nan
        if place < 0:
            continue
        if learnt[place] >= warm_up:
            evidence[row] = 0.0
            for detector in range(anomalies.shape[0]):
                rarity = 1.0 - anomalies[detector, row]
                evidence[row] += min(-math.log(rarity), LARGEST_EVIDENCE) if rarity > 0.0 else LARGEST_EVIDENCE
        if learn[row]:
            learnt[place] += 1
    return evidence


class Detectors:
    """Every detector over every segment, for the subjects of one partition.

    Events are scored one after another, each before it is learnt. Cutting the stream into batches differently changes
    no score, and the same rows and seed give the same bytes of state.

    Examples
    --------
    >>> rng = np.random.default_rng(42)
    >>> rows = 4_000
    >>> statistics = np.full((rows, 4, 10), np.nan)
    >>> statistics[:, 0, 2] = rng.laplace(size=rows)  # amount_deviation of the payer
    >>> statistics[-1, 0, 2] = 7.0
    >>> detectors = Detectors(seed=1)
    >>> anomaly = detectors.score_and_learn(
    ...     subject=rng.integers(1, 1 << 63, (rows, 2), np.uint64),
    ...     kind=np.zeros(rows, np.uint8),  # transfers
    ...     payer_kind=np.ones(rows, np.uint8),  # of persons
    ...     payee_kind=np.zeros(rows, np.uint8),  # to nobody
    ...     amount_kzt=rng.lognormal(14, 1, rows).astype(np.int64),
    ...     occurred_at=np.arange(rows) * 60_000,
    ...     statistics=statistics,
    ...     present=np.ones((rows, 2), np.bool_),
    ...     learn=np.ones((rows, 2), np.bool_),
    ... )
    >>> anomaly[0].tolist(), anomaly[-1].round(2).tolist()
    ([0.0, nan], [1.0, nan])
    """

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self._detectors = tuple(detector(SEGMENTS, seed) for detector in DETECTORS)
        self._warm_up = max(detector.warm_up for detector in DETECTORS)
        self._learnt = np.zeros(SEGMENTS, np.int64)
        self._runs = Runs()
        self._tail = TailProbability(SEGMENTS, highest=LARGEST_EVIDENCE * len(DETECTORS) + self._runs.largest)
        self._drift = DriftWatch(SEGMENTS * len(DETECTORS))

    def score_and_learn(
        self,
        *,
        subject: NDArray[np.uint64],
        kind: NDArray[np.uint8],
        payer_kind: NDArray[np.uint8],
        payee_kind: NDArray[np.uint8],
        amount_kzt: NDArray[np.int64],
        occurred_at: NDArray[np.int64],
        statistics: NDArray[np.float64],
        present: NDArray[np.bool_],
        learn: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Anomaly [n, 2] of payer and payee, a tail probability in [0, 1]; NaN where that subject is not judged here.

        Parameters
        ----------
        subject
            [n, 2]: the keys of payer and payee, which spread evenly over 64 bits as keyed tokens do.
        kind, payer_kind, payee_kind, amount_kzt, occurred_at
            Columns of the events: numbers of the kinds of operation and party, tiyn, milliseconds since 1970.
        statistics
            [n, 4, 10]: of payer, payee, device and phone, as their histories gave them before the event. The first two
            are used: each side is judged by its own history alone, which is wherever that subject lives.
        present
            [n, 2]: this partition holds the history of the side's subject.
        learn
            [n, 2]: the side teaches the detectors. False for a repeated event, and for a subject that has had its
            share: nobody may teach the models what is normal by doing it often.
        """
        rows = 2 * len(kind)
        segment = np.empty(rows, np.int16)
        measurements = np.empty((rows, len(MEASUREMENTS)), np.float64)
        _lay_out(
            PARTY_GROUP,
            OPERATION_GROUP,
            np.ascontiguousarray(kind),
            np.ascontiguousarray(payer_kind),
            np.ascontiguousarray(payee_kind),
            np.ascontiguousarray(amount_kzt),
            np.ascontiguousarray(occurred_at),
            np.ascontiguousarray(statistics),
            np.ascontiguousarray(present),
            segment,
            measurements,
        )
        teach = np.ascontiguousarray(learn).reshape(rows)
        times = np.repeat(occurred_at, 2)
        anomalies = np.empty((len(self._detectors), rows), np.float64)
        for number, detector in enumerate(self._detectors):
            raw = detector.raw_and_learn(segment, measurements, teach)
            anomalies[number] = detector.tail.score_and_learn(segment, raw, teach)
            stream = np.where(teach & (segment >= 0), segment + number * SEGMENTS, -1)
            self._drift.observe(stream, raw, times)
        evidence = _join(self._learnt, self._warm_up, segment, teach, anomalies)
        keys = (subject ^ SIDE_KEYS).reshape(rows)
        evidence = self._runs.add_up(keys, times, evidence, teach)
        return self._tail.score_and_learn(segment, evidence, teach).reshape(-1, 2)

    @property
    def drift(self) -> tuple[DriftAlarm, ...]:
        """The latest drift alarms, oldest first."""
        return tuple(
            DriftAlarm(
                alarm.occurred_at,
                self._detectors[alarm.stream // SEGMENTS].name,
                segment_name(alarm.stream % SEGMENTS),
                alarm.before,
                alarm.after,
            )
            for alarm in self._drift.alarms
        )

    @property
    def drift_alarms_total(self) -> int:
        """All drift alarms since the first event."""
        return self._drift.alarms_total

    def state(self) -> State:
        """All that was learnt, as plain arrays that are not touched any more; `river` says which version wrote them."""
        state: State = {
            "format": np.array([FORMAT], np.int64),
            "river": np.frombuffer(river.__version__.encode(), np.uint8),
            "seed": np.array([self.seed], np.int64),
            "learnt": self._learnt.copy(),
        }
        for name, part in self._parts().items():
            state |= {f"{name}/{key}": array for key, array in part.state().items()}
        return state

    @classmethod
    def restore(cls, state: State) -> Detectors:
        """Detectors that go on from a `state()` as if they had never stopped; another format is refused."""
        written = int(state["format"].item()) if "format" in state else None
        if written != FORMAT:
            by = bytes(state["river"]).decode() if "river" in state else "unknown"
            raise UnknownStateFormat(
                f"the models' state has format {written} (river {by}), this version reads format {FORMAT} "
                f"(river {river.__version__}): start from an older snapshot of this version, or replay the facts"
            )
        detectors = cls(int(state["seed"].item()))
        detectors._learnt[:] = state["learnt"]
        for name, part in detectors._parts().items():
            prefix = f"{name}/"
            part.restore({key.removeprefix(prefix): array for key, array in state.items() if key.startswith(prefix)})
        return detectors

    def _parts(self) -> dict[str, Part]:
        named: dict[str, Part] = {detector.name: detector for detector in self._detectors}
        return named | {"runs": self._runs, "tail": self._tail, "drift": self._drift}
