"""The risk of an event: one number in [0, 1] from all typologies and models, never lower because one of them says more.

risk = 1 − Π(1 − part). A typology's part grows slowly below its alert threshold, so that many faint hints do not make a
crime, is `at_alert` exactly there, and `at_most` at the full score. A model's part grows with the logarithm of how rare
such an event is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rules.texts import Strict

if TYPE_CHECKING:
    from rules.judged import Judged
    from rules.rulebook import Rulebook

RAREST: Final = 6.0  # one in a million: rarer than that is not told apart


class RiskSettings(Strict):
    """How much typologies and models weigh; an officer's numbers."""

    at_alert: float = Field(gt=0, lt=1)
    at_most: float = Field(gt=0, lt=1)
    anomaly_at_most: float = Field(ge=0, lt=1)


def parts(rulebook: Rulebook, judged: Judged, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each typology, then the payer's and the payee's model, add to the risk: float64[n, typologies + 2]."""
    settings = rulebook.risk
    reached = judged.score / rulebook.alert_at
    beyond = (judged.score - rulebook.alert_at) / np.maximum(1.0 - rulebook.alert_at, 1e-9)
    typologies = np.where(
        reached < 1,
        settings.at_alert * reached * reached * reached,
        settings.at_alert + (settings.at_most - settings.at_alert) * np.clip(beyond, 0, 1),
    )
    typologies[:, rulebook.shadow] = 0.0
    rarity = -np.log10(np.maximum(1.0 - np.nan_to_num(np.clip(scores, 0, 1)), 10**-RAREST)) / RAREST
    return np.concatenate([typologies, settings.anomaly_at_most * rarity], axis=1)


def combine(rulebook: Rulebook, judged: Judged, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The risk of each event: float64[n]."""
    risk: NDArray[np.float64] = 1.0 - np.prod(1.0 - parts(rulebook, judged, scores), axis=1)
    return risk
