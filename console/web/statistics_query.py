"""What an address of the statistics says: period, step and filters."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from console.statistics.blocks import FILTERS, Block
from console.statistics.period import Step, date_of, day_number, today
from console.store import fraud_counts
from console.store.statistics import Choice
from streams.contracts.fields import DATE, PUBLISHER, TYPOLOGY

_USUAL_DAYS: Final = 30
_EARLIEST: Final = date(1970, 1, 1)  # before it there was nothing to count
_written: Final = re.compile(DATE).fullmatch


def _day(value: Any) -> Any:
    # pydantic would take a number for seconds since 1970.
    if isinstance(value, str) and not _written(value):
        raise ValueError("a day is written YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_day)]


class StatisticsQuery(BaseModel):
    """Both days are in the period, in whatever order; without them it is the last thirty days that have alerts."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    first: Day | None = Field(default=None, alias="from", description="first day, of Kazakhstan's calendar")
    last: Day | None = Field(default=None, alias="to", description="last day")
    step: Step = "month"
    typology: Annotated[str, Field(pattern=TYPOLOGY)] | None = None
    institution: Annotated[str, Field(pattern=PUBLISHER)] | None = None
    region: Annotated[int, Field(ge=0, le=255)] | None = Field(
        default=None, description="number of the ISO 3166-2:KZ region; 0 not given, 255 abroad"
    )

    def choice(self, connection: Connection, block: Block, now: int) -> Choice:
        """What is counted, with the filters that this block knows."""
        newest = fraud_counts.last_day(connection) if self.last is None else None
        last = self.last or (date_of(newest) if newest is not None else today(now))
        first = self.first or max(last, _EARLIEST) - timedelta(days=_USUAL_DAYS - 1)
        chosen = {name: getattr(self, name) for name in FILTERS[block]}
        return Choice(day_number(min(first, last)), day_number(max(first, last)) + 1, **chosen)

    def address(self, choice: Choice) -> str:
        """The query that leads here again, with its period said."""
        told = {
            "from": date_of(choice.first_day).isoformat(),
            "to": date_of(choice.end_day - 1).isoformat(),
            "step": self.step,
            "typology": self.typology,
            "institution": self.institution,
            "region": self.region,
        }
        return urlencode({name: value for name, value in told.items() if value is not None})


class FilledForm(StatisticsQuery):
    """The same from a form, which sends its empty fields too."""

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, told: Any) -> Any:
        return {name: value for name, value in told.items() if value != ""} if isinstance(told, dict) else told
