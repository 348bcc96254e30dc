"""The typologies of a rulebook as a person reads them: the list with its figures, and the card of one."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import Connection

from console.rulebooks.difference import day_of
from console.rulebooks.reports import Report
from console.rulebooks.trial import TrialResult, trial
from console.store import typology_figures
from console.store.typology_figures import Figures
from rules.events import DAY_MS
from rules.rulebook import Rulebook
from rules.texts import Texts
from rules.typology import Typology

_NONE = Figures(0, 0, 0, 0)


class TypologyLine(Report):
    """One typology of the catalogue; its alerts of the last 7 and 30 days, as it judges now."""

    id: str
    name: Texts
    status: str
    version: int
    owner: str
    week: int
    month: int
    confirmed: int
    refuted: int
    precision: float | None


class Catalogue(Report):
    """A rulebook's typologies in order of id."""

    version: str
    digest: str
    generation: int | None
    until: int | None
    typologies: list[TypologyLine]


class DayCount(Report):
    """The alerts of one day (YYYY-MM-DD), by what followed them."""

    day: str
    active: int
    shadow: int


class TypologyCard(Report):
    """Everything about one typology."""

    path: str
    typology: Typology
    text: str
    active: TypologyLine
    shadow: TypologyLine
    trial: TrialResult | None = Field(description="None where it found nothing in shadow in the last 30 days")
    days: list[DayCount]
    until: int | None


def catalogue(connection: Connection, rulebook: Rulebook, generation: int | None, now: int) -> Catalogue:
    """The catalogue of a rulebook with the figures up to the latest alert."""
    until = _until(connection, now)
    figures = typology_figures.by_typology(connection, until) if until is not None else {}
    lines = [_line(one, figures.get((one.id, one.status), _NONE)) for one in rulebook.typologies]
    return Catalogue(
        version=rulebook.version, digest=rulebook.digest, generation=generation, until=until, typologies=lines
    )


def card(
    connection: Connection, rulebook: Rulebook, typology_id: str, now: int, *, against: str | None = None
) -> TypologyCard | None:
    """The card of a typology, its trial beside the typology `against`; None where the rulebook has none of this id."""
    compiled = next((one for one in rulebook.compiled if one.typology.id == typology_id), None)
    if compiled is None:
        return None
    typology, until = compiled.typology, _until(connection, now)
    figures = typology_figures.by_typology(connection, until) if until is not None else {}
    return TypologyCard(
        path=compiled.document.path,
        typology=typology,
        text=compiled.document.text,
        active=_line(typology, figures.get((typology_id, "active"), _NONE)),
        shadow=_line(typology, figures.get((typology_id, "shadow"), _NONE)),
        trial=trial(connection, typology_id, until, against) if until is not None else None,
        days=_days(connection, typology_id, until) if until is not None else [],
        until=until,
    )


def _until(connection: Connection, now: int) -> int | None:
    latest = typology_figures.latest(connection)
    return min(latest, now) if latest is not None else None


def _line(typology: Typology, figures: Figures) -> TypologyLine:
    return TypologyLine(
        id=typology.id,
        name=typology.name,
        status=typology.status,
        version=typology.version,
        owner=typology.owner,
        week=figures.week,
        month=figures.month,
        confirmed=figures.confirmed,
        refuted=figures.refuted,
        precision=figures.precision,
    )


def _days(connection: Connection, typology_id: str, until: int) -> list[DayCount]:
    counts = {(int(row.day), row.status): row.alerts for row in typology_figures.days(connection, typology_id, until)}
    if not counts:
        return []
    first, last = min(day for day, _ in counts), max(day for day, _ in counts)
    return [
        DayCount(day=day_of(day * DAY_MS), active=counts.get((day, "active"), 0), shadow=counts.get((day, "shadow"), 0))
        for day in range(first, last + 1)
    ]
