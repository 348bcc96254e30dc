"""Puts together what is known of one subject, and graphs around it: one function for pages and the API."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, RowMapping, or_, select

from console.network.drawing import Drawing, draw, draw_path
from console.network.neighbourhood import neighbourhood
from console.network.paths import path
from console.store import cases, dealings, habits, subjects
from console.store.errors import NotFound
from console.store.subjects import Move, Subject
from console.store.tables import holds, meters, registry_entries, warnings
from console.web.alert_reading import hexadecimal
from console.web.api.alert_detail import BarView, HabitsView
from console.web.api.alert_models import alert_rows
from console.web.api.case_models import CaseRow, case_row
from console.web.api.subject_models import (
    CounterpartyView,
    EdgeView,
    HeldView,
    ListingView,
    NetworkView,
    NodeView,
    OperationView,
    PathView,
    SharedView,
    SubjectAlert,
    SubjectDetail,
    WarnedView,
)
from console.web.habits_reading import habits_view
from console.web.timeline import bars_of
from console.web.viewer import Viewer
from rules.events import CHANNELS, KINDS

ALERTS, OPERATIONS, COUNTERPARTIES, SHOWN = 25, 30, 30, 30
THINGS, USERS = 10, 5  # devices and telephones, others who use one of them


def read(connection: Connection, viewer: Viewer, text: str, *, now: int, before: int | None = None) -> SubjectDetail:
    """Everything about the subject with this token; `before`: a seq, for older alerts. NotFound."""
    subject = subjects.find(connection, text)
    key = subject.key
    found = subjects.alerts_of(connection, key, before=before, limit=ALERTS + 1)
    shown = found[:ALERTS]
    rows = alert_rows(connection, viewer, [row for _, row in shown])
    moves = subjects.moves_of(connection, key)
    return SubjectDetail(
        token=subject.token,
        kind=subject.kind,
        alerts=[SubjectAlert(role=role, alert=row) for (role, _), row in zip(shown, rows, strict=True)],
        more_alerts=shown[-1][1]["seq"] if len(found) > ALERTS else None,
        habits=_habits(moves, key, now),
        history=[BarView(**asdict(bar)) for bar in bars_of(moves, subjects.alerted_at(connection, key))],
        operations=_operations(connection, key),
        counterparties=_counterparties(connection, key),
        shared=_shared(connection, key),
        users=_users(connection, subject),
        listings=_listings(connection, key),
        holds=_holds(connection, key),
        warnings=_warnings(connection, key),
        meter=connection.scalar(select(meters.c.index).where(meters.c.collector == key)),
        cases=_cases(connection, viewer, [row for _, row in found]),
    )


def network(connection: Connection, text: str, *, hops: int, most: int) -> NetworkView:
    """The neighbourhood of a subject, ready to be drawn; NotFound."""
    subject = subjects.find(connection, text)
    kind = subject.kind if subject.kind in ("device", "phone") else "money"
    return _view(draw(connection, neighbourhood(connection, subject.key, hops=hops, most=most, kind=kind)))


def way(connection: Connection, one: str, other: str) -> PathView:
    """A shortest way of money between two subjects; NotFound where one of them is not known."""
    found = path(connection, subjects.find(connection, one).key, subjects.find(connection, other).key)
    return PathView(network=_view(draw_path(connection, found)), found=bool(found.keys), exhausted=found.exhausted)


def _view(drawing: Drawing) -> NetworkView:
    return NetworkView(
        nodes=[
            NodeView(
                token=each.subject.token,
                kind=each.subject.kind,
                found_by=each.node.kind,
                hop=each.node.hop,
                money=each.node.money,
                alerts=each.alerts,
                x=each.x,
                y=each.y,
            )
            for each in drawing.nodes
        ],
        edges=[
            EdgeView(source=source, target=target, kind=edge.kind, times=edge.times, amount=edge.amount)
            for source, target, edge in drawing.edges
        ],
        cut=drawing.cut,
    )


def _habits(moves: list[Move], key: int, now: int) -> HabitsView | None:
    usual = habits.of(moves, key, now)
    return habits_view(usual, now) if usual.operations else None


def _operations(connection: Connection, key: int) -> list[OperationView]:
    rows = subjects.operations_of(connection, key, limit=OPERATIONS)
    named = subjects.named(connection, {side for row in rows for side in (row["payer"], row["payee"])})
    return [
        OperationView(
            event=hexadecimal(row["event"]),
            occurred_at=row["occurred_at"],
            kind=KINDS[row["kind"]],
            channel=CHANNELS[row["channel"]] if row["channel"] < len(CHANNELS) else None,
            amount=row["amount"],
            direction="out" if row["payer"] == key else "in" if row["payee"] == key else "used",
            payer=named[row["payer"]].token if row["payer"] is not None else None,
            payee=named[row["payee"]].token if row["payee"] is not None else None,
            institution=row["institution"],
            risk=row["risk"],
        )
        for row in rows
    ]


def _counterparties(connection: Connection, key: int) -> list[CounterpartyView]:
    found = dealings.counterparties(connection, key, limit=COUNTERPARTIES)
    named = subjects.named(connection, [each.key for each in found])
    return [
        CounterpartyView(
            token=named[each.key].token,
            **{name: getattr(each, name) for name in CounterpartyView.model_fields if name != "token"},
        )
        for each in found
    ]


def _shared(connection: Connection, key: int) -> list[SharedView]:
    found = dealings.shared(connection, key, limit=THINGS)
    keys = {each.key for each in found} | {user for each in found for user, _, _ in each.users[:USERS]}
    named = subjects.named(connection, keys)
    return [
        SharedView(
            token=named[each.key].token,
            kind=each.kind,
            users=[named[user].token for user, _, _ in each.users[:USERS]],
            more_users=max(0, len(each.users) - USERS),
        )
        for each in found
    ]


def _users(connection: Connection, subject: Subject) -> list[str]:
    if subject.kind not in ("device", "phone"):
        return []
    users = [user for user, _, _ in dealings.users_of(connection, subject.kind, subject.key)]
    named = subjects.named(connection, users)
    return [named[user].token for user in users]


def _listings(connection: Connection, key: int) -> list[ListingView]:
    chosen = select(registry_entries).where(registry_entries.c.subject == key)
    rows = connection.execute(chosen.order_by(registry_entries.c.valid_from.desc()).limit(SHOWN)).mappings()
    return [ListingView(**{name: row[name] for name in ListingView.model_fields}) for row in rows]


def _holds(connection: Connection, key: int) -> list[HeldView]:
    chosen = select(holds).where(or_(holds.c.payer == key, holds.c.payee == key))
    rows = connection.execute(chosen.order_by(holds.c.at.desc()).limit(SHOWN)).mappings()
    return [HeldView(**{name: row[name] for name in HeldView.model_fields}) for row in rows]


def _warnings(connection: Connection, key: int) -> list[WarnedView]:
    rows: list[RowMapping] = []
    for column in (warnings.c.payer, warnings.c.payee):
        chosen = select(warnings).where(column == key).order_by(warnings.c.at.desc()).limit(SHOWN)
        rows += connection.execute(chosen).mappings()
    named = subjects.named(connection, {each for row in rows for each in (row["payer"], row["payee"])})
    return [
        WarnedView(at=row["at"], rule=row["rule"], payer=named[row["payer"]].token, payee=named[row["payee"]].token)
        for row in rows[:SHOWN]
    ]


def _cases(connection: Connection, viewer: Viewer, rows: list[RowMapping]) -> list[CaseRow]:
    if "cases.read" not in viewer.permissions:
        return []
    found = []
    for case_id in sorted({row["case_id"] for row in rows if row["case_id"] is not None}):
        try:
            found.append(case_row(cases.find(connection, viewer, case_id)))
        except NotFound:
            continue  # need to know: the viewer is not told that there is one
    return found
