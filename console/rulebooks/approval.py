"""From a draft to a rulebook in force: checked, compared, proposed, approved by somebody else, then published.

The proposal holds the whole rulebook: what the checker saw is what is published, whatever becomes of the draft. An
approval writes down that the rulebook is to be published, in its own transaction; `publish` does it afterwards, again
and again until the topic has it. A generation that is on the topic already is not published twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from kafka.errors import KafkaError
from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from console import audit
from console.rulebooks.files import Files
from console.store import drafts, proposals
from console.store.actor import Actor, need
from console.store.errors import NotAllowed, Stale
from console.store.opening import Store
from console.store.proposals import Proposal
from console.store.tables import proposals as table
from console.store.tables import rulebook_activations as activations
from rules.rulebook_files import digest_of
from streams.generations import Generation, GenerationRefused, Generations

KIND: Final = "rulebook"
AWAY: Final = "away"  # Kafka did not answer: it is tried again


class NotReady(Exception):
    """A draft that may not be proposed yet; `key` says why: checked, compared, base, same."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the draft is not ready: {key}")
        self.key = key


class Topic(Protocol):
    """What publishing needs of `streams.rulebook_topic.RulebookTopic`."""

    def read(self) -> Generations:
        """Every generation of the topic."""

    def activate(
        self,
        documents: Files,
        *,
        activated_by: str,
        effective_at: int | None = None,
        rollback_of: int | None = None,
    ) -> Generation:
        """Validate and send the next generation."""


def missing(draft: drafts.Draft, in_force: str) -> list[str]:
    """What a draft lacks before it may be proposed: keys, in the order in which they are done."""
    lacks = []
    if draft.digest == in_force:
        lacks.append("same")
    if draft.base_digest != in_force:
        lacks.append("base")
    if draft.checked is None or not draft.checked.sound:
        lacks.append("checked")
    if draft.difference is None or draft.difference.old.digest != in_force:
        lacks.append("compared")
    return lacks


def propose(
    connection: Connection, maker: Actor, draft: drafts.Draft, whole: Files, in_force: str, reason: str, *, now: int
) -> int:
    """Propose a draft, whose files are `whole`, in place of the rulebook with the digest `in_force`.

    Raises:
        NotReady: it has not been checked and compared as it is now, or stands on a rulebook that is no longer in force.
        Stale: it was changed since it was looked at.
    """
    if digest_of(whole) != draft.digest:
        raise NotReady("base")
    if lacks := missing(draft, in_force):
        raise NotReady(lacks[0])
    drafts.proposed(connection, draft)
    assert draft.difference is not None
    document = _document(whole, in_force, draft.title) | {
        "draft": draft.draft_id,
        "difference": draft.difference.model_dump(exclude={"new_alerts", "gone_alerts"}),
    }
    return proposals.propose(connection, maker, KIND, document, reason, now=now)


def propose_rollback(
    connection: Connection, maker: Actor, earlier: Generation, in_force: Generation, reason: str, *, now: int
) -> int:
    """Propose an earlier generation's rulebook again, in place of the generation in force.

    Raises:
        NotReady: it is what is in force.
    """
    if earlier.digest == in_force.digest:
        raise NotReady("same")
    document = _document(earlier.documents, in_force.digest, earlier.version)
    document |= {"rollback_to": earlier.generation, "rollback_of": in_force.generation}
    return proposals.propose(connection, maker, KIND, document, reason, now=now)


def _document(files: Files, in_force: str, title: str) -> dict[str, Any]:
    return {"title": title, "digest": digest_of(files), "in_force": in_force, "files": dict(files)}


def may_check(connection: Connection, checker: Actor, proposal: Proposal) -> bool:
    """Whether somebody may approve a proposal: not its maker, and nobody who wrote a part of it."""
    draft = proposal.content.get("draft")
    wrote = drafts.writers(connection, draft) if draft is not None else set()
    return "rulebook.check" in checker.permissions and checker.username not in {proposal.maker, *wrote}


