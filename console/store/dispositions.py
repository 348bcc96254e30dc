"""What an alert is closed with; the verdicts among it are published to `dispositions`, from which the center learns.

A verdict names its subject, so the identity is opened inside the transaction that closes the alert. Its event id is
made of the alert and its version: sent twice, it is the same verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, cast, get_args

from sqlalchemy import Connection, RowMapping

from console import outbound, vault
from console.store import alerts, subjects
from console.store.actor import Actor
from console.store.alerts import Target
from console.store.errors import NotFound, StoreError
from streams.contracts.disposition import Disposition, Outcome
from streams.contracts.fields import from_milliseconds
from streams.contracts.subject import NamedSubject
from streams.tokens import Vault

ReasonCode = Literal["confirmed", "false_positive", "victim", "mule", "returned_money", "duplicate", "no_action"]
REASONS: Final[tuple[ReasonCode, ...]] = get_args(ReasonCode)
PUBLISHED: Final[frozenset[str]] = frozenset(get_args(Outcome))
TOPIC: Final = "dispositions"
PUBLISHER: Final = "AFM"  # the financial intelligence unit


class NoVerdict(StoreError):
    """There is nobody whom the verdict could name; nothing was closed."""

    def __init__(self, alert_id: str) -> None:
        super().__init__(
            f"No identity is known of whom alert {alert_id[:12]} is about, so no verdict can be published.",
            "Say whom the verdict is about, or close it with a reason that publishes none.",
        )


def close(
    connection: Connection,
    keys: Vault,
    actor: Actor,
    targets: Iterable[Target],
    reason_code: ReasonCode,
    *,
    now: int,
    note: str = "",
    about: Literal["payer", "payee"] | None = None,
) -> int:
    """Close alerts and publish what the center has to learn of it; how many verdicts that were.

    `about`: whose verdict it is; by default the subject of each alert. Holds end or go on by what is published.

    Raises:
        StaleAlerts, NotAllowed, NotFound: as `console.store.alerts.close`.
        NoVerdict: nobody is known whom the verdict could name.
    """
    rows = alerts.close(connection, actor, targets, reason_code, now=now, note=note)
    if reason_code not in PUBLISHED:
        return 0
    for row in rows:
        token = _whom(connection, row, about)
        verdict = _verdict(connection, keys, actor, row, cast(Outcome, reason_code), token, now)
        value = verdict.model_dump_json(exclude_none=True).encode()
        outbound.put(connection, TOPIC, value, record_key=verdict.event_id, now=now, seal=keys)
    return len(rows)


def _verdict(
    connection: Connection, keys: Vault, actor: Actor, row: RowMapping, outcome: Outcome, token: str, now: int
) -> Disposition:
    purpose = f"disposition {outcome} of alert {row['alert_id']}"
    try:
        identity = vault.open_for(connection, keys, actor, token, purpose)
    except NotFound:
        raise NoVerdict(row["alert_id"]) from None
    if identity.kind == "device":
        raise NoVerdict(row["alert_id"])
    field = "id" if identity.kind == "person" else identity.kind
    return Disposition(
        event_id=f"disposition-{row['alert_id']}-{row['version']}",
        type="disposition",
        occurred_at=from_milliseconds(now),
        publisher=PUBLISHER,
        outcome=outcome,
        subject=NamedSubject(**{field: identity.value}),
        alert_id=row["alert_id"],
        typology=row["typology"],
    )


def _whom(connection: Connection, row: RowMapping, about: Literal["payer", "payee"] | None) -> str:
    key = row["subject"] if about is None else row[about]
    if key is None:
        raise NoVerdict(row["alert_id"])
    return subjects.named(connection, {key})[key].token
