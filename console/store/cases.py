"""Cases: what belongs together, who works on it, who may know of it, and how it ends.

Whoever may not see a case gets NotFound, as if there were none. A change of the case itself takes the version that was
seen; notes, alerts and members are added and taken away one by one and need none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, RowMapping, and_, delete, exists, func, insert, or_, select, tuple_, update

from console import audit
from console.people.roles import may_see_case
from console.store.actor import Actor, need
from console.store.errors import NotFound, Stale, StoreError
from console.store.ids import next_id
from console.store.tables import alerts, campaigns, case_members, case_notes, cases, users

State = Literal["open", "filed", "closed"]
OUTCOMES: Final = ("handed_over", "money_returned", "not_proven", "no_fraud", "merged")
WORK: Final = "cases.work"
MOST_ALERTS: Final = 5_000
_WORKING: Final = ("analyst", "senior", "compliance", "auditor")  # roles that may be members


class NotPossible(StoreError):
    """A case does not allow this in its present state; nothing was changed. `code` names why in the texts of pages."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.code = code


@dataclass(frozen=True)
class CaseSize:
    """How much work a case is: its alerts, those not closed, and the nearest legal deadline of these (ms UTC)."""

    alerts: int = 0
    unworked: int = 0
    deadline_at: int | None = None


@dataclass(frozen=True)
class CasePage:
    """Cases, the latest first, and where the next page begins after: (opened_at, case_id)."""

    rows: list[RowMapping]
    next: tuple[int, int] | None


def open_case(
    connection: Connection,
    actor: Actor,
    title: str,
    *,
    now: int,
    restricted: bool = False,
    alert_ids: Sequence[str] = (),
    campaign_id: int | None = None,
) -> int:
    """Open a case of one's own, with alerts or all of a campaign; its number. NotAllowed, NotFound, NotPossible."""
    need(actor, WORK)
    case_id = next_id(connection, cases)
    connection.execute(
        insert(cases).values(
            case_id=case_id,
            title=title,
            state="open",
            owner=actor.username,
            opened_by=actor.username,
            opened_at=now,
            restricted=restricted,
            version=1,
        )
    )
    _add_member(connection, case_id, actor.username, actor, now)
    audit.write(connection, actor, "case.opened", "case", case_id, restricted=restricted)
    if campaign_id is not None:
        add_campaign(connection, actor, case_id, campaign_id)
    if alert_ids:
        add_alerts(connection, actor, case_id, alert_ids)
    return case_id


def find(connection: Connection, viewer: Actor, case_id: int) -> RowMapping:
    """A case that the viewer may know of; NotFound."""
    row = connection.execute(select(cases).where(cases.c.case_id == case_id)).mappings().one_or_none()
    if row is None or not may_see_case(connection, viewer, case_id):
        raise NotFound(f"case {case_id}")
    return row


def listing(
    connection: Connection,
    viewer: Actor,
    *,
    states: Collection[State] = (),
    owner: str | None = None,
    after: tuple[int, int] | None = None,
    limit: int = 50,
) -> CasePage:
    """Cases that the viewer may know of, the latest first; `states`: only those in one of them."""
    chosen = select(cases)
    if "audit.read" not in viewer.permissions:
        mine = exists().where(case_members.c.case_id == cases.c.case_id, case_members.c.username == viewer.username)
        chosen = chosen.where(or_(cases.c.restricted.is_(False), cases.c.owner == viewer.username, mine))
    if states:
        chosen = chosen.where(cases.c.state.in_(states))
    if owner is not None:
        chosen = chosen.where(cases.c.owner == owner)
    place = tuple_(cases.c.opened_at, cases.c.case_id)
    if after is not None:
        chosen = chosen.where(place < after)
    ordered = chosen.order_by(cases.c.opened_at.desc(), cases.c.case_id.desc()).limit(limit + 1)
    rows = list(connection.execute(ordered).mappings())
    last = rows[limit - 1] if len(rows) > limit else None
    return CasePage(rows[:limit], (last["opened_at"], last["case_id"]) if last is not None else None)


