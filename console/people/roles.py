"""What each role may do, in the words that pages, the API and the store ask with."""

from __future__ import annotations

from typing import Final, Literal, get_args

from sqlalchemy import Connection, select

from console.store.actor import Actor
from console.store.tables import case_members, cases

Role = Literal["analyst", "senior", "compliance", "auditor", "admin"]
Permission = Literal[
    "alerts.read",
    "cases.read",
    "money.read",
    "pyramids.read",
    "holds.read",
    "statistics.read",
    "registries.read",
    "rulebook.read",
    "alerts.work",
    "cases.work",
    "proposals.make",
    "identities.reveal",
    "proposals.check",
    "rulebook.write",
    "rulebook.check",
    "audit.read",
    "people.manage",
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)

_READ: Final[frozenset[Permission]] = frozenset(
    {
        "alerts.read",
        "cases.read",
        "money.read",
        "pyramids.read",
        "holds.read",
        "statistics.read",
        "registries.read",
        "rulebook.read",
    }
)
_WORK: Final[frozenset[Permission]] = _READ | {"alerts.work", "cases.work", "proposals.make", "identities.reveal"}

GRANTED: Final[dict[Role, frozenset[Permission]]] = {
    "analyst": _WORK,
    "senior": _WORK | {"proposals.check"},
    "compliance": _READ | {"rulebook.write", "rulebook.check"},
    "auditor": _READ | {"audit.read"},
    "admin": frozenset({"people.manage"}),
}


def permissions_of(role: str) -> frozenset[Permission]:
    """What a role may do; of a role that is not known, nothing.

    >>> "people.manage" in permissions_of("admin"), "alerts.read" in permissions_of("admin"), permissions_of("?")
    (True, False, frozenset())
    """
    return next((granted for known, granted in GRANTED.items() if known == role), frozenset())


def may_see_case(connection: Connection, viewer: Actor, case_id: int) -> bool:
    """Whether somebody may know of a case: everybody who may read cases, of a restricted one its owner and members.

    False as well where there is no such case, so that an answer does not tell one from the other. The auditor reads
    restricted cases too: somebody has to.
    """
    if "cases.read" not in viewer.permissions:
        return False
    case = connection.execute(select(cases.c.restricted, cases.c.owner).where(cases.c.case_id == case_id)).first()
    if case is None:
        return False
    if not case.restricted or case.owner == viewer.username or "audit.read" in viewer.permissions:
        return True
    member = select(case_members.c.case_id).where(
        case_members.c.case_id == case_id, case_members.c.username == viewer.username
    )
    return connection.execute(member).first() is not None
