"""Warnings to payers as the store has them: campaigns by payee, what was said, and what that changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select, tuple_

from console.store.tables import tokens, warning_effects, warnings
from rules.warning import Arm, effect
from streams.cli.warnings import Told, together
from streams.contracts.warning import Warning, WarningEffect


@dataclass(frozen=True)
class Effect:
    """What warning changed, of those whose time is over; shares and tenge are None while one group is empty.

    `difference` is the share of the warned who paid again less that of the held out (Newcombe's interval of 95 %),
    `averted` the tenge that the warned did not pay by comparison (Welch's).
    """

    warned: int
    held_out: int
    warned_measured: int
    warned_paid_again: int
    held_out_measured: int
    held_out_paid_again: int
    difference: float | None
    low: float | None
    high: float | None
    averted: float | None
    averted_low: float | None
    averted_high: float | None


@dataclass(frozen=True)
class Campaign:
    """Everybody warned of one payee by one rule; instants in ms UTC."""

    payee: str
    key: int
    rule: str
    warned: int
    first_at: int
    last_at: int
    passed_over: int  # had had warnings enough from elsewhere
    measured_at: int | None
    effect: Effect


@dataclass(frozen=True)
class Warned:
    """One warning to one payer."""

    warning_id: str
    payer: str
    institution: str
    at: int
    language: str
    typology: str
    alert_id: str


def campaigns(connection: Connection, *, payee: int | None = None, limit: int = 200) -> list[Campaign]:
    """Campaigns, the one with most warned people first; of one payee where `payee` is given."""
    counted = select(
        warnings.c.payee, warnings.c.rule, func.count().label("warned"), func.min(warnings.c.at).label("first_at"),
        func.max(warnings.c.at).label("last_at"),
    ).group_by(warnings.c.payee, warnings.c.rule)  # fmt: skip
    if payee is not None:
        counted = counted.where(warnings.c.payee == payee)
    one = counted.subquery()
    query = (
        select(one, tokens.c.token, warning_effects.c.at.label("measured_at"), warning_effects.c.document)
        .join(tokens, tokens.c.key == one.c.payee)
        .outerjoin(warning_effects, and_(warning_effects.c.payee == one.c.payee, warning_effects.c.rule == one.c.rule))
        .order_by(one.c.warned.desc(), one.c.payee, one.c.rule)
        .limit(limit)
    )
    found = []
    for row in connection.execute(query):
        said = _told(row.token, row.rule, row.document)
        passed_over = said.latest.passed_over if said.latest is not None else 0
        warned, held = said.arms()
        effect_of = Effect(**{**_figures(warned, held), "warned": row.warned})
        found.append(
            Campaign(
                row.token,
                row.payee,
                row.rule,
                row.warned,
                row.first_at,
                row.last_at,
                passed_over,
                row.measured_at,
                effect_of,
            )
        )
    return found


def of_all(connection: Connection) -> Effect:
    """The effect of all campaigns that hold people out, added up."""
    query = select(warning_effects.c.rule, warning_effects.c.document)
    said = [_told("", rule, document) for rule, document in connection.execute(query)]
    return Effect(**_figures(*together(said)))


def latest(connection: Connection, payee: int, rule: str) -> Warning | None:
    """The warning said last about a payee by a rule: its words are what payers saw."""
    document = connection.scalar(
        select(warnings.c.document)
        .where(warnings.c.payee == payee, warnings.c.rule == rule)
        .order_by(warnings.c.at.desc())
        .limit(1)
    )
    return Warning.model_validate_json(document) if document is not None else None


def told(
    connection: Connection, payee: int, rule: str, *, before: tuple[int, str] | None = None, limit: int = 50
) -> list[Warned]:
    """Single warnings of a campaign, the latest first; `before`: (at, warning_id) of the page before's last."""
    query = select(warnings.c.warning_id, warnings.c.at, warnings.c.document).where(
        warnings.c.payee == payee, warnings.c.rule == rule
    )
    if before is not None:
        query = query.where(tuple_(warnings.c.at, warnings.c.warning_id) < tuple_(*before))
    query = query.order_by(warnings.c.at.desc(), warnings.c.warning_id.desc()).limit(limit)
    found = []
    for row in connection.execute(query):
        said = Warning.model_validate_json(row.document)
        found.append(
            Warned(row.warning_id, said.payer, said.institution, row.at, said.language, said.typology, said.alert_id)
        )
    return found


def _told(payee: str, rule: str, document: str | None) -> Told:
    return Told(payee, rule, latest=WarningEffect.model_validate_json(document) if document is not None else None)


def _figures(warned: Arm, held: Arm) -> dict[str, Any]:
    changed = effect(warned, held)._asdict()
    return {
        "warned": warned.people,
        "held_out": held.people,
        "warned_measured": warned.measured,
        "warned_paid_again": warned.again,
        "held_out_measured": held.measured,
        "held_out_paid_again": held.again,
        **{name: None if math.isnan(value) else value for name, value in changed.items()},
    }
