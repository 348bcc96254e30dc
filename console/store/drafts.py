"""Drafts of the rulebook: who began them from what, what they change, what was found of them, how far they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, RowMapping, insert, select, update

from console import audit
from console.rulebooks.files import Changes, Files, applied, refuse_large, refuse_unusable
from console.rulebooks.reports import CheckReport, DifferenceReport
from console.store.actor import Actor, need
from console.store.errors import NotFound, Stale
from console.store.ids import next_id
from console.store.tables import audit as audit_log
from console.store.tables import rulebook_drafts as drafts
from rules.rulebook_files import digest_of

State = Literal["draft", "proposed", "approved", "refused"]
WRITE: Final = "rulebook.write"
_KIND: Final = "rulebook_draft"
_CHANGED: Final = "rulebook.draft_changed"


@dataclass(frozen=True)
class Draft:
    """One row of `rulebook_drafts`; instants in ms UTC. Reports are those of this very state of the files."""

    draft_id: int
    title: str
    author: str
    made_at: int
    changed_at: int
    base_digest: str
    changes: dict[str, str | None]
    digest: str
    checked: CheckReport | None
    difference: DifferenceReport | None
    state: State
    version: int

    @property
    def name(self) -> str:
        """How errors name it."""
        return f"draft {self.draft_id}"

    @property
    def of(self) -> tuple[str, object]:
        """How the audit log names it."""
        return _KIND, self.draft_id


def begin(connection: Connection, actor: Actor, title: str, base: Files, *, now: int) -> int:
    """Begin a draft that changes nothing yet, and return its number."""
    need(actor, WRITE)
    draft_id, digest = next_id(connection, drafts), digest_of(base)
    connection.execute(
        insert(drafts).values(
            draft_id=draft_id, title=title, author=actor.username, made_at=now, changed_at=now, base_digest=digest,
            files="{}", digest=digest, state="draft", version=1,
        )
    )  # fmt: skip
    audit.write(connection, actor, "rulebook.draft_begun", _KIND, draft_id, base=digest)
    return draft_id


def find(connection: Connection, draft_id: int) -> Draft:
    """The draft with this number; NotFound."""
    row = connection.execute(select(drafts).where(drafts.c.draft_id == draft_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"draft {draft_id}")
    return _draft(row)


def latest(connection: Connection, *, limit: int = 50) -> Sequence[RowMapping]:
    """The drafts changed last, without their files and reports."""
    columns = (drafts.c.draft_id, drafts.c.title, drafts.c.author, drafts.c.changed_at, drafts.c.state)
    return connection.execute(select(*columns).order_by(drafts.c.changed_at.desc()).limit(limit)).mappings().all()


def change(
    connection: Connection, actor: Actor, draft_id: int, base: Files, changes: Changes, version: int, *, now: int
) -> Draft:
    """Set what the draft changes about its base, which is `base`; what was found of it before holds no more.

    Raises:
        FilesRefused: names or sizes that no rulebook has.
        Stale: it was changed, or proposed, since `version` was looked at.
    """
    need(actor, WRITE)
    refuse_unusable(changes)
    refuse_large(changes)
    digest = digest_of(applied(base, changes))
    values = {
        "files": json.dumps(dict(changes), ensure_ascii=False),
        "base_digest": digest_of(base),
        "digest": digest,
        "changed_at": now,
    }
    before = find(connection, draft_id)
    if digest != before.digest:
        values |= {"checked": None, "difference": None}
    _update(connection, before, version, **values)
    audit.write(connection, actor, _CHANGED, _KIND, draft_id, digest=digest, files=sorted(changes))
    return find(connection, draft_id)


def proposed(connection: Connection, draft: Draft) -> None:
    """Note that it waits for its answer; Stale where it is no longer as it was looked at."""
    _update(connection, draft, draft.version, state="proposed")


def answered(connection: Connection, draft_id: int, state: Literal["draft", "approved"]) -> None:
    """What became of a draft that was proposed."""
    connection.execute(
        update(drafts)
        .where(drafts.c.draft_id == draft_id, drafts.c.state == "proposed")
        .values(state=state, version=drafts.c.version + 1)
    )


def note_checked(connection: Connection, draft_id: int, report: CheckReport) -> None:
    """Keep what a check found, unless the draft has changed since."""
    _note(connection, draft_id, report.digest, checked=report.model_dump_json())


def note_difference(connection: Connection, draft_id: int, report: DifferenceReport) -> None:
    """Keep what a comparison found, unless the draft has changed since."""
    _note(connection, draft_id, report.new.digest, difference=report.model_dump_json())


def writers(connection: Connection, draft_id: int) -> set[str]:
    """Who has changed the draft: none of them may approve it."""
    rows = connection.execute(
        select(audit_log.c.actor)
        .where(audit_log.c.object_kind == _KIND, audit_log.c.object_id == str(draft_id), audit_log.c.action == _CHANGED)
        .distinct()
    )
    return {find(connection, draft_id).author, *rows.scalars()}


def _note(connection: Connection, draft_id: int, digest: str, **values: str) -> None:
    connection.execute(update(drafts).where(drafts.c.draft_id == draft_id, drafts.c.digest == digest).values(**values))


def _update(connection: Connection, draft: Draft, version: int, **values: object) -> None:
    changed = connection.execute(
        update(drafts)
        .where(drafts.c.draft_id == draft.draft_id, drafts.c.version == version, drafts.c.state == "draft")
        .values(version=version + 1, **values)
    )
    if changed.rowcount != 1:
        raise Stale(draft.name, draft.of)


def _draft(row: RowMapping) -> Draft:
    held = dict(row)
    checked, difference = held.pop("checked"), held.pop("difference")
    return Draft(
        changes=json.loads(held.pop("files")),
        checked=CheckReport.model_validate_json(checked) if checked else None,
        difference=DifferenceReport.model_validate_json(difference) if difference else None,
        **held,
    )
