"""Puts together what is known of one alert: one function for the page and for the API."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, RowMapping, select

from console.amounts import tiyn
from console.counterfactual import counterfactual
from console.rulebooks.shelf import Shelf
from console.store import alerts, habits, holds, subjects
from console.store.case_history import actions
from console.store.keys import key_of, unsigned
from console.store.subjects import Move
from console.store.tables import campaigns, notices, warnings
from console.store.tables import holds as holds_table
from console.web.api.alert_detail import (
    ActionView,
    AlertDetail,
    BarView,
    CounterfactualView,
    EvidenceView,
    FeatureView,
    HabitsView,
    HoldStateView,
    HoldView,
    NoticeView,
    PartyView,
    SignalView,
    WarningView,
    WithoutView,
)
from console.web.api.alert_models import CampaignRow, RowMaker, campaign_row
from console.web.habits_reading import habits_view
from console.web.queue_reading import feature_texts
from console.web.timeline import bars_of
from console.web.viewer import Viewer
from streams.contracts.fields import milliseconds
from streams.contracts.suspicious_operation import Evidence, Signal, SuspiciousOperation

SHOWN = 20  # siblings, warnings, notices


def read(connection: Connection, viewer: Viewer, shelf: Shelf, alert_id: str) -> AlertDetail:
    """Everything about an alert; the shelf knows the rulebook that judged it. NotFound."""
    row = alerts.find(connection, alert_id)
    said = alerts.as_published(row)
    language = viewer.language
    siblings = alerts.siblings(connection, row, SHOWN)
    same_event = alerts.of_event(connection, row["institution"], row["event_id"])
    maker = RowMaker(connection, viewer, [row, *siblings, *same_event])
    operation = subjects.operation(connection, row["institution"], row["event_id"])
    moves = subjects.moves_of(connection, row["subject"])
    return AlertDetail(
        alert=maker.alert(row),
        explanation=getattr(said.explanation, language),
        legal_basis=said.legal_basis,
        rulebook_version=said.rulebook.version,
        rulebook_generation=said.rulebook.generation,
        signals=[_signal(signal, language) for signal in said.signals],
        evidence=[_evidence(connection, each) for each in said.evidence],
        parties=[PartyView(role=each.role, token=each.token) for each in said.subjects],
        event=hexadecimal(operation["event"]) if operation is not None else None,
        habits=_habits(connection, row, moves),
        counterfactual=_counterfactual(said, shelf),
        holds=_holds(connection, row, language),
        campaign=_campaign(connection, row),
        siblings=[maker.alert(each) for each in siblings],
        same_event=[maker.alert(each) for each in same_event if each["alert_id"] != alert_id],
        warnings=_warnings(connection, row),
        notices=_notices(connection, row),
        history=[BarView(**asdict(bar)) for bar in bars_of(moves, subjects.alerted_at(connection, row["subject"]))],
        actions=[_action(each) for each in actions(connection, "alert", alert_id)],
    )


def hexadecimal(event: int) -> str:
    """An event's hash as addresses and evidence have it.

    >>> hexadecimal(255), hexadecimal(-1)
    ('00000000000000ff', 'ffffffffffffffff')
    """
    return f"{unsigned(event):016x}"


def _signal(signal: Signal, language: str) -> SignalView:
    named = feature_texts()
    return SignalView(
        id=signal.id,
        text=getattr(signal.text, language),
        state=signal.state,
        weight=signal.weight,
        contribution=signal.contribution,
        features=[
            FeatureView(name=name, text=named.get(name, {}).get(language), value=each.value, unit=each.unit)
            for name, each in signal.features.items()
        ],
    )


def _evidence(connection: Connection, each: Evidence) -> EvidenceView:
    keys = {text: key_of(text) for text in (each.counterparty, each.subject) if text is not None}
    known = subjects.named(connection, keys.values())
    tokens = {text: known[key].token if known[key].kind else text for text, key in keys.items()}
    return EvidenceView(
        event=each.event,
        occurred_at=milliseconds(each.occurred_at),
        amount=tiyn(each.amount),
        direction=each.direction,
        counterparty=tokens.get(each.counterparty or ""),
        subject=tokens.get(each.subject or ""),
    )


def _habits(connection: Connection, row: RowMapping, moves: list[Move]) -> HabitsView:
    key, moment = row["subject"], row["occurred_at"]
    usual = habits.before(connection, key, moment, moves)
    paid = key != row["payee"]
    other = row["payee"] if paid else row["payer"]
    return habits_view(
        usual,
        moment,
        times_median=usual.times_median(row["amount"], paid=paid),
        counterparty_is_new=other not in usual.known if other is not None else None,
    )


def _counterfactual(said: SuspiciousOperation, shelf: Shelf) -> CounterfactualView | None:
    # By the digest and not by the typology's version: whoever edits a threshold may leave the version as it was.
    threshold = shelf.alert_at(said.rulebook.digest, said.typology.id)
    if threshold is None:
        return None
    found = counterfactual(said.signals, threshold)
    return CounterfactualView(
        threshold=found.threshold,
        without=[WithoutView(**asdict(each)) for each in found.without],
        fewest=list(found.fewest),
        left=found.left,
    )


def _holds(connection: Connection, row: RowMapping, language: str) -> list[HoldView]:
    chosen = select(holds_table.c.hold_id).where(
        holds_table.c.institution == row["institution"], holds_table.c.event_id == row["event_id"]
    )
    views = []
    for hold_id in connection.execute(chosen.order_by(holds_table.c.since)).scalars().all():
        hold = holds.found(connection, hold_id)
        states = [
            HoldStateView(
                state=each.state,
                at=each.at,
                cause=each.cause,
                cause_text=getattr(each.cause_text, language),
                clock=each.clock,
                deadline_at=each.deadline_at,
            )
            for each in holds.states(connection, hold_id)
        ]
        silence = hold.event.on_silence
        views.append(
            HoldView(
                hold_id=hold_id,
                decision=hold.event.decision,
                state=hold.event.state,
                open=hold.open,
                deadline_at=hold.deadline_at,
                legal_basis=getattr(hold.event.legal_basis, language),
                on_silence=getattr(silence, language) if silence is not None else None,
                states=states,
            )
        )
    return views


def _campaign(connection: Connection, row: RowMapping) -> CampaignRow | None:
    if row["campaign_id"] is None:
        return None
    chosen = select(campaigns).where(campaigns.c.campaign_id == row["campaign_id"])
    found = connection.execute(chosen).mappings().one_or_none()
    return campaign_row(found) if found is not None else None


def _warnings(connection: Connection, row: RowMapping) -> list[WarningView]:
    """Warnings to the payer, or about the payee where there is no payer."""
    if row["payer"] is not None:
        chosen = select(warnings).where(warnings.c.payer == row["payer"])
    else:
        chosen = select(warnings).where(warnings.c.payee == row["payee"])
    rows = list(connection.execute(chosen.order_by(warnings.c.at.desc()).limit(SHOWN)).mappings())
    named = subjects.named(connection, {key for each in rows for key in (each["payer"], each["payee"])})
    return [
        WarningView(
            warning_id=each["warning_id"],
            at=each["at"],
            rule=each["rule"],
            payer=named[each["payer"]].token,
            payee=named[each["payee"]].token,
        )
        for each in rows
    ]


def _notices(connection: Connection, row: RowMapping) -> list[NoticeView]:
    chosen = select(notices).where(notices.c.subject == row["subject"], notices.c.alert_id == row["alert_id"])
    return [
        NoticeView(**{name: each[name] for name in NoticeView.model_fields})
        for each in connection.execute(chosen.order_by(notices.c.at.desc()).limit(SHOWN)).mappings()
    ]


def _action(row: RowMapping) -> ActionView:
    return ActionView(at=row["at"], actor=row["actor"], action=row["action"], reason=row["reason"])
