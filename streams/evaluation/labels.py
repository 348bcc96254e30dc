"""Labels of events: which belong to a fraud, of which scenario, and of which case."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NamedTuple

COLUMNS: Final = ("event_id", "label", "scenario", "case")


class LabelsInvalid(Exception):
    """A labels file that cannot be used; the message names file, line and column."""


class Label(NamedTuple):
    """What is known of an event: `case` is empty in ordinary life and in files that name none."""

    fraud: bool
    scenario: str
    case: str


@dataclass(slots=True)
class Labels:
    """The labels of many events: each event has the number of a label, and the labels are few."""

    known: list[Label] = field(default_factory=lambda: [Label(False, "", "")])
    numbers: dict[bytes, int] = field(default_factory=dict)  # event id → index into `known`

    def __len__(self) -> int:
        return len(self.numbers)


def read_labels(paths: Sequence[Path]) -> Labels:
    """The labels of one or several CSV files, plain or .gz, with the columns event_id, label, scenario and maybe case.

    Raises:
        LabelsInvalid: wrong header, a label that is not 0 or 1, a fraud without a scenario, or an event named twice.
        OSError: a file cannot be read.
    """
    labels = Labels()
    numbers: dict[Label, int] = {labels.known[0]: 0}
    for path in paths:
        with _open(path) as file:
            try:
                _read(path, csv.reader(file), labels, numbers)
            except (csv.Error, UnicodeDecodeError, EOFError) as error:
                raise LabelsInvalid(f"{path}: no CSV file in UTF-8: {error}") from None
    return labels


def _read(path: Path, rows: Iterable[list[str]], labels: Labels, numbers: dict[Label, int]) -> None:
    width = 0
    for line, row in enumerate(rows, start=1):
        if line == 1:
            if tuple(row) not in (COLUMNS, COLUMNS[:3]):
                raise LabelsInvalid(f"{path}:1:1: the header must be {','.join(COLUMNS[:3])} or {','.join(COLUMNS)}")
            width = len(row)
            continue
        if len(row) != width:
            raise LabelsInvalid(f"{path}:{line}:1: {len(row)} fields where the header has {width}")
        if row[1] not in ("0", "1"):
            raise LabelsInvalid(f"{path}:{line}:{_column(row, 1)}: the label must be 0 or 1")
        if not row[0]:
            raise LabelsInvalid(f"{path}:{line}:1: the event has no id")
        label = Label(row[1] == "1", row[2], row[3] if width == len(COLUMNS) else "")
        if label.fraud and not label.scenario:
            raise LabelsInvalid(f"{path}:{line}:{_column(row, 2)}: an event of a fraud needs a scenario")
        number = numbers.get(label)
        if number is None:
            number = numbers[label] = len(labels.known)
            labels.known.append(label)
        event = row[0].encode()
        if event in labels.numbers:
            raise LabelsInvalid(f"{path}:{line}:1: the event is labelled twice")
        labels.numbers[event] = number
    if not width:
        raise LabelsInvalid(f"{path}:1:1: the file is empty")


def _column(row: list[str], field_number: int) -> int:
    return sum(len(text) + 1 for text in row[:field_number]) + 1


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
