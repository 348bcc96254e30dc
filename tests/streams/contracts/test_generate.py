"""The generated schemas: up to date, valid 2020-12, in agreement with models and topics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from streams.contracts import generate
from streams.contracts.examples import EXAMPLES
from streams.contracts.transaction import NEEDS
from tests.streams.events import document

FOLDER = Path(generate.__file__).parent


def read(path: str) -> Any:
    return json.loads((FOLDER / path).read_text(encoding="utf-8"))


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(read(f"schemas/{name}.json"), format_checker=FormatChecker())


def test_what_is_checked_in_is_what_the_models_say() -> None:
    assert generate.main(["--check"]) == 0
    written = {path.name for path in (FOLDER / "schemas").iterdir()}
    assert written == {f"{name}.json" for name in generate.CONTRACTS}


def test_a_stale_file_is_told_and_then_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "SCHEMAS", tmp_path / "schemas")
    assert generate.main(["--check"]) == 1
    assert not (tmp_path / "schemas").exists()
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


@pytest.mark.parametrize("name", generate.CONTRACTS)
def test_schema_and_model_take_the_example(name: str) -> None:
    schema = read(f"schemas/{name}.json")
    assert schema["$schema"] == generate.DIALECT
    Draft202012Validator.check_schema(schema)
    model = generate.CONTRACTS[name].model_validate_json(json.dumps(EXAMPLES[name]))
    validator(name).validate(EXAMPLES[name])
    # What the center writes is by its own schema, too.
    validator(name).validate(json.loads(model.model_dump_json(exclude_none=True)))
    assert generate.CONTRACTS[name].model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize("name", generate.CONTRACTS)
def test_unknown_and_missing_fields_are_errors(name: str) -> None:
    assert not validator(name).is_valid(document("note", "x", name=name))
    for required in read(f"schemas/{name}.json")["required"]:
        assert not validator(name).is_valid(document(required, remove=True, name=name))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("amount", 1),
        ("amount", "1,5"),
        ("kind", "gift"),
        ("payer.id", "123"),
        ("payer", {"region": "KZ-75"}),
        ("payer", None),
        ("payee", {"id": None, "account": None}),
        ("occurred_at", "2026-11-23T10:00:00"),
        ("context.merchant_category", "x"),
    ],
)
def test_the_schema_knows_the_rules_that_schemas_can_say(path: str, value: Any) -> None:
    assert not validator("transaction").is_valid(document(path, value))


@pytest.mark.parametrize("kind", NEEDS)
def test_the_schema_knows_which_parties_a_kind_needs(kind: str) -> None:
    for party in ("payer", "payee"):
        content = document("kind", kind)
        del content[party]
        assert validator("transaction").is_valid(content) == (party not in NEEDS[kind])


def references(place: Any) -> list[str]:
    if isinstance(place, dict):
        own = [place["$ref"]] if isinstance(place.get("$ref"), str) else []
        return own + [found for inner in place.values() for found in references(inner)]
    return [found for inner in place for found in references(inner)] if isinstance(place, list) else []


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    content = read("asyncapi.json")
    assert content["asyncapi"] == "3.0.0"
    found = references(content)
    assert found
    for reference in found:
        file, _, pointer = reference.partition("#")
        place = read(file) if file else content
        for part in pointer.strip("/").split("/") if pointer else []:
            place = place[part]
        assert place


def test_every_channel_is_a_declared_topic() -> None:
    topics = yaml.safe_load((FOLDER.parent / "topics.yaml").read_text(encoding="utf-8"))["topics"]
    addresses = {channel["address"] for channel in read("asyncapi.json")["channels"].values()}
    assert addresses <= {topic["name"] for topic in topics}
