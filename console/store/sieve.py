"""Which alerts a queue shows: the filters, and the conditions they put on the columns of the queue's indexes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Column, ColumnElement, func, literal_column, or_

from console.store.tables import alerts
from rules.events import DAY_MS

State = Literal["open", "new", "assigned", "snoozed", "escalated", "closed"]
_DAYS_MS: Final = 14 * DAY_MS
NOBODY: Final = "-"  # as an assignee: alerts that are nobody's
SEVERITIES: Final = (3, 2, 1, 0)  # in the order of the queue

# Literals, since only with them a database knows that a partial index has all that is asked for.
_OPEN: Final[ColumnElement[bool]] = alerts.c.state != literal_column("'closed'")
_CLOSED: Final[ColumnElement[bool]] = alerts.c.state == literal_column("'closed'")


@dataclass(frozen=True)
class Sieve:
    """Filters of a queue; what is empty lets everything through. Instants are ms UTC, money is tiyn.

    `open` is everything that is not closed and not asleep; an alert whose snooze is over is `new` or `assigned` again.
    """

    state: State = "open"
    status: Literal["active", "shadow"] = "active"
    severities: tuple[int, ...] = ()
    typologies: tuple[str, ...] | None = None  # none: any; empty: no typology has the text that was looked for
    institution: str | None = None
    assignee: str | None = None
    role: str | None = None
    since: int | None = None
    until: int | None = None
    least: int | None = None
    most: int | None = None
    campaign_id: int | None = None

    @property
    def closed(self) -> bool:
        """Whether it is about alerts that are done."""
        return self.state == "closed"

    @property
    def of_days(self) -> bool:
        """Whether so short a time is asked for that its alerts are looked through, rather than those of the queue."""
        return self.since is not None and self.until is not None and self.until - self.since <= _DAYS_MS

    @property
    def ranks(self) -> tuple[int, ...]:
        """The severities that it lets through, the gravest first."""
        return tuple(rank for rank in SEVERITIES if not self.severities or rank in self.severities)

    def conditions(self, now: int, amount: ColumnElement[int] = alerts.c.amount) -> list[ColumnElement[bool]]:
        """Conditions on `alerts` but for severity, as of `now`.

        `amount`: the column, or an expression of it where an index by amount would be the wrong one to walk.
        """
        return self._conditions(now, amount, self.column)

    def column(self, column: Column[Any]) -> ColumnElement[Any]:
        """A column of `alerts` in the words in which its index will be walked, if it is one to be walked."""
        return _hidden(column) if self.of_days else column

    def by_arrival(self, now: int) -> list[ColumnElement[bool]]:
        """All conditions on `alerts`, as of `now`, in words for which no index but that of arrival will be walked."""
        return [*self._conditions(now, alerts.c.amount + 0, _hidden), _hidden(alerts.c.severity).in_(self.ranks)]

    def _conditions(
        self, now: int, amount: ColumnElement[int], of: Callable[[Column[Any]], ColumnElement[Any]]
    ) -> list[ColumnElement[bool]]:
        found = [of(alerts.c.status) == self.status, _CLOSED if self.closed else _OPEN, *self._of_state(now)]
        if self.typologies is not None:
            found.append(of(alerts.c.typology).in_(self.typologies))
        if self.assignee is not None:
            assignee = of(alerts.c.assignee)
            found.append(assignee.is_(None) if self.assignee == NOBODY else assignee == self.assignee)
        equal = {
            alerts.c.institution: self.institution,
            alerts.c.subject_role: self.role,
            alerts.c.campaign_id: self.campaign_id,
        }
        found += [of(column) == value for column, value in equal.items() if value is not None]
        at = alerts.c.occurred_at if self.of_days else _hidden(alerts.c.occurred_at)
        if self.since is not None:
            found.append(at >= self.since)
        if self.until is not None:
            found.append(at < self.until)
        if self.least is not None:
            found.append(amount >= self.least)
        if self.most is not None:
            found.append(amount <= self.most)
        return found

    def _of_state(self, now: int) -> list[ColumnElement[bool]]:
        asleep = alerts.c.snoozed_until > now
        match self.state:
            case "closed":
                return []
            case "open":
                return [or_(alerts.c.state != "snoozed", ~asleep)]
            case "snoozed":
                return [alerts.c.state == "snoozed", asleep]
            case "escalated":
                return [alerts.c.state == "escalated"]
            case "new":
                woken = (alerts.c.state == "snoozed") & ~asleep & alerts.c.assignee.is_(None)
                return [or_(alerts.c.state == "new", woken)]
            case "assigned":
                woken = (alerts.c.state == "snoozed") & ~asleep & alerts.c.assignee.is_not(None)
                return [or_(alerts.c.state == "assigned", woken)]


def _hidden(column: Column[Any]) -> ColumnElement[Any]:
    """The column so that no index has it."""
    return func.coalesce(column, column)
