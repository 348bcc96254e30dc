"""What the environment says about the console."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from console.exports.profile import PROFILES


class ConsoleSettings(BaseSettings):
    """Each from ANTIFRAUD_CONSOLE_<NAME> where not passed; the store from ANTIFRAUD_STORE."""

    model_config = SettingsConfigDict(env_prefix="ANTIFRAUD_CONSOLE_", frozen=True, populate_by_name=True)

    store: str = Field(
        default="sqlite:///var/console/cases.db",
        validation_alias=AliasChoices("ANTIFRAUD_STORE"),
        description="sqlite:///path or postgresql+psycopg://user@host/database",
    )
    host: str = Field(default="127.0.0.1", description="where the console listens; this machine only unless changed")
    port: int = Field(default=8400, ge=0, le=65535, description="0: any free port")
    language: Literal["kk", "ru", "en"] = Field(default="ru", description="of people who have chosen none")
    hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost", "[::1]"),
        description="the names by which browsers may ask for the console, as a JSON list, without ports",
    )
    audit_heads: Path = Field(
        default=Path("var/console/audit-heads.jsonl"),
        description="where signed heads of the audit log are kept outside the store: better on another machine",
    )
    goaml_profile: Path = Field(
        default=PROFILES / "kz.toml", description="whose codes goAML-shaped reports are written with"
    )
    operations_days: int = Field(
        default=365, ge=0, description="how long operations are kept that no alert or case is about; 0: for ever"
    )
    events: Path | None = Field(
        default=None, description="a folder of files of events that drafts of the rulebook may be compared on"
    )
