"""What takes two persons: one proposes, another approves or refuses, and what was approved is exactly what is done.

A proposal's document is text that never changes; its SHA-256 is shown to the checker and must come back with the
answer. What an approval brings about is told once for each kind, by the module that owns the kind:

    @on_approved("filing")
    def _file(connection: Connection, checker: Actor, proposal: Proposal, now: int) -> None: ...

The effect runs inside the approval's transaction: where it raises, nothing is approved. An effect that names people to
somebody outside is told by `on_approved_opening` instead, and gets the vault with which it opens them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

from sqlalchemy import Connection, RowMapping, insert, select, update

from console import audit
from console.store.actor import Actor, need
from console.store.errors import NotAllowed, NotFound, Stale
from console.store.ids import next_id
from console.store.tables import proposals
from streams.tokens import Vault

Kind = Literal["filing", "list_entry", "freeze", "distribution", "rulebook", "recall"]
State = Literal["proposed", "approved", "refused", "withdrawn", "failed"]

MAKING: Final[Mapping[Kind, str]] = {  # the permission that a maker needs
    "filing": "proposals.make",
    "list_entry": "proposals.make",
    "freeze": "proposals.make",
    "distribution": "proposals.make",
    "recall": "proposals.make",
    "rulebook": "rulebook.write",
}
CHECKING: Final[Mapping[Kind, str]] = {  # and a checker
    "filing": "proposals.check",
    "list_entry": "proposals.check",
    "freeze": "proposals.check",
    "distribution": "proposals.check",
    "recall": "proposals.check",
    "rulebook": "rulebook.check",
}


@dataclass(frozen=True)
class Proposal:
    """One row of `proposals`; instants in ms UTC."""

    proposal_id: int
    kind: Kind
    case_id: int | None
    state: State
    maker: str
    made_at: int
    reason: str
    document: str
    digest: str
    checker: str | None
    checked_at: int | None
    answer: str | None

    @property
    def content(self) -> dict[str, Any]:
        """The document, parsed."""
        return cast(dict[str, Any], json.loads(self.document))


Effect = Callable[[Connection, Actor, Proposal, int], None]
OpeningEffect = Callable[[Connection, Vault, Actor, Proposal, int], None]
SomeEffect = TypeVar("SomeEffect", Effect, OpeningEffect)
_effects: dict[Kind, Effect] = {}
_opening_effects: dict[Kind, OpeningEffect] = {}


def on_approved(kind: Kind) -> Callable[[Effect], Effect]:
    """Say what an approval of this kind brings about; each kind has one effect."""
    return _registering(_effects, kind)


def on_approved_opening(kind: Kind) -> Callable[[OpeningEffect], OpeningEffect]:
    """As `on_approved`, of a kind whose effect opens identities: it gets the vault after the connection."""
    return _registering(_opening_effects, kind)


def _registering(effects: dict[Kind, SomeEffect], kind: Kind) -> Callable[[SomeEffect], SomeEffect]:
    def registered(effect: SomeEffect) -> SomeEffect:
        if effects.setdefault(kind, effect) is not effect:
            raise ValueError(f"an approved {kind} already has an effect")
        return effect

    return registered


def propose(
    connection: Connection,
    maker: Actor,
    kind: Kind,
    document: Mapping[str, Any],
    reason: str,
    *,
    now: int,
    case_id: int | None = None,
) -> int:
    """Write a proposal down and return its id; NotAllowed where the maker may not make one of this kind.

    `document` says all that will be done, without identities in the clear.
    """
    need(maker, MAKING[kind])
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    proposal_id = next_id(connection, proposals)
    connection.execute(
        insert(proposals).values(
            proposal_id=proposal_id,
            kind=kind,
            case_id=case_id,
            state="proposed",
            maker=maker.username,
            made_at=now,
            reason=reason,
            document=text,
            digest=digest,
        )
    )
    audit.write(connection, maker, f"{kind}.proposed", "proposal", proposal_id, reason=reason, digest=digest)
    return proposal_id


def approve(
    connection: Connection,
    checker: Actor,
    proposal_id: int,
    digest: str,
    *,
    now: int,
    answer: str = "",
    vault: Vault | None = None,
) -> Proposal:
    """Approve what has this digest, and do it; `vault` for kinds whose effect opens identities.

    Raises:
        NotFound, NotAllowed: no such proposal; the checker is its maker or may not check this kind.
        Stale: it has been answered already, or another document was looked at.
    """
    proposal = _answered(connection, checker, proposal_id, digest, "approved", now, answer)
    opening = _opening_effects.get(proposal.kind)
    if opening is not None and vault is not None:
        opening(connection, vault, checker, proposal, now)
        return proposal
    effect = _effects.get(proposal.kind)
    if effect is None:
        raise RuntimeError(f"nothing says what an approved {proposal.kind} brings about")
    effect(connection, checker, proposal, now)
    return proposal


def refuse(connection: Connection, checker: Actor, proposal_id: int, digest: str, *, now: int, answer: str) -> Proposal:
    """Refuse it with an answer to its maker; raises as `approve` does."""
    return _answered(connection, checker, proposal_id, digest, "refused", now, answer)


def withdraw(connection: Connection, maker: Actor, proposal_id: int) -> None:
    """Take back one's own proposal before it is answered; NotFound, NotAllowed or Stale."""
    proposal = find(connection, proposal_id)
    if proposal.maker != maker.username:
        raise NotAllowed(
            f"Proposal {proposal_id} was made by somebody else.", "Ask its maker to withdraw it, or refuse it."
        )
    _leave(connection, proposal_id, {"state": "withdrawn"})
    audit.write(connection, maker, f"{proposal.kind}.withdrawn", "proposal", proposal_id, digest=proposal.digest)