def sizes(connection: Connection, case_ids: Iterable[int], now: int) -> dict[int, CaseSize]:
    """How large cases are; those without alerts are left out."""
    unworked = alerts.c.state != "closed"
    counted = (
        select(
            alerts.c.case_id,
            func.count(),
            func.count().filter(unworked),
            func.min(alerts.c.deadline_at).filter(unworked, alerts.c.deadline_at > now),
        )
        .where(alerts.c.case_id.in_(case_ids))
        .group_by(alerts.c.case_id)
    )
    return {case_id: CaseSize(*size) for case_id, *size in connection.execute(counted)}


def change(
    connection: Connection, actor: Actor, case_id: int, version: int, *, title: str, owner: str, restricted: bool
) -> None:
    """Change what a case is called, whose it is and who may know of it; Stale, NotAllowed, NotFound, NotPossible."""
    row = _open_row(connection, actor, case_id)
    _known_user(connection, owner)
    _update(connection, row, version, title=title, owner=owner, restricted=restricted)
    changed = [name for name, value in (("title", title), ("owner", owner)) if row[name] != value]
    changed += ["restricted"] if row["restricted"] != restricted else []
    audit.write(connection, actor, "case.changed", "case", case_id, changed=changed, owner=owner, restricted=restricted)


def close(connection: Connection, actor: Actor, case_id: int, version: int, outcome: str, note: str, now: int) -> None:
    """Close a case with an outcome of OUTCOMES; Stale, NotAllowed, NotFound, NotPossible."""
    row = _open_row(connection, actor, case_id)
    if outcome not in OUTCOMES:
        raise ValueError(f"no outcome of a case: {outcome}")
    _update(connection, row, version, state="closed", outcome=outcome, closed_at=now)
    audit.write(connection, actor, "case.closed", "case", case_id, reason=note or None, outcome=outcome)


def filed(connection: Connection, actor: Actor, case_id: int) -> None:
    """Write down that a report about the case has been approved."""
    row = find(connection, actor, case_id)
    if row["state"] == "open":
        _update(connection, row, row["version"], state="filed")
    audit.write(connection, actor, "case.filed", "case", case_id)


def add_alerts(connection: Connection, actor: Actor, case_id: int, alert_ids: Iterable[str]) -> int:
    """Put alerts into a case and return how many are new to it; one that is in another case moves nowhere.

    Raises:
        NotAllowed, NotFound: also where an alert is not there.
        NotPossible: the case is closed, full, or an alert belongs to another case.
    """
    _open_row(connection, actor, case_id)
    wanted = list(dict.fromkeys(alert_ids))
    chosen = select(alerts.c.alert_id, alerts.c.case_id).where(alerts.c.alert_id.in_(wanted))
    found = {row.alert_id: row.case_id for row in connection.execute(chosen)}
    if missing := [alert_id for alert_id in wanted if alert_id not in found]:
        raise NotFound(f"alert {missing[0]}")
    if elsewhere := [alert_id for alert_id in wanted if found[alert_id] not in (None, case_id)]:
        raise NotPossible(
            "elsewhere", f"Alert {elsewhere[0][:12]} belongs to another case.", "Take it out of that case first."
        )
    new = [alert_id for alert_id in wanted if found[alert_id] is None]
    held = connection.scalar(select(func.count()).select_from(alerts).where(alerts.c.case_id == case_id)) or 0
    if held + len(new) > MOST_ALERTS:
        raise NotPossible("full", f"A case holds at most {MOST_ALERTS} alerts.", "Open another case for the rest.")
    if new:
        connection.execute(
            update(alerts).where(alerts.c.alert_id.in_(new)).values(case_id=case_id, version=alerts.c.version + 1)
        )
        audit.write(connection, actor, "case.alerts_added", "case", case_id, alerts=new)
    return len(new)


def add_campaign(connection: Connection, actor: Actor, case_id: int, campaign_id: int) -> int:
    """Put all alerts of a campaign that are in no case into this one; raises as `add_alerts` does."""
    if not connection.execute(select(campaigns).where(campaigns.c.campaign_id == campaign_id)).first():
        raise NotFound(f"campaign {campaign_id}")
    chosen = select(alerts.c.alert_id).where(alerts.c.campaign_id == campaign_id, alerts.c.case_id.is_(None))
    added = add_alerts(connection, actor, case_id, connection.execute(chosen.order_by(alerts.c.seq)).scalars().all())
    connection.execute(update(campaigns).where(campaigns.c.campaign_id == campaign_id).values(case_id=case_id))
    return added


