"""What the printed exports have in common: page, fonts, headings, tables, and text that the fonts can show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

from streams.evidence import pdf as evidence

CONTENT_TYPE: Final = "application/pdf"
_MARGIN: Final = 45
_PADDING: Final = 6  # that reportlab's frame keeps inside the margins
_WIDTH: Final = A4[0] - 2 * (_MARGIN + _PADDING)
_NAMES: Final = 150  # width of the names of facts
_LINE: Final = colors.HexColor("#b8bec8")
_SHADE: Final = colors.HexColor("#eef1f5")
_GREY: Final = colors.HexColor("#4a5260")
BODY: Final = evidence.BODY
HEAD: Final = ParagraphStyle("section", parent=evidence.HEAD, keepWithNext=1, spaceAfter=3)
TITLE: Final = ParagraphStyle("part", parent=evidence.TITLE, keepWithNext=1, spaceBefore=12, spaceAfter=4)
NOTE: Final = ParagraphStyle("note", parent=BODY, textColor=_GREY, fontSize=8, leading=11)
COVER: Final = ParagraphStyle("cover", parent=evidence.TITLE, fontSize=22, leading=28, spaceBefore=120, spaceAfter=14)
_CELL: Final = ParagraphStyle("cell", parent=BODY, fontSize=7.5, leading=9.5, spaceAfter=0)
_COLUMN: Final = ParagraphStyle("column", parent=_CELL, fontName="Roboto-Bold")
_RIGHT: Final = ParagraphStyle("right", parent=_CELL, alignment=2)


def paragraph(text: str, style: ParagraphStyle = BODY) -> Any:
    """A text in a style; nothing in it is taken for markup, and what the fonts do not have is shown by its number."""
    return Paragraph(escape(_showable(text)).replace("\n", "<br/>"), style)


def facts(rows: Sequence[tuple[str, str]]) -> Any:
    """A table of names and values."""
    cells = [[paragraph(name, _COLUMN), paragraph(value, _CELL)] for name, value in rows]
    style = TableStyle([("BACKGROUND", (0, 0), (0, -1), _SHADE), *_GRID])
    return Table(cells, colWidths=[_NAMES, _WIDTH - _NAMES], style=style, spaceAfter=6, splitInRow=1)


def columns(
    head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], right: Sequence[int] = ()
) -> Any:
    """A table whose head is repeated on each page; `widths` are shares, `right` are the columns of numbers."""
    cells = [[paragraph(name, _COLUMN) for name in head]]
    cells += [
        [paragraph(value, _RIGHT if place in right else _CELL) for place, value in enumerate(row)] for row in rows
    ]
    style = TableStyle([("BACKGROUND", (0, 0), (-1, 0), _SHADE), *_GRID])
    shares = [_WIDTH * width / sum(widths) for width in widths]
    return Table(cells, colWidths=shares, style=style, repeatRows=1, spaceAfter=6, splitInRow=1)


def pdf(told: Sequence[Any], *, title: str, subject: str, foot: str) -> bytes:
    """The pages with title, page number and `foot` under each; the same content gives the same bytes."""
    fonts()
    out = BytesIO()
    template = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN + 12,
        invariant=1, title=_showable(title), author="Anti-Fraud Center", subject=subject,
    )  # fmt: skip

    def under(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Roboto", 7)
        canvas.setFillColor(_GREY)
        canvas.drawString(_MARGIN + _PADDING, 30, _showable(foot))
        canvas.drawRightString(A4[0] - _MARGIN - _PADDING, 30, str(document.page))
        canvas.restoreState()

    template.build(list(told), onFirstPage=under, onLaterPages=under)
    return out.getvalue()


@cache
def fonts() -> frozenset[int]:
    """Registers the fonts; the code points that both have."""
    faces = []
    for name, file in (("Roboto", "Roboto-Regular-subset.ttf"), ("Roboto-Bold", "Roboto-Bold-subset.ttf")):
        font = TTFont(name, evidence.FONTS / file)
        pdfmetrics.registerFont(font)
        faces.append(frozenset(font.face.charToGlyph))
    return faces[0] & faces[1]


def _showable(text: str) -> str:
    known = fonts()
    return "".join(one if one == "\n" or ord(one) in known else _instead(one) for one in text)


def _instead(one: str) -> str:
    return _SUBSTITUTES.get(one) or f"[U+{ord(one):04X}]"


_SUBSTITUTES: Final = {"₸": "тг", "\u00a0": " ", "\u202f": " ", "\u2011": "-", "−": "-", "→": "->", "\t": " "}
_GRID: Final = (
    ("GRID", (0, 0), (-1, -1), 0.4, _LINE),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
)
