"""Writes JSON Schema 2020-12 and AsyncAPI 3.0 from the models: `python -m streams.contracts.generate [--check]`.

To add a contract: its model and an `EXAMPLE` in a file of its own; a line in `CONTRACTS`, one in `examples.EXAMPLES`,
and its name in the channel that carries it, in `CHANNELS`; its topic in streams/topics.yaml; then run this.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from streams.contracts.blocked_resource import BlockedResource
from streams.contracts.call import Call
from streams.contracts.credit_refusals import CreditRefusals
from streams.contracts.decision import Decision, ProgressMark
from streams.contracts.disposition import Disposition
from streams.contracts.examples import EXAMPLES
from streams.contracts.fields import Contract
from streams.contracts.freeze_order import FreezeOrder
from streams.contracts.headers import CONTENT_TYPE, CONTROL, HISTORY, SPECVERSION, cloud_event_type
from streams.contracts.heartbeat import Heartbeat
from streams.contracts.hold import HoldEvent
from streams.contracts.list_entries import ListEntries
from streams.contracts.loan import Loan
from streams.contracts.notice import NecessityRecord, NoticeEvent
from streams.contracts.pyramid_meter import PyramidMeter
from streams.contracts.rejected import RejectedEvent
from streams.contracts.reversal import Reversal
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.contracts.transaction import NEEDS, Transaction
from streams.contracts.warning import Warning, WarningEffect

SCHEMAS: Final = Path(__file__).parent / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# A name, not an address: nothing is fetched from it.
BASE: Final = "https://antifraud.kz/schemas/v1/"

CONTRACTS: Final[Mapping[str, type[Contract]]] = {
    "transaction": Transaction,
    "heartbeat": Heartbeat,
    "reversal": Reversal,
    "call": Call,
    "loan": Loan,
    "credit_refusals": CreditRefusals,
    "list_entries": ListEntries,
    "blocked_resource": BlockedResource,
    "disposition": Disposition,
    "suspicious_operation": SuspiciousOperation,
    "decision": Decision,
    "progress": ProgressMark,
    "rejected": RejectedEvent,
    "hold": HoldEvent,
    "notice": NoticeEvent,
    "necessity": NecessityRecord,
    "pyramid_meter": PyramidMeter,
    "warning": Warning,
    "warning_effect": WarningEffect,
    "freeze_order": FreezeOrder,
}


# What publishers write; the rest is the center's.
INCOMING: Final = (
    "transaction",
    "heartbeat",
    "reversal",
    "call",
    "loan",
    "credit_refusals",
    "list_entries",
    "blocked_resource",
    "disposition",
)


class Channel(NamedTuple):
    """A topic as AsyncAPI shows it."""

    name: str
    address: str
    action: Literal["receive", "send"]  # as the center sees it
    description: str
    messages: tuple[str, ...]


CHANNELS: Final = (
    Channel(
        "transactions",
        "tx.{institution}",
        "receive",
        "What an institution publishes. One publisher a topic: the topic's ACL is the identity.",
        ("transaction", "heartbeat", "reversal"),
    ),
    Channel(
        "loans", "loans.{institution}", "receive", "Loans, step by step, from their lender.", ("loan", "heartbeat")
    ),
    Channel(
        "calls",
        "calls.{operator}",
        "receive",
        "Calls with a sign of fraud, and SIM cards changed, from a telecom operator.",
        ("call", "heartbeat"),
    ),
    Channel(
        "creditRefusals",
        "registry.credit-refusals",
        "receive",
        "Who will not be given credit, of eGov.",
        ("credit_refusals", "heartbeat"),
    ),
    Channel(
        "lists",
        "registry.lists",
        "receive",
        "Convicted, suspected, listed, licensed and protected subjects, of the FIU.",
        ("list_entries", "heartbeat"),
    ),
    Channel(
        "blockedResources",
        "registry.blocked-resources",
        "receive",
        "Blocked sites and accounts with whom they asked to pay, of Kibernadzor.",
        ("blocked_resource", "heartbeat"),
    ),
    Channel(
        "dispositions",
        "dispositions",
        "receive",
        "What analysts and police found out about a subject.",
        ("disposition", "heartbeat"),
    ),
    Channel(
        "rejected",
        "rejected.{publisher}",
        "send",
        "What was refused, and why. {publisher}: the institution, operator or state body that owns the source topic.",
        ("rejected",),
    ),
    Channel(
        "decisions",
        "decisions.{institution}",
        "send",
        "Decisions about the institution's transactions and loans, and how far they are judged.",
        ("decision", "progress"),
    ),
    Channel(
        "suspiciousOperations",
        "suspicious-operations",
        "send",
        "Alerts for the FIU; a repeated alert has the same alert_id.",
        ("suspicious_operation",),
    ),
    Channel(
        "suspiciousOperationsShadow",
        "suspicious-operations.shadow",
        "send",
        "Alerts of typologies on trial.",
        ("suspicious_operation",),
    ),
    Channel(
        "orders",
        "orders.{institution}",
        "send",
        "What money the FIU orders an institution to keep where it is.",
        ("freeze_order",),
    ),
    Channel("holds", "holds", "send", "What becomes of each hold, until it ends with a cause.", ("hold",)),
    Channel("notices", "notices", "send", "What bodies outside the center are asked to do.", ("notice",)),
    Channel("necessity", "necessity", "send", "Why a sensitive list was looked into.", ("necessity",)),
    Channel(
        "meters",
        "meters",
        "send",
        "How far each collector of money looks like a pyramid; the latest record of each is kept.",
        ("pyramid_meter",),
    ),
    Channel(
        "warnings",
        "warnings",
        "send",
        "Who is warned of which payee, each person seldom, and what that changed.",
        ("warning", "warning_effect"),
    ),
)
_PARAMETERS: Final = {
    "institution": "BIC of the institution, as declared in the topics file",
    "operator": "Name of the telecom operator, as declared in the topics file",
    "publisher": "Whose records were refused",
}
_SUBJECTS: Final = ("id", "account", "phone", "wallet", "card")


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a contract, with the rules between fields that schema can say."""
    generated = CONTRACTS[name].model_json_schema(mode="validation")
    if name == "transaction":
        generated["allOf"] = [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"required": list(parties), "properties": {party: {"type": "object"} for party in parties}},
            }
            for kind, parties in NEEDS.items()
        ]
        generated["$defs"]["Party"]["anyOf"] = [
            {"required": [field], "properties": {field: {"type": "string"}}} for field in ("id", "account")
        ]
    if name == "heartbeat":
        generated["oneOf"] = _exactly_one("institution", "operator", "publisher")
    if "NamedSubject" in generated.get("$defs", {}):
        generated["$defs"]["NamedSubject"]["oneOf"] = _exactly_one(*_SUBJECTS)
    for ending in (generated, *generated.get("$defs", {}).values()):
        if {"action", "valid_to"} <= set(ending.get("properties", {})):
            ending["if"] = {"properties": {"action": {"const": "set"}}}
            ending["then"] = {"required": ["valid_to"], "properties": {"valid_to": {"type": "string"}}}
    return {"$schema": DIALECT, "$id": f"{BASE}{name}.json", **generated, "examples": [EXAMPLES[name]]}


