"""What can be done with alerts, one or many at once: the same for forms, keys and the API."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from console.people import users
from console.store import alerts, dispositions
from console.store.alerts import Target
from console.store.dispositions import ReasonCode
from console.store.errors import NotFound
from console.web.house import House
from console.web.queue_query import ME
from console.web.refusals import Refusal
from console.web.viewer import Viewer

HOUR_MS: Final = 3_600_000
_ALERT_ID: Final = 32  # digits
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^[^\x00]*$")]
TargetText = Annotated[
    str,
    Field(
        pattern=r"^([0-9a-f]{32}|c[0-9]{1,15})\.[0-9]{1,9}$",
        description="alert id, a dot, its version; or c, a campaign's id, a dot, how many open alerts it was seen with",
    ),
]


class AlertAction(BaseModel):
    """An action on alerts, each in the version that was seen: done to all of them, or to none."""

    model_config = ConfigDict(extra="ignore")

    action: Literal["assign", "snooze", "escalate", "close", "reopen"]
    target: list[TargetText] = Field(min_length=1, max_length=alerts.MOST)
    assignee: str = Field(default=ME, max_length=64, description="of assign: a username, or `me`")
    hours: int = Field(default=4, ge=1, le=2_160, description="of snooze")
    reason_code: Literal[ReasonCode, ""] = Field(default="", description="of close", validate_default=True)
    about: Literal["", "payer", "payee"] = Field(
        default="", description="of close: whom a verdict is about; without it, whom the alert is about"
    )
    note: Note = Field(default="", validate_default=True)

    @field_validator("target")
    @classmethod
    def _one_is_reopened(cls, target: list[str], info: ValidationInfo) -> list[str]:
        if info.data.get("action") == "reopen" and (len(target) != 1 or len(target[0]) <= _ALERT_ID):
            raise PydanticCustomError("one_at_a_time", "one alert at a time is opened again")
        return target

    @field_validator("reason_code")
    @classmethod
    def _is_given_to_close(cls, reason_code: str, info: ValidationInfo) -> str:
        if info.data.get("action") == "close" and not reason_code:
            raise PydanticCustomError("missing", "a closing needs a reason")
        return reason_code

    @field_validator("note")
    @classmethod
    def _is_given_to_reopen(cls, note: str, info: ValidationInfo) -> str:
        if info.data.get("action") == "reopen" and not note:
            raise PydanticCustomError("missing", "an alert is opened again with a note that says why")
        return note

    def targets(self, connection: Connection) -> list[Target]:
        """The alerts, each with its version; of a campaign all that are open. StaleAlerts, NotFound, Refusal."""
        found: dict[str, Target] = {}
        for text in self.target:
            seen = Target.read(text)
            campaign = seen.alert_id.removeprefix("c")
            whole = campaign != seen.alert_id and len(seen.alert_id) < _ALERT_ID
            alike = alerts.of_campaign(connection, int(campaign), seen.version) if whole else [seen]
            found |= {target.alert_id: target for target in alike}
        if not found:
            raise NotFound("open alert in that campaign")
        if len(found) > alerts.MOST:
            raise Refusal(409, "queue.too_many", n=alerts.MOST)
        return list(found.values())


def act(connection: Connection, house: House, viewer: Viewer, wanted: AlertAction, *, now: int) -> list[str]:
    """Do it and return the ids of its alerts; raises what console.store.alerts and .dispositions do."""
    targets = wanted.targets(connection)
    match wanted.action:
        case "assign":
            alerts.assign(connection, viewer, targets, _assignee(connection, viewer, wanted.assignee))
        case "snooze":
            alerts.snooze(connection, viewer, targets, now + wanted.hours * HOUR_MS, now=now)
        case "escalate":
            alerts.escalate(connection, viewer, targets, wanted.note)
        case "reopen":
            alerts.reopen(connection, viewer, targets[0], wanted.note)
        case "close":
            assert wanted.reason_code
            dispositions.close(
                connection,
                house.keys.vault,
                viewer,
                targets,
                wanted.reason_code,
                now=now,
                note=wanted.note,
                about=wanted.about or None,
            )
    return [target.alert_id for target in targets]


def _assignee(connection: Connection, viewer: Viewer, name: str) -> str:
    if name in (ME, viewer.username):
        return viewer.username
    if name not in dict(workers(connection)):
        raise NotFound("colleague who works on alerts")
    return name


def workers(connection: Connection) -> list[tuple[str, str]]:
    """Username and full name of those to whom an alert can be given."""
    return users.names_with(connection, ("analyst", "senior"))
