"""The evidence document as a PDF in three languages, which names the digest and signature of its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from streams.evidence.texts import ACTIONS, HEADINGS, IN_FORCE, LANGUAGES, STAGES

FONTS: Final = Path(__file__).parent / "fonts"
BODY: Final = ParagraphStyle("body", fontName="Roboto", fontSize=9, leading=12, spaceAfter=3)
SMALL: Final = ParagraphStyle("small", parent=BODY, fontSize=6.5, leading=8.5, wordWrap="CJK")
HEAD: Final = ParagraphStyle("head", parent=BODY, fontName="Roboto-Bold", fontSize=11, leading=14, spaceBefore=8)
TITLE: Final = ParagraphStyle("title", parent=HEAD, fontSize=14, leading=18)


def pdf(signed: dict[str, Any]) -> bytes:
    """The PDF of a signed document; the same document gives the same bytes."""
    for name, file in (("Roboto", "Roboto-Regular-subset.ttf"), ("Roboto-Bold", "Roboto-Bold-subset.ttf")):
        pdfmetrics.registerFont(TTFont(name, FONTS / file))
    document, out = signed["document"], BytesIO()
    told: list[Any] = []
    for language in LANGUAGES:
        told += [*_pages(document, language), *_signature(signed, language), PageBreak()]
    template = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=45, rightMargin=45, topMargin=45, bottomMargin=45, invariant=1,
        title=document["title"]["en"], author="Anti-Fraud Center", subject=signed["digest"],
    )  # fmt: skip
    template.build(told[:-1])
    return out.getvalue()


def _pages(document: dict[str, Any], language: str) -> list[Any]:
    loan, alert = document["loan"], document["alert"]
    rulebook = document["rulebook"]
    facts = (
        ("alert", f"{alert['alert_id']} ({alert['typology']['id']} {alert['typology']['name'][language]})"),
        ("lender", loan["lender"]),
        ("borrower", document["borrower"]),
        ("loan", loan["loan_id"]),
        ("amount", f"{loan['amount']} {loan['currency']}"),
        ("rulebook", f"{rulebook['version']}, {rulebook['digest']}"),
        ("prepared", document["prepared_at"]),
    )
    steps = [
        (
            STAGES[step["stage"]][language], step["occurred_at"], step["recorded_at"],
            IN_FORCE[step["refusal_in_force"]][language], _place(step["place"]),
        )
        for step in loan["steps"]
    ]  # fmt: skip
    entries = [
        (
            ACTIONS[each["action"]][language], each["valid_from"], each["recorded_at"], str(each["sequence"]),
            _place(each["place"]),
        )
        for each in document["refusals"]
    ]  # fmt: skip
    return [
        Paragraph(escape(document["title"][language]), TITLE),
        _table([(HEADINGS[name][language], value) for name, value in facts], (130, 370)),
        _head("finding", language),
        Paragraph(escape(document["finding"]["text"][language]), BODY),
        _head("steps", language),
        _table(
            [_names(("stage", "occurred", "recorded", "refusal", "place"), language), *steps], (70, 105, 105, 80, 140)
        ),
        _head("refusals", language),
        _table(
            [_names(("action", "valid_from", "recorded", "sequence", "place"), language), *entries],
            (80, 105, 105, 50, 160),
        )
        if entries
        else Paragraph(HEADINGS["none"][language], BODY),
        _head("law", language),
        *(
            Paragraph(
                escape(
                    f"{each['text'][language]} ({each['valid_from']}; {HEADINGS['confidence'][language]} "
                    f"{each['confidence']}; {each['source']})"
                ),
                BODY,
            )
            for each in document["law"]
        ),
        _head("not_claimed", language),
        *(Paragraph(f"— {escape(each[language])}", BODY) for each in document["does_not_claim"]),
    ]


def _signature(signed: dict[str, Any], language: str) -> list[Any]:
    signature = signed["signature"]
    lines = (
        signed["digest"],
        f"{signature['algorithm']}, {signature['key_id']}: {signature['public_key']}",
        signature["value"],
    )
    return [_head("signature", language), *(Paragraph(line, SMALL) for line in lines), Spacer(1, 4)]


def _head(name: str, language: str) -> Any:
    return Paragraph(HEADINGS[name][language], HEAD)


def _names(names: Sequence[str], language: str) -> tuple[str, ...]:
    return tuple(HEADINGS[name][language] for name in names)


def _table(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Any:
    cells = [[Paragraph(escape(value), SMALL) for value in row] for row in rows]
    style = TableStyle([("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Table(cells, colWidths=list(widths), style=style)


def _place(place: dict[str, Any]) -> str:
    return "/".join(str(value) for value in place.values())
