"""From a draft to a rulebook in force: the steps in their order, two persons, and drafts that somebody else changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from console.people.roles import Role, permissions_of
from console.rulebooks import approval
from console.rulebooks.approval import NotReady
from console.rulebooks.desk import Desk
from console.rulebooks.difference import Run, compare
from console.rulebooks.reports import RulebookName
from console.rulebooks.shelf import Shelf
from console.rulebooks.workshop import Workshop
from console.store import drafts, proposals
from console.store.errors import NotAllowed, Stale
from console.store.opening import Store
from streams.generations import Generation, Generations
from tests.rules.small import TYPOLOGY, documents

PATH = "typologies/T90-test.yaml"
NOW = 1_795_410_000_000
REASON = "fewer false positives"


@dataclass(frozen=True)
class Person:
    """Somebody of a role."""

    username: str
    role: Role = "compliance"

    @property
    def permissions(self) -> frozenset[str]:
        return frozenset(permissions_of(self.role))


AIGUL, BOLAT, SAULE = Person("aigul"), Person("bolat"), Person("saule")


class Topic:
    """The generations of a topic that lives in this test; what is sent is validated as the real one's records are."""

    def __init__(self) -> None:
        self.known = Generations()
        self.activate(documents(), activated_by="first start")

    def read(self) -> Generations:
        return self.known

    def activate(
        self, files: dict[str, str], *, activated_by: str, effective_at: int = NOW - 1, rollback_of: int | None = None
    ) -> Generation:
        generation = Generation.new(
            files, generation=len(self.known.all) + 1, effective_at=effective_at, activated_by=activated_by,
            now=NOW - 60_000, rollback_of=rollback_of,
        )  # fmt: skip
        self.known.add(generation)
        return generation


@pytest.fixture
def topic() -> Topic:
    """A topic with one generation: the small rulebook."""
    return Topic()


@pytest.fixture
def desk(store: Store, topic: Topic) -> Iterator[Desk]:
    """A desk over the store and the topic."""
    made = Desk(store, Shelf(topic.read, lambda: NOW), Workshop(), lambda: NOW, topic)  # type: ignore[arg-type]
    assert made.shelf.known(anew=True).standing == "read"
    yield made
    made.close()


def lower(at: str = "0.4") -> str:
    return TYPOLOGY.replace("alert_at: 0.5", f"alert_at: {at}")


def compared(desk: Desk, draft_id: int) -> None:
    """Note a comparison of the draft with what is in force, as the workshop would."""
    old, new = desk.in_force_digest(), desk.open(draft_id).draft.digest
    runs = Run(RulebookName(version="test", digest=old)), Run(RulebookName(version="test", digest=new))
    with desk.store.writing() as connection:
        drafts.note_difference(connection, draft_id, compare(*runs, events="none", seconds=0))


def ready(desk: Desk, author: Person = AIGUL) -> drafts.Draft:
    """A draft that may be proposed."""
    draft_id = desk.begin(author, "Lower the threshold")
    desk.save(author, draft_id, PATH, lower(), 1)
    assert desk.run_examples(author, draft_id).sound
    compared(desk, draft_id)
    return desk.open(draft_id).draft


def approve(desk: Desk, number: int, checker: Person) -> None:
    with desk.store.writing() as connection:
        proposal = proposals.find(connection, number)
        proposals.approve(connection, checker, number, proposal.digest, now=NOW)
    desk.publish(checker)


def test_a_draft_comes_into_force_by_two_persons_and_exactly_as_it_was_proposed(desk: Desk, topic: Topic) -> None:
    draft = ready(desk)
    number = desk.propose(AIGUL, draft.draft_id, REASON, draft.version)
    with pytest.raises(Stale):  # while it waits nobody changes it
        desk.save(AIGUL, draft.draft_id, PATH, lower("0.3"), draft.version + 1)
    with pytest.raises(NotAllowed):
        approve(desk, number, AIGUL)
    approve(desk, number, SAULE)
    newest = topic.known.all[-1]
    assert (newest.generation, newest.digest) == (2, draft.digest)
    assert newest.activated_by == f"aigul + saule, {number}"
    assert desk.in_force_digest() == draft.digest
    with desk.store.reading() as connection:
        assert drafts.find(connection, draft.draft_id).state == "approved"
        activation = approval.activation_of(connection, number)
    assert activation is not None
    assert activation["generation"] == 2


def test_whoever_wrote_a_part_does_not_approve_the_whole(desk: Desk, topic: Topic) -> None:
    draft_id = desk.begin(AIGUL, "Two authors")
    desk.save(AIGUL, draft_id, PATH, lower("0.3"), 1)
    desk.save(BOLAT, draft_id, PATH, lower(), 2)
    desk.run_examples(AIGUL, draft_id)
    compared(desk, draft_id)
    number = desk.propose(AIGUL, draft_id, REASON, 3)
    with pytest.raises(NotAllowed):
        approve(desk, number, BOLAT)
    assert len(topic.known.all) == 1
    approve(desk, number, SAULE)
    assert len(topic.known.all) == 2


