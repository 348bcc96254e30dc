"""Proposes an entry or a change of one, and publishes to `registry.lists` what a second person has approved.

The person is typed in once and sealed at once, as intake seals: the store has the token, and the vault's bytes in the
proposal, until the record goes out.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection

from console import audit, outbound, vault
from console.keyring import Keyring
from console.listing.drafts import EntryDraft
from console.store import proposals, registries
from console.store.actor import Actor
from console.store.errors import NotFound, Stale
from console.store.proposals import Proposal
from console.store.registries import Entry
from streams.contracts.fields import from_milliseconds, write_instant
from streams.contracts.list_entries import ListEntries
from streams.subjects import Subjects
from streams.tokens import Vault

TOPIC: Final = "registry.lists"
PUBLISHER: Final = "AFM"  # the financial intelligence unit keeps the lists
Step = Literal["withdraw", "appeal_open", "appeal_rejected", "appeal_upheld"]


@dataclass(frozen=True)
class Change:
    """A new version of an entry."""

    step: Step
    source: str  # who decided, and by which document
    reason: str


def propose_entry(connection: Connection, keys: Keyring, maker: Actor, draft: EntryDraft, *, now: int) -> int:
    """Propose a draft without faults and return the proposal's id; NotAllowed."""
    subjects = Subjects(keys.tokens, keys.vault, cached=1)
    _, token, _ = subjects.named(draft.identifier, draft.plain)
    (identity,) = subjects.identities()
    document = {
        "step": "set",
        "list": draft.list,
        "subject": keys.tokens.text(token),
        "identifier": draft.identifier,
        "sealed": base64.b64encode(identity.sealed).decode(),
        "standing": draft.standing,
        "source": draft.source,
        "reason": draft.reason,
        "proof": draft.proof,
        "valid_to": draft.valid_to,
        "appeal": "none",
        "case_type": draft.case_type,
        "grounds": draft.grounds.strip(),
        "evidence": draft.evidence.strip(),
        "consequence": draft.consequence.strip(),
    }
    return proposals.propose(connection, maker, "list_entry", document, draft.reason, now=now)


def propose_change(connection: Connection, maker: Actor, entry: Entry, change: Change, *, seen: int, now: int) -> int:
    """Propose a new version of an entry and return the proposal's id; `seen`: when what was looked at was recorded.

    Raises:
        NotAllowed: the maker may make no proposals.
        NotFound: the entry was withdrawn.
        Stale: the entry has a newer version.
    """
    if entry.recorded_at != seen:
        raise Stale("The entry")
    if entry.action == "withdrawn":
        raise NotFound("entry that could be changed: this one was withdrawn, and a new version would set it again")
    document = {
        "step": change.step,
        "entry_id": entry.entry_id,
        "recorded_at": entry.recorded_at,
        "list": entry.list,
        "subject": entry.subject,
        "source": change.source,
        "reason": change.reason,
        "proof": entry.proof or "reasonable_grounds",
        "valid_from": entry.valid_from,
        "valid_to": entry.valid_to,
        "appeal": {"withdraw": entry.appeal}.get(change.step, change.step.removeprefix("appeal_")),
    }
    return proposals.propose(connection, maker, "list_entry", document, change.reason, now=now)


@proposals.on_approved_opening("list_entry")
def publish(connection: Connection, keys: Vault, checker: Actor, proposal: Proposal, now: int) -> None:
    """Write what goes out to `registry.lists`; its ids are made of the proposal's, so that twice sent it is one.

    Raises:
        NotFound: nothing is known of who stands behind the token, or the entry is gone.
        Stale: the entry got a newer version after this was proposed.
    """
    content = proposal.content
    if content["step"] != "set":
        _still_as_seen(connection, content)
    record = {
        "event_id": f"list-entry-{proposal.proposal_id}",
        "type": "list_entries",
        "occurred_at": write_instant(from_milliseconds(now)),
        "publisher": PUBLISHER,
        "entries": [_entry(content, _subject(connection, keys, checker, proposal), proposal, now)],
    }
    value = json.dumps(record, ensure_ascii=False).encode()
    ListEntries.model_validate_json(value)  # intake would refuse anything else, when everybody has gone home
    outbound.put(connection, TOPIC, value, record_key=f"list-entry-{proposal.proposal_id}", now=now, seal=keys)


def _still_as_seen(connection: Connection, content: dict[str, Any]) -> None:
    if registries.of_list(connection, content["entry_id"]).recorded_at != content["recorded_at"]:
        raise Stale("The entry")


def _entry(content: dict[str, Any], subject: dict[str, str], proposal: Proposal, now: int) -> dict[str, Any]:
    entry = {
        "entry_id": content.get("entry_id", f"fiu-{proposal.proposal_id}"),
        "list": content["list"],
        "action": "withdrawn" if content["step"] == "withdraw" else "set",
        "subject": subject,
        "source": content["source"],
        "reason": content["reason"],
        "proof": content["proof"],
        # An appeal concerns the entry from its first day on; what is withdrawn or set, is so from now on.
        "valid_from": write_instant(from_milliseconds(content["valid_from"] if _is_appeal(content) else now)),
        "sequence": now,  # later versions of an entry hold
        "appeal": content["appeal"],
    }
    if entry["action"] == "set":
        end = content["valid_to"]
        entry["valid_to"] = end if isinstance(end, str) else write_instant(from_milliseconds(end))
    return entry


def _is_appeal(content: dict[str, Any]) -> bool:
    return str(content["step"]).startswith("appeal_")


def _subject(connection: Connection, keys: Vault, checker: Actor, proposal: Proposal) -> dict[str, str]:
    """The subject as the contract names it, opened for this record alone."""
    content, purpose = proposal.content, f"list entry of proposal {proposal.proposal_id}"
    if "sealed" not in content:
        known = vault.open_for(connection, keys, checker, content["subject"], purpose)
        if known.kind == "device":
            raise NotFound("subject that a list can name")
        return {"id" if known.kind == "person" else known.kind: known.value}
    audit.write(connection, checker, "identity.used", "subject", content["subject"], purpose)
    opened = keys.open(content["subject"].encode(), base64.b64decode(content["sealed"]))
    plain = msgspec.json.decode(opened, type=dict[str, str])
    return {content["identifier"]: plain["id" if plain["kind"] == "person" else plain["kind"]]}
