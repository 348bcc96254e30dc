"""Writes JSON Schema 2020-12 and AsyncAPI 3.0 from the models: `python -m streams.contracts.generate [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from streams.contracts.decision import Decision, ProgressMark
from streams.contracts.examples import EXAMPLES
from streams.contracts.fields import Contract
from streams.contracts.headers import CONTENT_TYPE, CONTROL, HISTORY, SPECVERSION, cloud_event_type
from streams.contracts.heartbeat import Heartbeat
from streams.contracts.rejected import RejectedEvent
from streams.contracts.reversal import Reversal
from streams.contracts.suspicious_operation import SuspiciousOperation
from streams.contracts.transaction import NEEDS, Transaction

SCHEMAS: Final = Path(__file__).parent / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# A name, not an address: nothing is fetched from it.
BASE: Final = "https://antifraud.kz/schemas/v1/"

CONTRACTS: Final[Mapping[str, type[Contract]]] = {
    "transaction": Transaction,
    "heartbeat": Heartbeat,
    "reversal": Reversal,
    "suspicious_operation": SuspiciousOperation,
    "decision": Decision,
    "progress": ProgressMark,
    "rejected": RejectedEvent,
}


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
    return {"$schema": DIALECT, "$id": f"{BASE}{name}.json", **generated, "examples": [EXAMPLES[name]]}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: channels, who sends what, Kafka key and headers."""
    by_publisher = {"institution": {"description": "BIC of the institution, as declared in the topics file"}}
    channels = {
        "transactions": _channel(
            "tx.{institution}",
            "What an institution publishes. One publisher a topic: the topic's ACL is the identity.",
            ["transaction", "heartbeat", "reversal"],
            parameters=by_publisher,
        ),
        "rejected": _channel(
            "rejected.{institution}", "What was refused, and why.", ["rejected"], parameters=by_publisher
        ),
        "decisions": _channel(
            "decisions.{institution}",
            "Decisions about the institution's transactions, and how far they are judged.",
            ["decision", "progress"],
            parameters=by_publisher,
        ),
        "suspiciousOperations": _channel(
            "suspicious-operations",
            "Alerts for the FIU; a repeated alert has the same alert_id.",
            ["suspicious_operation"],
        ),
        "suspiciousOperationsShadow": _channel(
            "suspicious-operations.shadow", "Alerts of typologies on trial.", ["suspicious_operation"]
        ),
    }
    operations = {
        "receiveTransactions": _operation("receive", "transactions", channels),
        "sendRejected": _operation("send", "rejected", channels),
        "sendDecisions": _operation("send", "decisions", channels),
        "sendSuspiciousOperations": _operation("send", "suspiciousOperations", channels),
        "sendSuspiciousOperationsShadow": _operation("send", "suspiciousOperationsShadow", channels),
    }
    return {
        "asyncapi": "3.0.0",
        "id": "urn:antifraud:center",
        "info": {
            "title": "Anti-Fraud Center",
            "version": "1.0.0",
            "description": "Transactions in, suspicious operations and decisions out, over Apache Kafka.",
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


def _channel(address: str, description: str, messages: list[str], **more: Any) -> dict[str, Any]:
    references = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {
        "address": address,
        "description": description,
        "messages": references,
        "bindings": {"kafka": {"bindingVersion": "0.5.0"}},
        **more,
    }


def _operation(action: str, channel: str, channels: Mapping[str, Any]) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in channels[channel]["messages"]]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": messages}


def _message(name: str) -> dict[str, Any]:
    incoming = name in ("transaction", "heartbeat", "reversal")
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
