"""A comparison or a search for evasions in a process of its own: `python -m console.rulebooks.work REQUEST ANSWER`.

Judging a hundred thousand events twice keeps a processor busy for a while; pages go on beside it. The request and the
answer are files of JSON. On standard output the process says how far it is, a line `done of` at a time.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter

from console.rulebooks.evasions import evasions
from console.rulebooks.reports import DifferenceReport, EvasionReport
from console.rulebooks.sources import AnyEvents
from console.store.recent_alerts import RecentAlert
from rules.rulebook import Rulebook
from streams.tokens import KeyRefused, TokenKey, demo_keys

_NICENESS: Final = 10


class Comparison(BaseModel):
    """Two rulebooks to be compared on the same events."""

    kind: Literal["comparison"] = "comparison"
    old: dict[str, str]
    new: dict[str, str]
    events: AnyEvents
    bootstrap_servers: str | None = None


class Search(BaseModel):
    """A typology whose cheapest evasions are looked for, in its examples and in its latest alerts."""

    kind: Literal["search"] = "search"
    files: dict[str, str]
    typology: str
    alerts: tuple[RecentAlert, ...] = ()
    bootstrap_servers: str | None = None


Request = Annotated[Comparison | Search, Field(discriminator="kind")]
REQUEST: Final[TypeAdapter[Comparison | Search]] = TypeAdapter(Request)


def main(request: Path, answer: Path) -> None:
    """Do what the request says; an exception ends the process, and its last line on standard error says why."""
    os.nice(_NICENESS)
    asked = REQUEST.validate_json(request.read_bytes())
    if isinstance(asked, Search):
        report: BaseModel = _searched(asked)
    else:
        report = _compared(asked)
    answer.write_text(report.model_dump_json(), encoding="utf-8")


def _searched(asked: Search) -> EvasionReport:
    rulebook, more = Rulebook.from_documents(asked.files), len(asked.alerts)
    report = evasions(rulebook, asked.typology, progress=lambda done, of: _say(done, of + more))
    if asked.bootstrap_servers is None:
        return report
    # Kafka's client takes a while to import, and a search without it is over sooner.
    from console.rulebooks.alert_evasions import of_log
    from console.rulebooks.judged_log import Log

    first = len(report.found) + len(report.not_found)
    log = Log(asked.bootstrap_servers)
    recent = of_log(
        rulebook, asked.typology, asked.alerts, log, progress=lambda done, of: _say(first + done, first + of)
    )
    return report.model_copy(update={"recent": recent})


def _compared(asked: Comparison) -> DifferenceReport:
    # The engine takes seconds to import, and a search does without it.
    from console.rulebooks.judged_log import Log
    from console.rulebooks.replaying import difference

    return difference(
        Rulebook.from_documents(asked.old),
        Rulebook.from_documents(asked.new),
        asked.events,
        token_key(),
        progress=_say,
        log=Log(asked.bootstrap_servers) if asked.bootstrap_servers else None,
    )


def token_key() -> TokenKey:
    """The configured key, or the public demo key where none is configured, as `antifraud replay` does."""
    try:
        return TokenKey.load()
    except KeyRefused:
        return demo_keys()[0]


def _say(done: int, of: int) -> None:
    sys.stdout.write(f"{done} {of}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
