"""Makes an export for somebody: opens the names he asked for, makes the file, writes down that it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Path
from fastapi.responses import Response

from console import audit, vault
from console.exports import camt056, markup
from console.exports.gathering import (
    gather,
    gather_filed,
    made_before,
    operation_of,
    operations_of,
    parties,
    with_names,
)
from console.exports.making import FILED, KINDS, File, Kind, Tools, make
from console.exports.markup import NotValid
from console.exports.material import Party, Refused
from console.exports.profile import ProfileRefused
from console.store import cases, filing, recalls
from console.store.actor import need
from console.store.cases import WORK
from console.store.errors import NotFound
from console.texts import Language
from console.web.house import House
from console.web.refusals import Refusal
from console.web.viewer import Viewer

MADE: Final = "export.made"  # in the audit log
RECALL: Final = "camt056.xml"
MOST_NAMES: Final = 50
CaseNumber = Annotated[int, Path(ge=1, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants made: in which language, whose names are to be opened, and why."""

    language: Language
    tokens: Sequence[str] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be made of a case, what it needs, and what was made."""

    title: str
    filed: bool
    kinds: tuple[Kind, ...]
    parties: tuple[Party, ...]
    recalls: tuple[Any, ...]
    made: tuple[dict[str, Any], ...]


def listing(house: House, viewer: Viewer, case_id: int) -> Listing:
    """The exports of a case; NotFound where the viewer sees no such case."""
    with house.store.reading() as connection:
        found = parties(operations_of(connection, viewer, case_id))
        return Listing(
            title=cases.find(connection, viewer, case_id)["title"],
            filed=bool(filing.approved(connection, case_id)),
            kinds=KINDS,
            parties=tuple(sorted(found.values(), key=lambda party: (party.kind, party.token))),
            recalls=tuple(recalls.of_case(connection, case_id)),
            made=tuple(made_before(connection, case_id, MADE)),
        )


def made(house: House, viewer: Viewer, case_id: int, kind: Kind, order: Order) -> File:
    """Make an export; it is in the audit log before anybody has it.

    Raises:
        NotFound, NotAllowed: the viewer sees no such case, or may not work on cases or reveal people.
        ReasonMissing: names are to be opened, and nobody said why.
        Refusal: there is nothing to make it of, or a token is not of this case.
    """
    need(viewer, WORK)
    gathering = gather_filed if kind in FILED else gather
    try:
        with house.store.reading() as connection:
            material = gathering(connection, viewer, case_id, house.clock())
        wanted = tuple(dict.fromkeys(order.tokens))
        if len(wanted) > MOST_NAMES or not parties(material.operations).keys() >= set(wanted):
            raise Refusal(404, "exports.refused.name_not_of_case")
        opened = {
            token: vault.reveal(house.store, house.keys.vault, viewer, token, order.reason, case_id) for token in wanted
        }
        named = with_names(material, opened)
        tools = Tools(house.renderer.texts, house.settings.goaml_profile, house.keys.signing)
        file = make(kind, named, order.language, tools)
    except Refused as refused:
        raise Refusal(409, f"exports.refused.{refused.reason}") from None
    except NotValid:
        raise Refusal(409, "exports.refused.not_valid") from None
    except ProfileRefused:
        raise Refusal(503, "exports.refused.profile") from None
    _write_down(house, viewer, case_id, kind, file, order.reason or None, len(wanted))
    return file


def made_recall(house: House, viewer: Viewer, case_id: int, recall_id: int, language: Language) -> File:
    """Make the request of an approved recall; raises as `made` does."""
    need(viewer, WORK)
    with house.store.reading() as connection:
        cases.find(connection, viewer, case_id)
        row = next((each for each in recalls.of_case(connection, case_id) if each["recall_id"] == recall_id), None)
        if row is None:
            raise NotFound(f"recall {recall_id} in case {case_id}")
        try:
            operation = operation_of(connection, row["operation"])
            content = camt056.request(
                operation, recall_id, case_id, row["amount"], row["made_at"], house.renderer.texts, language
            )
        except Refused as refused:
            raise Refusal(409, f"exports.refused.{refused.reason}") from None
        except NotValid:
            raise Refusal(409, "exports.refused.not_valid") from None
    file = File(f"case-{case_id}-recall-{recall_id}-camt056.xml", markup.CONTENT_TYPE, content)
    _write_down(house, viewer, case_id, RECALL, file, None, 0)
    return file


def answer(file: File) -> Response:
    """The file as a download that no browser opens as a page of ours."""
    return Response(
        file.content,
        media_type=file.content_type,
        headers={"Content-Disposition": f'attachment; filename="{file.name}"', "X-Content-Type-Options": "nosniff"},
    )


def _write_down(
    house: House, viewer: Viewer, case_id: int, kind: str, file: File, reason: str | None, names: int
) -> None:
    with house.store.writing() as connection:
        audit.write(connection, viewer, MADE, "case", case_id, reason, kind=kind, sha256=file.digest, names=names)
