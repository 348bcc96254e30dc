"""National profiles of the goAML-shaped report: TOML files, each laid over the one it is based on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PROFILES: Final = Path(__file__).parent / "profiles"
_DEPTH: Final = 5

Code = Annotated[str, Field(min_length=1, max_length=50)]


class ProfileRefused(ValueError):
    """A profile that does not say what a report needs; the message names file and field."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entity(_Part):
    """Who reports, as the register of the receiving FIU knows it."""

    rentity_id: Annotated[int, Field(ge=0)]
    branch: str = ""
    person_first_name: Code
    person_last_name: Code
    occupation: Code


class Codes(_Part):
    """Which codes the receiving FIU gives to what we know."""

    report: Code
    submission: Code
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    funds: dict[str, Code]  # by kind of operation; `other` for the rest
    transmode: dict[str, Code]  # by channel; `other` for the rest
    indicators: dict[str, Code] = Field(default_factory=dict)  # by typology; else the typology's own id


class Profile(_Part):
    """One country's way of filling the report."""

    name: Code
    source: Annotated[str, Field(min_length=10)]  # where the codes come from, and how sure they are
    entity: Entity
    codes: Codes

    def funds(self, kind: str) -> str:
        """The code for a kind of operation."""
        return self.codes.funds.get(kind, self.codes.funds["other"])

    def transmode(self, channel: str | None) -> str:
        """The code for a channel."""
        return self.codes.transmode.get(channel or "other", self.codes.transmode["other"])

    def indicator(self, typology: str) -> str:
        """The code for a typology."""
        return self.codes.indicators.get(typology, typology)


def load(file: Path) -> Profile:
    """The profile of a file, laid over its bases, each of the same folder or of ours.

    Raises:
        ProfileRefused: there is no such file, it is no TOML, or it does not say what is needed.
    """
    name, laid = file.stem, _laid(file, _DEPTH)
    try:
        profile = Profile.model_validate(laid)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ProfileRefused(f"{name}.toml: {place}: {first['msg']}") from None
    for field in ("funds", "transmode"):
        if "other" not in getattr(profile.codes, field):
            raise ProfileRefused(f"{name}.toml: codes.{field}: `other` is missing")
    return profile


def _laid(file: Path, depth: int) -> dict[str, Any]:
    if depth == 0:
        raise ProfileRefused(f"{file.name}: more than {_DEPTH} profiles stand on each other")
    try:
        told = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ProfileRefused(f"there is no profile {file.name}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileRefused(f"{file.name}: {error}") from None
    base = told.pop("base", None)
    if base is None:
        return told
    beside = file.with_name(f"{base}.toml")
    return _over(_laid(beside if beside.exists() else PROFILES / beside.name, depth - 1), told)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    laid = dict(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(laid.get(key), dict)
        laid[key] = _over(laid[key], value) if nested else value
    return laid
