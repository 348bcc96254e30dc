"""Small runs made by hand: events as tuples, alerts as tuples, and the truth about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rules.events import KINDS, ROLES
from streams.evaluation.labels import Label
from streams.evaluation.observed import ROW, Alert, Observed
from streams.replay import Replayed

HOUR = 3_600_000
START = 1_767_225_600_000  # 1 January 2026, 00:00 UTC
HONEST = Label(False, "", "")


def run(
    events: Sequence[tuple[int, int, int, int, Label]],
    alerts: Sequence[tuple[str, int, int, str]] = (),
    kinds: dict[int, str] | None = None,
    name: str = "hand-made",
) -> Observed:
    """Events are (hour, payer, payee, tenge, label); alerts (typology, event's number, subject, decision)."""
    known = [HONEST]
    rows = np.zeros(len(events), ROW)
    for number, (hour, payer, payee, amount, label) in enumerate(events):
        if label not in known:
            known.append(label)
        row = rows[number]
        row["label"], row["occurred_at"], row["amount"] = known.index(label), START + hour * HOUR, amount * 100
        row[ROLES[0]], row[ROLES[1]] = payer, payee
        row["kind"] = KINDS.index((kinds or {}).get(number, "transfer"))
    raised = [
        Alert(f"{number:032x}", typology, event, subject, int(rows["occurred_at"][event]), decision)
        for number, (typology, event, subject, decision) in enumerate(alerts)
    ]
    return Observed(name, rows, known, raised, Replayed(), 0, [0] * len(known), None)
