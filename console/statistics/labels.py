"""What the cells of a table say, in one language: on pages, in CSV, in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from console.exports import csv_safe
from console.statistics.figures import TEXTS, Cell, Figures, Kind
from console.texts import Language, Texts


class Labels:
    """Names typologies, regions and words in one language; `typologies`: id → its name in it."""

    def __init__(self, texts: Texts, language: Language, typologies: Mapping[str, str]) -> None:
        self._texts = texts
        self._language = language
        self._typologies = typologies

    def say(self, kind: Kind, cell: Cell) -> str:
        """The text of a cell that names something; what is not known stays as it is."""
        text = "" if cell is None else str(cell)
        if kind == "typology":
            name = self._typologies.get(text)
            return f"{text} {name}" if name else text
        key = f"regions.kz_{text}" if kind == "region" else f"statistics.words.{text}"
        if kind in ("region", "word") and key in self._texts:
            return self._texts(self._language, key)
        return text.partition("_")[2] or text if kind == "word" else text

    def name(self, figures: Figures, row: Sequence[Cell]) -> str:
        """What a row is about: its leading cells that name something."""
        columns = takewhile(lambda column: column.kind in TEXTS, figures.columns)
        return " · ".join(self.say(column.kind, cell) for column, cell in zip(columns, row, strict=False))

    def title(self, figures: Figures) -> str:
        """The title of a table."""
        return self._texts(self._language, f"statistics.table.{figures.name}")

    def head(self, figures: Figures) -> list[str]:
        """The names of its columns."""
        return [self._texts(self._language, f"statistics.column.{column.name}") for column in figures.columns]

    def csv(self, figures: Figures) -> bytes:
        """The table as CSV: money in tenge, shares of one; published figures in rows that say so."""
        kinds = [column.kind for column in figures.columns]
        rows = [[self._plain(kind, cell) for kind, cell in zip(kinds, row, strict=True)] for row in figures.rows]
        said = self._texts(self._language, "statistics.as_published")
        rest: list[csv_safe.Cell] = [None] * (len(kinds) - 2)
        rows += [[f"{period} ({said})", count, *rest] for period, count in figures.published]
        return csv_safe.table(self.head(figures), rows)

    def _plain(self, kind: Kind, cell: Cell) -> csv_safe.Cell:
        if cell is None or kind == "count":
            return cell
        if kind == "money":
            return f"{int(cell) / 100:.2f}"
        if kind in ("share", "difference"):
            return f"{float(cell):.4f}"
        return self.say(kind, cell)