def fail(connection: Connection, actor: Actor, proposal_id: int, why: str) -> None:
    """Write down that what was approved could not be done outside the store, and why."""
    proposal = find(connection, proposal_id)
    connection.execute(
        update(proposals).where(proposals.c.proposal_id == proposal_id).values(state="failed", answer=why)
    )
    audit.write(connection, actor, f"{proposal.kind}.failed", "proposal", proposal_id, reason=why)


def find(connection: Connection, proposal_id: int) -> Proposal:
    """The proposal with this id; NotFound."""
    row = connection.execute(select(proposals).where(proposals.c.proposal_id == proposal_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"proposal {proposal_id}")
    return _proposal(row)


def waiting(connection: Connection, viewer: Actor, *, limit: int = 200) -> list[Proposal]:
    """What waits for this viewer's check, the oldest first: of kinds that he may check, made by others."""
    kinds = [kind for kind, permission in CHECKING.items() if permission in viewer.permissions]
    found = connection.execute(
        select(proposals)
        .where(proposals.c.kind.in_(kinds), proposals.c.state == "proposed", proposals.c.maker != viewer.username)
        .order_by(proposals.c.made_at, proposals.c.proposal_id)
        .limit(limit)
    )
    return [_proposal(row) for row in found.mappings()]


def made_by(connection: Connection, viewer: Actor, *, limit: int = 50) -> list[Proposal]:
    """The viewer's own proposals, the latest first."""
    found = connection.execute(
        select(proposals)
        .where(proposals.c.maker == viewer.username)
        .order_by(proposals.c.proposal_id.desc())
        .limit(limit)
    )
    return [_proposal(row) for row in found.mappings()]


def of_case(connection: Connection, case_id: int) -> list[Proposal]:
    """All proposals of a case, the earliest first."""
    found = connection.execute(
        select(proposals).where(proposals.c.case_id == case_id).order_by(proposals.c.proposal_id)
    )
    return [_proposal(row) for row in found.mappings()]


def _answered(
    connection: Connection, checker: Actor, proposal_id: int, digest: str, state: State, now: int, answer: str
) -> Proposal:
    proposal = find(connection, proposal_id)
    need(checker, CHECKING[proposal.kind])
    if checker.username == proposal.maker:
        raise NotAllowed(
            f"Proposal {proposal_id} is your own.", "A second person has to check it: leave it to a colleague."
        )
    if digest != proposal.digest:
        raise Stale(f"Proposal {proposal_id}", ("proposal", proposal_id))
    _leave(
        connection,
        proposal_id,
        {"state": state, "checker": checker.username, "checked_at": now, "answer": answer or None},
    )
    audit.write(
        connection,
        checker,
        f"{proposal.kind}.{state}",
        "proposal",
        proposal_id,
        reason=answer or None,
        digest=digest,
    )
    return find(connection, proposal_id)


def _leave(connection: Connection, proposal_id: int, values: Mapping[str, object]) -> None:
    changed = connection.execute(
        update(proposals).where(proposals.c.proposal_id == proposal_id, proposals.c.state == "proposed").values(values)
    )
    if changed.rowcount != 1:
        raise Stale(f"Proposal {proposal_id}", ("proposal", proposal_id))


def _proposal(row: RowMapping) -> Proposal:
    return Proposal(**row)
