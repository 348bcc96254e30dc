"""Releases or confirms a hold by a verdict on the alerts behind it; the center ends or extends the hold by that.

The console never writes a hold's state itself: the state machine of rules/holds.py is the only one who does, so that
what the law allows is decided in one place.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sqlalchemy import Connection

from console import audit
from console.store import dispositions, holds
from console.store.actor import Actor, need
from console.store.alerts import Target
from console.store.errors import Stale
from streams.tokens import Vault

Verdict = Literal["false_positive", "confirmed"]


def decide_on(
    connection: Connection,
    vault: Vault,
    actor: Actor,
    hold_id: str,
    verdict: Verdict,
    seen: Collection[str],
    *,
    now: int,
    note: str,
) -> int:
    """Close the open alerts behind a hold; how many they were. `seen`: `<alert id>.<version>` as the actor saw them.

    Raises:
        NotAllowed, NotFound: the actor may not work on alerts; there is no such hold.
        Stale: the hold has ended, no alert behind it is open, or one was changed since it was looked at.
        NoVerdict: nobody is known whom the verdict could name.
    """
    need(actor, "alerts.work")
    hold = holds.found(connection, hold_id)
    waiting = {one.alert_id: one for one in holds.alerts_behind(connection, hold) if one.state != "closed"}
    if not hold.open or not waiting:
        raise Stale("The hold", ("hold", hold_id))
    targets = [target for target in map(_target, seen) if target.alert_id in waiting]
    if {target.alert_id for target in targets} != waiting.keys():
        raise Stale("The hold", ("hold", hold_id))  # another alert has come since
    dispositions.close(connection, vault, actor, targets, verdict, now=now, note=note)
    audit.write(connection, actor, "hold.decided", "hold", hold_id, reason=note, verdict=verdict, alerts=len(targets))
    return len(targets)


def _target(text: str) -> Target:
    try:
        return Target.read(text)
    except ValueError:
        raise Stale("The hold") from None
