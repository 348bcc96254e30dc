"""`/api/people`: accounts, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from console.people import users
from console.people.roles import Role
from console.texts import Language
from console.web.house import TheHouse
from console.web.refusals import Refusal
from console.web.viewer import Viewer, may

router = APIRouter(prefix="/api/people", tags=["people"])
Administrator = Annotated[Viewer, Depends(may("people.manage"))]
Username = Annotated[str, Path(max_length=64)]


class AccountView(BaseModel):
    """An account."""

    username: str
    full_name: str
    role: str
    language: str
    enabled: bool
    has_password: bool
    has_code: bool
    by_provider: bool = Field(description="signs in by OpenID Connect")
    locked_until: int | None
    created_at: int


class NewAccount(BaseModel):
    """Somebody who will work here."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(pattern=f"^{users.USERNAME.pattern}$", description="small letters, digits, dots and dashes")
    full_name: str = Field(min_length=2, max_length=256)
    role: Role
    language: Language


class Change(BaseModel):
    """What changes; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    enabled: bool | None = None


class OneTimePassword(BaseModel):
    """For the first sign-in; it is kept nowhere."""

    username: str
    password: str


@router.get("", summary="List accounts")
def listing(_viewer: Administrator, house: TheHouse) -> list[AccountView]:
    """All accounts by name."""
    with house.store.reading() as connection:
        return [AccountView.model_validate(user, from_attributes=True) for user in users.everybody(connection)]


@router.post("", summary="Add an account", status_code=201)
def add(viewer: Administrator, house: TheHouse, given: NewAccount) -> OneTimePassword:
    """The answer has the password for the first sign-in."""
    try:
        with house.store.writing() as connection:
            password = users.add(
                connection, viewer, given.username, given.full_name, given.role, given.language, house.clock()
            )
    except users.Taken:
        raise Refusal(409, "people.taken") from None
    return OneTimePassword(username=given.username, password=password)


@router.patch("/{username}", summary="Change role or state of an account")
def change(viewer: Administrator, house: TheHouse, username: Username, given: Change) -> AccountView:
    """Both in one transaction; the account's sessions end."""
    with house.store.writing() as connection:
        if given.role is not None:
            users.change_role(connection, viewer, username, given.role)
        if given.enabled is not None:
            users.set_enabled(connection, viewer, username, given.enabled)
        return AccountView.model_validate(users.find(connection, username), from_attributes=True)


@router.post("/{username}/reset", summary="Reset password and one-time codes")
def reset(viewer: Administrator, house: TheHouse, username: Username) -> OneTimePassword:
    """The answer has the password for the next sign-in."""
    with house.store.writing() as connection:
        password = users.reset(connection, viewer, username)
    return OneTimePassword(username=username, password=password)