def _exactly_one(*names: str) -> list[dict[str, Any]]:
    return [{"required": [name], "properties": {name: {"type": "string"}}} for name in names]


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: channels, who sends what, Kafka key and headers."""
    channels = {channel.name: _channel(channel) for channel in CHANNELS}
    operations = {
        f"{channel.action}{channel.name[0].upper()}{channel.name[1:]}": _operation(
            channel.action, channel.name, channels
        )
        for channel in CHANNELS
    }
    return {
        "asyncapi": "3.0.0",
        "id": "urn:antifraud:center",
        "info": {
            "title": "Anti-Fraud Center",
            "version": "1.0.0",
            "description": "Transactions and what registries, lenders and operators know in, suspicious operations and "
            "decisions out, over Apache Kafka.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {name: _message(name) for name in CONTRACTS},
            "schemas": {"incomingHeaders": _incoming_headers(), "outgoingHeaders": _cloud_event_headers(required=True)},
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    made: dict[str, Any] = {
        "address": channel.address,
        "description": channel.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in channel.messages},
        "bindings": {"kafka": {"bindingVersion": "0.5.0"}},
    }
    parameters = {
        name: {"description": words} for name, words in _PARAMETERS.items() if f"{{{name}}}" in channel.address
    }
    return made | {"parameters": parameters} if parameters else made


def _operation(action: str, channel: str, channels: Mapping[str, Any]) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in channels[channel]["messages"]]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": messages}


def _message(name: str) -> dict[str, Any]:
    incoming = name in INCOMING
    reference = f"./schemas/{name}.json"
    payload = {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": {"$ref": reference}}
    key = (
        "Never personal data: empty, or a keyed hash of the institution's choice. The center does not read it."
        if incoming
        else "Empty, or the identifier of what the record is about."
    )
    return {
        "name": name,
        "title": CONTRACTS[name].__name__,
        "summary": (CONTRACTS[name].__doc__ or "").strip().splitlines()[0],
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": f"#/components/schemas/{'incoming' if incoming else 'outgoing'}Headers"},
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}},
    }


def _cloud_event_headers(*, required: bool) -> dict[str, Any]:
    types = [cloud_event_type(name) for name in CONTRACTS]
    properties: dict[str, Any] = {
        "ce_specversion": {"type": "string", "const": SPECVERSION},
        "ce_id": {"type": "string", "minLength": 1},
        "ce_source": {"type": "string", "minLength": 1},
        "ce_type": {"type": "string", "enum": types} if required else {"type": "string", "minLength": 1},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"type": "string", "const": CONTENT_TYPE},
        "traceparent": {"type": "string"},
        "tracestate": {"type": "string"},
    }
    needed = ["ce_specversion", "ce_id", "ce_source", "ce_type"]
    return {"type": "object", "properties": properties, **({"required": needed} if required else {})}


def _incoming_headers() -> dict[str, Any]:
    headers = _cloud_event_headers(required=False)
    headers["properties"][HISTORY] = {
        "type": "string",
        "pattern": "^[0-9]{1,15}$",
        "description": "The record belongs to a replay of history that opened at this instant, milliseconds since 1970",
    }
    headers["properties"][CONTROL] = {
        "type": "string",
        "enum": ["open", "close"],
        "description": f"With {HISTORY} and an empty value: the replay opens or closes in this partition",
    }
    return headers


def documents() -> dict[Path, str]:
    """Every generated file with its content."""
    files = {SCHEMAS / f"{name}.json": schema(name) for name in CONTRACTS}
    files[SCHEMAS.parent / "asyncapi.json"] = asyncapi()
    return {path: json.dumps(content, ensure_ascii=False, indent=2) + "\n" for path, content in files.items()}


def main(arguments: list[str] | None = None) -> int:
    """Write the files; with --check, only say which are not up to date, and exit with 1 if any."""
    parser = argparse.ArgumentParser(prog="python -m streams.contracts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file is out of date")
    check = parser.parse_args(arguments).check
    stale = [
        path
        for path, content in documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    for path in stale:
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(documents()[path], encoding="utf-8")
        sys.stdout.write(f"{'out of date' if check else 'written'}: {path}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