@pytest.mark.parametrize("role", ["analyst", "senior", "auditor", "admin"])
def test_other_roles_write_nothing(desk: Desk, role: Role) -> None:
    with pytest.raises(NotAllowed):
        desk.begin(Person("somebody", role), "A draft")


def test_the_steps_are_asked_for_in_their_order_and_again_after_a_change(desk: Desk) -> None:
    draft_id = desk.begin(AIGUL, "Step by step")

    def lacks() -> list[str]:
        return approval.missing(desk.open(draft_id).draft, desk.in_force_digest())

    assert lacks() == ["same", "checked", "compared"]
    desk.save(AIGUL, draft_id, PATH, lower().replace("alerts: [3, 4]", "alerts: [3]"), 1)
    desk.run_examples(AIGUL, draft_id)
    assert lacks() == ["checked", "compared"]  # an example does not show what it says
    desk.save(AIGUL, draft_id, PATH, lower(), 2)
    desk.run_examples(AIGUL, draft_id)
    compared(desk, draft_id)
    assert lacks() == []
    desk.save(AIGUL, draft_id, PATH, lower("0.35"), 3)
    assert lacks() == ["checked", "compared"]
    with pytest.raises(NotReady, match="checked"):
        desk.propose(AIGUL, draft_id, REASON, 4)


def test_two_authors_at_once_lose_nothing(desk: Desk) -> None:
    draft_id = desk.begin(AIGUL, "At once")
    desk.save(AIGUL, draft_id, PATH, lower("0.4"), 1)
    with pytest.raises(Stale):
        desk.save(BOLAT, draft_id, PATH, lower("0.3"), 1)
    assert desk.open(draft_id).whole[PATH] == lower("0.4")


def test_a_draft_of_an_earlier_rulebook_is_brought_up_to_date_first(desk: Desk, topic: Topic) -> None:
    draft = ready(desk)
    topic.activate({**documents(), PATH: lower("0.45")}, activated_by="somebody else")
    desk.shelf.known(anew=True)
    with pytest.raises(NotReady, match="base"):
        desk.propose(AIGUL, draft.draft_id, REASON, draft.version)
    assert desk.bring_up_to_date(AIGUL, draft.draft_id, draft.version) == [PATH]
    opened = desk.open(draft.draft_id)
    assert opened.draft.base_digest == desk.in_force_digest()
    assert opened.whole[PATH] == lower()


def test_what_came_into_force_meanwhile_is_not_taken_back_by_an_approval(desk: Desk, topic: Topic) -> None:
    draft = ready(desk)
    number = desk.propose(AIGUL, draft.draft_id, REASON, draft.version)
    topic.activate({**documents(), PATH: lower("0.45")}, activated_by="somebody else")
    approve(desk, number, SAULE)
    assert len(topic.known.all) == 2
    with desk.store.writing() as connection:
        assert proposals.find(connection, number).state == "failed"
        assert approval.waiting(connection) == []
        approval.take_up(connection, AIGUL, drafts.find(connection, draft.draft_id))


def test_a_console_that_ended_after_sending_does_not_send_again(desk: Desk, topic: Topic) -> None:
    draft = ready(desk)
    number = desk.propose(AIGUL, draft.draft_id, REASON, draft.version)
    topic.activate(desk.open(draft.draft_id).whole, activated_by=f"aigul + saule, {number}")
    approve(desk, number, SAULE)
    assert len(topic.known.all) == 2


def test_going_back_takes_two_persons_as_well(desk: Desk, topic: Topic) -> None:
    draft = ready(desk)
    approve(desk, desk.propose(AIGUL, draft.draft_id, REASON, draft.version), SAULE)
    with pytest.raises(NotReady, match="same"):
        desk.roll_back(BOLAT, 2, REASON)
    number = desk.roll_back(BOLAT, 1, REASON)
    with pytest.raises(NotAllowed):
        approve(desk, number, BOLAT)
    approve(desk, number, SAULE)
    newest = topic.known.all[-1]
    assert (newest.generation, newest.rollback_of, newest.digest) == (3, 2, topic.known[1].digest)


def test_a_refused_draft_is_taken_up_again(desk: Desk) -> None:
    draft = ready(desk)
    number = desk.propose(AIGUL, draft.draft_id, REASON, draft.version)
    with desk.store.writing() as connection:
        with pytest.raises(Stale):
            approval.take_up(connection, AIGUL, drafts.find(connection, draft.draft_id))
        digest = proposals.find(connection, number).digest
        proposals.refuse(connection, SAULE, number, digest, now=NOW, answer="not now")
        approval.take_up(connection, AIGUL, drafts.find(connection, draft.draft_id))
        assert drafts.find(connection, draft.draft_id).state == "draft"
