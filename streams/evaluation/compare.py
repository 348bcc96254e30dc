"""Two evaluations side by side: what changed for each typology, and which alerts were gained and lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# (name in the report, where it stands in a typology's figures, whether more is better; None: neither)
OF_TYPOLOGY: Final = (
    ("alerts", ("alerts",), None),
    ("recall", ("own", "recall"), True),
    ("event recall", ("own", "event_recall"), True),
    ("precision", ("precision",), True),
    ("strict precision", ("strict_precision",), True),
    ("lead, days", ("own", "lead_days"), False),
    ("recoverable", ("own", "recoverable"), True),
    ("honest held", ("honest_held",), False),
)
OF_ALL: Final = (
    ("alerts", ("alerts",), None),
    ("recall of cases", ("all_cases", "recall"), True),
    ("precision", ("precision",), True),
    ("average precision", ("ranking", "average_precision"), True),
    ("recall at 1 %", ("ranking", "recall_at_1_percent"), True),
    ("honest events held, share", ("innocents", "share"), False),
)


class NotAnEvaluation(Exception):
    """A file that `antifraud evaluate --json` has not written; the message names it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and after; `better` is None where neither direction is good, or nothing changed."""

    name: str
    before: float | None
    after: float | None
    better: bool | None

    @property
    def arrow(self) -> str:
        """Which way the figure went."""
        if self.before is None or self.after is None or self.before == self.after:
            return "="
        return "▲" if self.after > self.before else "▼"


@dataclass(frozen=True, slots=True)
class Compared:
    """The difference of two evaluations."""

    before: str  # rulebook and command of the other
    same_events: bool  # whether both saw the same runs, by name, dates and lines
    overall: list[Change]
    typologies: dict[str, list[Change]]
    gained: list[tuple[str, str, str, bool]]  # run, alert id, typology, whether its event is a fraud's
    lost: list[tuple[str, str, str, bool]]

    def counts(self) -> dict[str, tuple[int, int, int, int]]:
        """For each typology: gained right, gained wrong, lost right, lost wrong."""
        told: Counter[tuple[str, int]] = Counter()
        for first, alerts in ((0, self.gained), (2, self.lost)):
            told.update((typology, first + (not right)) for _, _, typology, right in alerts)
        names = sorted({typology for typology, _ in told})
        return {name: (told[name, 0], told[name, 1], told[name, 2], told[name, 3]) for name in names}


def read_evaluation(path: Path) -> dict[str, Any]:
    """What `antifraud evaluate --json` wrote.

    Raises:
        NotAnEvaluation: it is something else, or of another version.
        OSError: it cannot be read.
    """
    try:
        found = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise NotAnEvaluation(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise NotAnEvaluation(f"{path}: not JSON in UTF-8") from None
    if not isinstance(found, dict) or found.get("type") != "evaluation" or found.get("format") != 1:
        raise NotAnEvaluation(f"{path}:1:1: not written by `antifraud evaluate --json` of this version")
    missing = [name for name in ("rulebook", "runs", "pooled", "alerts") if name not in found]
    if missing:
        raise NotAnEvaluation(f"{path}: it lacks {', '.join(missing)}")
    return found


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Compared:
    """The changes from one evaluation to another, both as `Evaluated.as_json` writes them."""
    old = {each["id"]: each for each in before["pooled"]["typologies"]}
    new = {each["id"]: each for each in after["pooled"]["typologies"]}
    earlier = {(run, alert_id): (typology, right) for run, alert_id, typology, right in before["alerts"]}
    later = {(run, alert_id): (typology, right) for run, alert_id, typology, right in after["alerts"]}
    return Compared(
        before=f"{before['rulebook']['version']} ({before['rulebook']['digest'][:12]}): {before.get('command', '')}",
        same_events=_events(before) == _events(after),
        overall=_changes(OF_ALL, before["pooled"], after["pooled"]),
        typologies={name: _changes(OF_TYPOLOGY, old.get(name, {}), new.get(name, {})) for name in sorted({*old, *new})},
        gained=[(*key, *later[key]) for key in sorted(later.keys() - earlier.keys())],
        lost=[(*key, *earlier[key]) for key in sorted(earlier.keys() - later.keys())],
    )


def _changes(
    table: tuple[tuple[str, tuple[str, ...], bool | None], ...], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Change]:
    changes = []
    for name, path, more_is_better in table:
        old, new = _at(before, path), _at(after, path)
        changed = old is not None and new is not None and old != new
        better = (new > old) == more_is_better if changed and more_is_better is not None else None
        changes.append(Change(name, old, new, better))
    return changes


def _at(figures: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = figures
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _events(evaluation: Mapping[str, Any]) -> list[Any]:
    return [[run.get(name) for name in ("name", "first_event", "last_event", "lines")] for run in evaluation["runs"]]
