"""What analysts do with alerts: assign, snooze, escalate, close, open again. Each takes many at once, all or none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, func, select, update

from console import audit
from console.store.actor import Actor, need
from console.store.errors import NotFound, Stale
from console.store.tables import alerts, campaigns
from streams.contracts.suspicious_operation import SuspiciousOperation

WORK: Final = "alerts.work"
MOST: Final = 500  # alerts that one action may change
_TOLD: Final = 20  # alerts of a campaign that is no longer as it was seen
LONGEST_SNOOZE_MS: Final = 90 * 86_400_000


@dataclass(frozen=True)
class Target:
    """An alert as somebody has seen it: an action on another version is refused.

    >>> Target.read("00ff.3"), str(Target("00ff", 3))
    (Target(alert_id='00ff', version=3), '00ff.3')
    """

    alert_id: str
    version: int

    @classmethod
    def read(cls, text: str) -> Target:
        """From the text form that forms hold; ValueError where it is none."""
        alert_id, _, version = text.partition(".")
        return cls(alert_id, int(version))

    def __str__(self) -> str:
        return f"{self.alert_id}.{self.version}"


class StaleAlerts(Stale):
    """Some of the chosen alerts were changed by somebody else, so none was changed now; `alert_ids` says which."""

    def __init__(self, alert_ids: Sequence[str]) -> None:
        super().__init__(f"Alert {', '.join(alert_id[:12] for alert_id in alert_ids)}")
        self.alert_ids = tuple(alert_ids)


def find(connection: Connection, alert_id: str) -> RowMapping:
    """The row of an alert; NotFound."""
    row = connection.execute(select(alerts).where(alerts.c.alert_id == alert_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"alert {alert_id}")
    return row


def of_campaign(connection: Connection, campaign_id: int, seen: int) -> list[Target]:
    """The open alerts of a campaign, of which `seen` were seen; StaleAlerts where there are more or fewer by now."""
    chosen = select(alerts.c.alert_id, alerts.c.version).where(
        alerts.c.campaign_id == campaign_id, alerts.c.state != "closed"
    )
    found = [Target(row.alert_id, row.version) for row in connection.execute(chosen.order_by(alerts.c.seq.desc()))]
    if len(found) < seen:
        gone = select(alerts.c.alert_id).where(alerts.c.campaign_id == campaign_id, alerts.c.state == "closed")
        latest = gone.order_by(alerts.c.closed_at.desc()).limit(min(seen - len(found), _TOLD))
        raise StaleAlerts(list(connection.scalars(latest)))
    if len(found) > seen:
        raise StaleAlerts([target.alert_id for target in found[: min(len(found) - seen, _TOLD)]])
    return found


def as_published(row: RowMapping) -> SuspiciousOperation:
    """The alert's document."""
    return SuspiciousOperation.model_validate_json(row["document"])


def assign(connection: Connection, actor: Actor, targets: Iterable[Target], assignee: str) -> None:
    """Make somebody responsible; an escalated alert stays escalated. StaleAlerts, NotAllowed."""
    for row in _checked(connection, actor, targets):
        state = "escalated" if row["state"] == "escalated" else "assigned"
        _change(connection, row, state=state, assignee=assignee, snoozed_until=None)
        audit.write(connection, actor, "alert.assigned", "alert", row["alert_id"], assignee=assignee)


def snooze(connection: Connection, actor: Actor, targets: Iterable[Target], until: int, *, now: int) -> None:
    """Take alerts out of the queue until an instant, ms UTC; StaleAlerts, NotAllowed, ValueError.

    An alert with a legal clock sleeps no longer than its clock runs.
    """
    if not now < until <= now + LONGEST_SNOOZE_MS:
        raise ValueError("an alert is snoozed until a time within the next 90 days")
    for row in _checked(connection, actor, targets):
        wakes = min(until, row["deadline_at"]) if row["deadline_at"] is not None else until
        _change(connection, row, state="snoozed", snoozed_until=wakes)
        audit.write(connection, actor, "alert.snoozed", "alert", row["alert_id"], until=wakes)


def escalate(connection: Connection, actor: Actor, targets: Iterable[Target], note: str = "") -> None:
    """Bring alerts before a senior; StaleAlerts, NotAllowed."""
    for row in _checked(connection, actor, targets):
        _change(connection, row, state="escalated", snoozed_until=None)
        audit.write(connection, actor, "alert.escalated", "alert", row["alert_id"], reason=note or None)


