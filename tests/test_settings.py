"""The table of settings in docs/operations.md: every variable that the code reads, with its default, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode

from console.people.oidc import OidcSettings
from console.settings import ConsoleSettings
from streams.following_worker import FollowSettings
from streams.kafka import KafkaSettings
from streams.kafka_security import KafkaSecurity
from streams.topic_declarations import TopicSettings
from streams.worker import WorkerSettings

CLASSES: Final = (
    *(WorkerSettings, FollowSettings, TopicSettings, KafkaSettings, KafkaSecurity),
    *(ConsoleSettings, OidcSettings),
)
ROW: Final = re.compile(r"^\| (`[A-Z].*?) \| (.*?) ?\| (.+) \|$", re.MULTILINE)
# In words, and not the value itself.
TOLD: Final = {"KAFKA_BOOTSTRAP_SERVERS"}


def documented(repository: Path) -> dict[str, list[str]]:
    """Variable → its defaults."""
    _, table = (repository / "docs" / "operations.md").read_text().split("## Settings\n")
    quoted = re.compile(r"`([^`]+)`")
    return {name: quoted.findall(default) for names, default, _ in ROW.findall(table) for name in quoted.findall(names)}


def variable_of(settings: type[BaseSettings], name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        (alias,) = alias.choices
    return str(alias) if alias else f"{settings.model_config['env_prefix']}{name}".upper()


def shown(field: FieldInfo, repository: Path) -> str:
    """The default as somebody would write it into the variable."""
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, Path):
        return str(value).replace(f"{repository}/", "").replace(str(Path.home()), "~")
    if isinstance(value, tuple) and NoDecode in field.metadata:
        return ",".join(value)
    return json.dumps(value) if isinstance(value, (tuple, dict)) else "" if value is None else str(value)


def test_each_setting_is_in_the_table_with_its_default(repository: Path) -> None:
    table = documented(repository)
    defaults: dict[str, list[str]] = {}
    for settings in CLASSES:
        for name, field in settings.model_fields.items():
            known = defaults.setdefault(variable_of(settings, name, field), [])
            if (default := shown(field, repository)) and default not in known:
                known.append(default)
    for variable, known in defaults.items():
        assert variable in table, variable
        if variable not in TOLD:
            assert table[variable] == known, variable


def test_every_variable_of_the_code_is_in_the_table_and_no_other(repository: Path) -> None:
    sources = [path.read_text() for package in ("streams", "console") for path in (repository / package).rglob("*.py")]
    mentioned = {name for source in sources for name in re.findall(r"ANTIFRAUD_[A-Z_]*[A-Z](?![A-Z_])", source)}
    declared = {
        variable_of(settings, name, field) for settings in CLASSES for name, field in settings.model_fields.items()
    }
    keys = {f"{name}_FILE" for name in mentioned if name.endswith("_KEY")}
    ours = {name for name in documented(repository) if name.startswith("ANTIFRAUD_")}
    assert ours == {name for name in mentioned | declared | keys if name.startswith("ANTIFRAUD_")}
