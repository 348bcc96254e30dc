"""What a replay of labelled events showed: a row for each judged event, and the alerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.events import KINDS, ROLES
from rules.rulebook import Rulebook
from streams.contracts.fields import milliseconds
from streams.contracts.rejected import RejectedEvent
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.engine import Judgement
from streams.evaluation.labels import Label, Labels, LabelsInvalid
from streams.replay import Replayed, replay
from streams.tokens import TokenKey, parse_token
from streams.verdicts import NEW

# Kinds in which money moves; the other kinds of row are calls, steps of a loan, listings, verdicts.
TRANSACTIONS: Final = frozenset(
    KINDS.index(kind)
    for kind in (
        "transfer", "card_payment", "cash_deposit", "cash_withdrawal",
        "loan_disbursement", "loan_repayment", "top_up", "crypto_exchange",
    )
)  # fmt: skip

ROW: Final = np.dtype(
    [
        ("label", "<i4"),  # index into Labels.known
        ("occurred_at", "<i8"),  # ms
        ("amount", "<i8"),  # tiyn, in tenge
        ("kind", "u1"),
        ("risk", "<f8"),
        *((role, "<u8") for role in ROLES),
    ]
)


class Alert(NamedTuple):
    """What the figures need of a suspicious operation."""

    alert_id: str
    typology: str
    row: int  # of its event in Observed.rows
    subject: int  # 64 bits of its token; 0 where the event has none
    occurred_at: int
    decision: str  # empty where none is asked for, or the typology is on trial


@dataclass(slots=True)
class Observed:
    """One run: a country or a set of files, judged from its first event to its last."""

    name: str
    rows: NDArray[np.void]  # ROW[n], in the order of judgement
    known: list[Label]
    alerts: list[Alert]
    replayed: Replayed
    unlabelled: int  # judged events without a label: taken for honest
    missing: list[int]  # for each of `known`: labelled events that were not judged
    first_rejected: RejectedEvent | None
    # Rows of listings that name somebody who took money of a fraud: entries have no labels of their own.
    listings_of_frauds: frozenset[int] = frozenset()

    def label(self, alert: Alert) -> Label:
        """The label of an alert's event."""
        return self.known[int(self.rows["label"][alert.row])]

    def is_right(self, alert: Alert) -> bool:
        """Whether an alert is about a fraud: its event belongs to one, or lists somebody who took its money."""
        return self.label(alert).fraud or alert.row in self.listings_of_frauds

    @property
    def fraud(self) -> NDArray[np.bool_]:
        """bool[n]: which events belong to a fraud."""
        of_label: NDArray[np.bool_] = np.array([label.fraud for label in self.known], bool)
        found: NDArray[np.bool_] = of_label[self.rows["label"]]
        return found


def observe(
    name: str,
    files: Sequence[Path],
    labels: Labels,
    rulebook: Rulebook,
    key: TokenKey,
    on_lines: Callable[[int], None] = lambda _: None,
) -> Observed:
    """Judge files in order by the live engine without Kafka, and keep what the figures need.

    Raises:
        LabelsInvalid: the labels name none of the events.
        OSError: a file cannot be read.
    """
    blocks: list[NDArray[np.void]] = []
    alerts: list[Alert] = []
    rejected: list[RejectedEvent] = []
    latest: dict[str, int] = {}  # event id → row, of the judgement whose alerts come next
    rows = unlabelled = 0

    def on_judgement(judgement: Judgement) -> None:
        nonlocal rows, unlabelled
        new = judgement.state == NEW
        judged = judgement.rows[new]
        block = np.empty(len(judged), ROW)
        for column in ("occurred_at", "kind", *ROLES):
            block[column] = judged[column]
        block["amount"] = judged["amount_kzt"]
        block["risk"] = judgement.risk[new]
        ids = judged["event_id"].tolist()
        numbers = [labels.numbers.get(event_id, -1) for event_id in ids]
        unlabelled += numbers.count(-1)
        block["label"] = np.maximum(numbers, 0)
        latest.clear()
        latest.update((event_id.decode(), rows + i) for i, event_id in enumerate(ids))
        rows += len(block)
        blocks.append(block)

    def on_alert(alert: SuspiciousOperation) -> None:
        subject = next((each.token for each in alert.subjects if each.role == alert.subject), None)
        alerts.append(
            Alert(
                alert.alert_id,
                alert.typology.id,
                latest[alert.event_id],
                parse_token(subject)[1].key if subject else 0,
                milliseconds(alert.occurred_at),
                (alert.decision or "") if alert.status == "active" else "",
            )
        )

    def on_rejected(event: RejectedEvent) -> None:
        if not rejected:
            rejected.append(event)

    replayed = replay(
        files,
        rulebook,
        key,
        on_alert=on_alert,
        on_judgement=on_judgement,
        on_rejected=on_rejected,
        on_lines=on_lines,
    )
    table = np.concatenate(blocks) if blocks else np.empty(0, ROW)
    if len(table) and unlabelled == len(table):
        raise LabelsInvalid(f"{name}: the labels name none of its events: are they of another file?")
    labelled = np.bincount(list(labels.numbers.values()), minlength=len(labels.known))
    labelled[0] += unlabelled
    missing = labelled - np.bincount(table["label"], minlength=len(labels.known))
    return Observed(
        name, table, labels.known, alerts, replayed, unlabelled, missing.tolist(), rejected[0] if rejected else None
    )
