"""The case file: signed so that a change shows, the same bytes for the same case, printable whatever it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.exports import casefile, casefile_pdf, fm1
from console.exports.material import CaseAlert, Side
from console.texts import LANGUAGES
from console.texts import load as load_texts
from streams.evidence.signing import NotSigned, SigningKey, sign, verify
from tests.console.exports.cases import ACCOUNT, HOSTILE, PAYER, alert, case, operation

TEXTS = load_texts()
KEY = SigningKey.load({"ANTIFRAUD_DEMO": "1"})


def test_a_change_of_the_document_shows() -> None:
    signed = sign(casefile.document(case(), TEXTS), KEY)
    assert verify(signed, KEY.public)["summary"]["amount"] == "300000.00"
    signed["document"]["summary"]["amount"] = "3.00"
    with pytest.raises(NotSigned):
        verify(signed, KEY.public)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_paper_is_the_same_for_the_same_document(language: str) -> None:
    signed = sign(casefile.document(case(), TEXTS), KEY)
    first = casefile_pdf.pages(signed, TEXTS, language)
    assert first.startswith(b"%PDF-")
    assert signed["digest"].encode() in first
    assert first == casefile_pdf.pages(signed, TEXTS, language)


def test_hostile_and_endless_text_can_be_printed() -> None:
    long = {"kk": "ә" * 10_000, "ru": HOSTILE * 200, "en": "<para>" * 2_000}
    named = replace(PAYER, number="791028302728", name=HOSTILE * 40)
    material = case(
        title="</para>" * 36,
        alerts=(CaseAlert(alert(explanation=long), "new", None),),
        operations=(operation(payer=Side(named, ACCOUNT, "CASPKZKA", 75)),),
    )
    signed = sign(casefile.document(material, TEXTS), KEY)
    for language in LANGUAGES:
        assert casefile_pdf.pages(signed, TEXTS, language).startswith(b"%PDF-")
        assert fm1.paper(fm1.forms(material, TEXTS, language), TEXTS, language).startswith(b"%PDF-")