@proposals.on_approved("rulebook")
def approved(connection: Connection, checker: Actor, proposal: Proposal, now: int) -> None:
    """Write down that an approved rulebook is to be published; NotAllowed for who wrote a part of it."""
    if not may_check(connection, checker, proposal):
        raise NotAllowed(
            "Whoever wrote a part of a rulebook does not approve it.", "Ask somebody who has not worked on this draft."
        )
    content = proposal.content
    connection.execute(
        insert(activations).values(proposal_id=proposal.proposal_id, digest=content["digest"], approved_at=now)
    )
    if content.get("draft") is not None:
        drafts.answered(connection, content["draft"], "approved")


def latest_of(connection: Connection, draft_id: int) -> Proposal | None:
    """The last proposal made of a draft."""
    # Quotes inside the files stand escaped in the document, so that nothing else looks like its own key.
    query = select(table.c.proposal_id).where(table.c.kind == KIND, table.c.document.contains(f'"draft":{draft_id},'))
    found = connection.scalar(query.order_by(table.c.proposal_id.desc()).limit(1))
    return proposals.find(connection, found) if found is not None else None


def take_up(connection: Connection, actor: Actor, draft: drafts.Draft) -> None:
    """Make a draft of a proposal that was refused, withdrawn or could not be published again.

    Raises:
        Stale: it waits for its answer, or was approved.
    """
    need(actor, drafts.WRITE)
    proposal = latest_of(connection, draft.draft_id)
    if proposal is None or proposal.state in ("proposed", "approved"):
        raise Stale(draft.name, draft.of)
    drafts.answered(connection, draft.draft_id, "draft")


def waiting(connection: Connection) -> Sequence[int]:
    """The proposals that are approved and still to be published, the earliest first."""
    to_do = activations.c.generation.is_(None), or_(activations.c.failure.is_(None), activations.c.failure == AWAY)
    query = select(activations.c.proposal_id).where(*to_do).order_by(activations.c.approved_at)
    return connection.execute(query).scalars().all()


def activation_of(connection: Connection, proposal_id: int) -> RowMapping | None:
    """What became of an approved proposal: its row of `rulebook_activations`."""
    query = select(activations).where(activations.c.proposal_id == proposal_id)
    return connection.execute(query).mappings().one_or_none()


def publish(store: Store, topic: Topic, *, actor: Actor) -> int:
    """Publish every approved rulebook that is not on the topic yet; how many are.

    A broker that is away leaves them where they are, with the reason beside; call it again.
    """
    with store.reading() as connection:
        left = [proposals.find(connection, number) for number in waiting(connection)]
    done = 0
    for proposal in left:
        try:
            generation = _published(topic, proposal)
        except _Moved:
            _give_up(store, actor, proposal, "moved")
        except GenerationRefused:
            _give_up(store, actor, proposal, "refused")
        except KafkaError:
            with store.writing() as connection:
                _note(connection, proposal, failure=AWAY)
            break
        else:
            with store.writing() as connection:
                told = {"generation": generation.generation, "effective_at": generation.effective_at}
                _note(connection, proposal, failure=None, **told)
                audit.write(connection, actor, "rulebook.published", "proposal", proposal.proposal_id, None, **told)
            done += 1
    return done


class _Moved(Exception):
    """What is in force is no longer what the proposal was compared with."""


def _published(topic: Topic, proposal: Proposal) -> Generation:
    content = proposal.content
    by = f"{proposal.maker} + {proposal.checker}, {proposal.proposal_id}"
    known = topic.read().all
    # Sent before, by a console that ended before it could write that down.
    there = next((one for one in known if one.activated_by == by and one.digest == content["digest"]), None)
    if there is not None:
        return there
    if known and known[-1].digest != content["in_force"]:
        raise _Moved
    return topic.activate(content["files"], activated_by=by, rollback_of=content.get("rollback_of"))


def _give_up(store: Store, actor: Actor, proposal: Proposal, failure: str) -> None:
    with store.writing() as connection:
        _note(connection, proposal, failure=failure)
        proposals.fail(connection, actor, proposal.proposal_id, failure)


def _note(connection: Connection, proposal: Proposal, **values: int | str | None) -> None:
    connection.execute(update(activations).where(activations.c.proposal_id == proposal.proposal_id).values(**values))