def close(
    connection: Connection, actor: Actor, targets: Iterable[Target], reason_code: str, *, now: int, note: str = ""
) -> list[RowMapping]:
    """Close alerts with a reason and return the rows as they were; StaleAlerts, NotAllowed.

    What the center has to learn of it is published by `console.store.dispositions.close`, which calls this.
    """
    rows = _checked(connection, actor, targets)
    for row in rows:
        _change(connection, row, state="closed", reason_code=reason_code, closed_at=now, snoozed_until=None)
        audit.write(connection, actor, "alert.closed", "alert", row["alert_id"], reason=note or None, code=reason_code)
    recount(connection, {row["campaign_id"] for row in rows if row["campaign_id"] is not None})
    return rows


def reopen(connection: Connection, actor: Actor, target: Target, note: str) -> None:
    """Take back a closing, with a reason, as one's own alert; StaleAlerts, NotAllowed.

    A verdict that was published with the closing stands until another one is.
    """
    need(actor, WORK)
    row = find(connection, target.alert_id)
    if row["version"] != target.version or row["state"] != "closed":
        raise StaleAlerts([target.alert_id])
    _change(connection, row, state="assigned", assignee=actor.username, reason_code=None, closed_at=None)
    audit.write(connection, actor, "alert.reopened", "alert", row["alert_id"], reason=note)
    if row["campaign_id"] is not None:
        recount(connection, {row["campaign_id"]})


def of_event(connection: Connection, institution: str, event_id: str) -> list[RowMapping]:
    """All alerts on one event, active ones first."""
    chosen = (
        select(alerts)
        .where(alerts.c.institution == institution, alerts.c.event_id == event_id)
        .order_by(alerts.c.status, alerts.c.seq)
    )
    return list(connection.execute(chosen).mappings())


def siblings(connection: Connection, row: RowMapping, limit: int = 20) -> list[RowMapping]:
    """Other alerts of the same campaign, the newest first."""
    if row["campaign_id"] is None:
        return []
    chosen = (
        select(alerts)
        .where(alerts.c.campaign_id == row["campaign_id"], alerts.c.seq != row["seq"])
        .order_by(alerts.c.seq.desc())
        .limit(limit)
    )
    return list(connection.execute(chosen).mappings())


def recount(connection: Connection, campaign_ids: Collection[int]) -> None:
    """Write down anew how many alerts of campaigns are open, and the gravest of them."""
    for campaign_id in sorted(campaign_ids):
        left = connection.execute(
            select(func.count(), func.max(alerts.c.severity)).where(
                alerts.c.campaign_id == campaign_id, alerts.c.state != "closed"
            )
        ).one()
        connection.execute(
            update(campaigns)
            .where(campaigns.c.campaign_id == campaign_id)
            .values(open_alerts=left[0], severity=left[1] or 0)
        )


def _checked(connection: Connection, actor: Actor, targets: Iterable[Target]) -> list[RowMapping]:
    """The open rows of the targets, each in the version that was seen, in the order of the targets."""
    need(actor, WORK)
    versions = {target.alert_id: target.version for target in targets}
    if not 0 < len(versions) <= MOST:
        raise ValueError(f"an action changes 1 to {MOST} alerts")
    chosen = select(alerts).where(alerts.c.alert_id.in_(versions))
    found: Mapping[str, RowMapping] = {row["alert_id"]: row for row in connection.execute(chosen).mappings()}
    if missing := [alert_id for alert_id in versions if alert_id not in found]:
        raise NotFound(f"alert {missing[0]}")
    stale = [row["alert_id"] for row in found.values() if _stale(row, versions)]
    if stale:
        raise StaleAlerts(stale)
    return [found[alert_id] for alert_id in versions]


def _stale(row: RowMapping, versions: Mapping[str, int]) -> bool:
    return bool(row["version"] != versions[row["alert_id"]] or row["state"] == "closed")


def _change(connection: Connection, row: RowMapping, **values: Any) -> None:
    connection.execute(
        update(alerts).where(alerts.c.alert_id == row["alert_id"]).values(version=row["version"] + 1, **values)
    )