def remove_alert(connection: Connection, actor: Actor, case_id: int, alert_id: str) -> None:
    """Take an alert out of a case; NotAllowed, NotFound, NotPossible."""
    _open_row(connection, actor, case_id)
    mine = and_(alerts.c.alert_id == alert_id, alerts.c.case_id == case_id)
    gone = connection.execute(update(alerts).where(mine).values(case_id=None, version=alerts.c.version + 1))
    if gone.rowcount != 1:
        raise NotFound(f"alert {alert_id} in case {case_id}")
    audit.write(connection, actor, "case.alert_removed", "case", case_id, alert=alert_id)


def add_note(connection: Connection, actor: Actor, case_id: int, text: str, *, now: int) -> int:
    """Write a note, also into a closed case; its number. NotAllowed, NotFound."""
    need(actor, WORK)
    find(connection, actor, case_id)
    note_id = next_id(connection, case_notes)
    connection.execute(
        insert(case_notes).values(note_id=note_id, case_id=case_id, author=actor.username, at=now, text=text)
    )
    audit.write(connection, actor, "case.note_added", "case", case_id, note=note_id)
    return note_id


def add_member(connection: Connection, actor: Actor, case_id: int, username: str, *, now: int) -> None:
    """Let somebody know of a restricted case; NotAllowed, NotFound, NotPossible."""
    _open_row(connection, actor, case_id)
    _known_user(connection, username)
    if username in members(connection, case_id):
        return
    _add_member(connection, case_id, username, actor, now)
    audit.write(connection, actor, "case.member_added", "case", case_id, member=username)


def remove_member(connection: Connection, actor: Actor, case_id: int, username: str) -> None:
    """Take somebody off a case, but never its owner; NotAllowed, NotFound, NotPossible."""
    row = _open_row(connection, actor, case_id)
    if username == row["owner"]:
        raise NotPossible("owner_stays", "The owner of a case stays on it.", "Give the case to somebody else first.")
    mine = and_(case_members.c.case_id == case_id, case_members.c.username == username)
    if connection.execute(delete(case_members).where(mine)).rowcount != 1:
        raise NotFound(f"member {username} of case {case_id}")
    audit.write(connection, actor, "case.member_removed", "case", case_id, member=username)


def members(connection: Connection, case_id: int) -> list[str]:
    """Usernames of those on a case, in the order in which they came."""
    chosen = select(case_members.c.username).where(case_members.c.case_id == case_id)
    return list(connection.execute(chosen.order_by(case_members.c.added_at, case_members.c.username)).scalars())


def alerts_of(connection: Connection, case_id: int) -> list[RowMapping]:
    """The alerts of a case, the earliest first."""
    chosen = select(alerts).where(alerts.c.case_id == case_id).order_by(alerts.c.occurred_at, alerts.c.seq)
    return list(connection.execute(chosen).mappings())


def notes_of(connection: Connection, case_id: int) -> list[RowMapping]:
    """The notes of a case, the earliest first."""
    chosen = select(case_notes).where(case_notes.c.case_id == case_id)
    return list(connection.execute(chosen.order_by(case_notes.c.at, case_notes.c.note_id)).mappings())


def _open_row(connection: Connection, actor: Actor, case_id: int) -> RowMapping:
    need(actor, WORK)
    row = find(connection, actor, case_id)
    if row["state"] == "closed":
        raise NotPossible("closed", f"Case {case_id} is closed.", "Open a new case for what is new.")
    return row


def _update(connection: Connection, row: RowMapping, version: int, **values: Any) -> None:
    changed = connection.execute(
        update(cases)
        .where(cases.c.case_id == row["case_id"], cases.c.version == version)
        .values(version=version + 1, **values)
    )
    if changed.rowcount != 1:
        raise Stale(f"Case {row['case_id']}", ("case", row["case_id"]))


def _add_member(connection: Connection, case_id: int, username: str, actor: Actor, now: int) -> None:
    values = {"case_id": case_id, "username": username, "added_by": actor.username, "added_at": now}
    connection.execute(insert(case_members).values(values))


def _known_user(connection: Connection, username: str) -> None:
    role = connection.scalar(select(users.c.role).where(users.c.username == username, users.c.enabled.is_(True)))
    if role not in _WORKING:
        raise NotFound(f"colleague {username} who works on cases")
