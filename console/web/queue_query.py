"""The queue's address: its filters as a form or a program writes them, checked, and as the store asks for them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from console.store.queue import Place
from console.store.severity import LEVELS
from console.store.sieve import Sieve, State
from console.web.formats import KAZAKHSTAN
from rules.typology import Typology
from streams.contracts.fields import PUBLISHER

ME: Final = "me"
View = Literal["campaigns", "alerts"]


def _place(text: str) -> str:
    place = Place.read(text)
    if any(abs(number) >= 2**63 for number in (place.severity, place.deadline_at or 0, place.amount, place.seq)):
        raise ValueError("no place in the queue")
    return text


Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
PlaceText = Annotated[str, Field(max_length=80), AfterValidator(_place)]


class QueueQuery(BaseModel):
    """Filters of the queue; what is empty lets everything through."""

    model_config = ConfigDict(extra="ignore")

    view: View = "campaigns"
    state: State = "open"
    status: Literal["active", "shadow"] = "active"
    severity: list[Literal["low", "medium", "high", "critical"]] = Field(default_factory=list, max_length=4)
    typology: list[Annotated[str, Field(pattern=r"^T[0-9]{2,3}$")]] = Field(default_factory=list, max_length=50)
    text: str = Field(default="", max_length=100, description="part of a typology's name, in any language")
    institution: str | None = Field(default=None, pattern=PUBLISHER)
    assignee: str | None = Field(
        default=None, max_length=64, pattern=r"^[^\x00]*$", description="a username, `me`, or `-` for nobody"
    )
    role: Literal["payer", "payee", "device", "phone"] | None = None
    since: Day | None = Field(default=None, description="day in Kazakhstan on which the operation happened, or later")
    until: Day | None = Field(default=None, description="the last such day")
    least: int | None = Field(default=None, ge=0, le=10**13, description="tenge")
    most: int | None = Field(default=None, ge=0, le=10**13, description="tenge")
    campaign: int | None = Field(default=None, ge=1, le=2**53)
    after: PlaceText | None = Field(default=None, description="`next` of the page before")

    @field_validator("*", mode="before")
    @classmethod
    def _blank_is_nothing(cls, value: Any) -> Any:
        """Forms send every field, also those that nobody filled in."""
        if isinstance(value, list):
            return [each for each in value if each != ""]
        return value

    @field_validator(
        "institution", "assignee", "role", "since", "until", "least", "most", "campaign", "after", mode="before"
    )
    @classmethod
    def _blank_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    def sieve(self, username: str, typologies: tuple[Typology, ...]) -> Sieve:
        """As the store asks; `typologies` are those whose names are searched."""
        return Sieve(
            state=self.state,
            status=self.status,
            severities=tuple(LEVELS.index(level) for level in self.severity),
            typologies=self._typologies(typologies),
            institution=self.institution,
            assignee=username if self.assignee == ME else self.assignee,
            role=self.role,
            since=_midnight(self.since) if self.since is not None else None,
            until=_midnight(self.until + timedelta(days=1)) if self.until is not None else None,
            least=self.least * 100 if self.least is not None else None,
            most=self.most * 100 if self.most is not None else None,
            campaign_id=self.campaign,
        )

    @property
    def place(self) -> Place | None:
        """Where the page begins."""
        return Place.read(self.after) if self.after is not None else None

    @property
    def filtered(self) -> bool:
        """Whether it asks for less than the whole queue."""
        return bool(self.address(view="campaigns", after=None))

    def address(self, **changes: Any) -> str:
        """The query part of an address with these filters, in one order and without what is as usual.

        >>> QueueQuery(severity=["high"], assignee="me").address(view="alerts", after=None)
        'view=alerts&severity=high&assignee=me'
        """
        values = self.model_copy(update=changes).model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        return urlencode(values, doseq=True)

    def _typologies(self, known: tuple[Typology, ...]) -> tuple[str, ...] | None:
        if not self.text.strip():
            return tuple(self.typology) or None
        wanted = self.text.strip().casefold()
        named = {
            typology.id
            for typology in known
            if any(wanted in name.casefold() for name in (typology.id, *typology.name.model_dump().values()))
        }
        return tuple(sorted(named & set(self.typology) if self.typology else named))


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), KAZAKHSTAN).timestamp() * 1_000)
