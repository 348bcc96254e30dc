"""Reports and recall requests: what they say, whom they do not name, and that hostile text changes nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from console.exports import camt056, fm1, goaml
from console.exports.markup import NotValid, Writer, document
from console.exports.material import Refused, Side
from console.exports.profile import PROFILES, ProfileRefused, load
from console.texts import LANGUAGES
from console.texts import load as load_texts
from tests.console.exports.cases import ACCOUNT, AT, HOSTILE, PAYER, case, operation

TEXTS = load_texts()
KAZAKHSTAN = load(PROFILES / "kz.toml")
ISO = {"i": camt056.NAMESPACE}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_export_says_on_its_face_what_it_does_not_claim(language: str) -> None:
    forms = fm1.forms(case(), TEXTS, language)
    made = {
        "goaml": goaml.report(case(), KAZAKHSTAN, TEXTS, language),
        "fm1": fm1.xml(forms, TEXTS, language),
        "camt056": camt056.request(operation(), 1, 7, 100, AT, TEXTS, language),
    }
    for kind, content in made.items():
        first = etree.fromstring(content).getprevious()
        assert first is not None
        assert first.text.strip() == TEXTS(language, f"exports.{kind}.does_not_claim")


def test_a_report_names_tokens_unless_a_name_was_opened() -> None:
    tokens = goaml.report(case(), KAZAKHSTAN, TEXTS, "ru").decode()
    assert PAYER.token in tokens
    named = replace(PAYER, number="791028302728", name="Иванов Пётр")
    opened = case(operations=(operation(payer=Side(named, ACCOUNT, "CASPKZKA", 75)),))
    report = etree.fromstring(goaml.report(opened, KAZAKHSTAN, TEXTS, "ru"))
    assert report.findtext("transaction/t_from_my_client//last_name") == "Иванов"
    assert report.findtext("transaction/t_from_my_client//ssn") == "791028302728"
    assert report.findtext("transaction/t_to//last_name", "").startswith("k1:")


def test_the_publisher_is_the_one_whose_client_it_is() -> None:
    payees = operation(institution="IRTYKZKA")
    report = etree.fromstring(goaml.report(case(operations=(payees,)), KAZAKHSTAN, TEXTS, "en"))
    assert report.find("transaction/t_from") is not None
    assert report.find("transaction/t_to_my_client") is not None


def test_hostile_text_stays_text_in_every_report() -> None:
    named = replace(PAYER, number="791028302728", name=HOSTILE)
    material = case(operations=(operation(payer=Side(named, ACCOUNT, "CASPKZKA", 75)),), title=HOSTILE)
    report = etree.fromstring(goaml.report(material, KAZAKHSTAN, TEXTS, "ru"))
    assert report.find(".//script") is None
    assert "<script>alert(1)</script>" in (report.findtext(".//t_from_my_client//first_name") or "")
    form = etree.fromstring(fm1.xml(fm1.forms(material, TEXTS, "ru"), TEXTS, "ru"))
    said = [field.text for field in form.iter(f"{{{fm1.NAMESPACE}}}Field") if field.get("no") == "4.14"][:1]
    assert said == [HOSTILE.replace("\x00", "\N{REPLACEMENT CHARACTER}")]


def test_the_fields_of_the_form_bear_the_numbers_of_fm1() -> None:
    forms = etree.fromstring(fm1.xml(fm1.forms(case(), TEXTS, "ru"), TEXTS, "ru"))
    sections = forms.find(f"{{{fm1.NAMESPACE}}}Form")
    assert sections is not None
    told = {str(one.get("name")): {str(field.get("no")): field.text for field in one} for one in sections}
    assert list(told) == ["form", "subject", "operation", "payer", "payee"]
    for name, fields in told.items():
        number = {"form": "1", "subject": "2", "operation": "3"}.get(name, "4")
        assert {no.partition(".")[0] for no in fields} == {number}
    assert told["operation"]["3.4"] == "2"
    assert told["operation"]["3.7"] == "150000.00"
    assert told["payer"]["4.13"] == PAYER.token
    assert told["payer"]["4.2"] == "2 — является клиентом"


def test_nothing_is_reported_without_a_second_person() -> None:
    with pytest.raises(Refused, match="not_filed"):
        goaml.report(case(filing=None), KAZAKHSTAN, TEXTS, "ru")
    with pytest.raises(Refused, match="not_filed"):
        fm1.forms(case(filing=None), TEXTS, "ru")
    with pytest.raises(Refused, match="no_operations"):
        goaml.report(case(operations=()), KAZAKHSTAN, TEXTS, "ru")


def test_a_schema_refuses_what_is_not_whole_and_names_no_value() -> None:
    with pytest.raises(NotValid) as refused:
        document(Writer().element("report", Writer().text("rentity_id", "secret")), goaml.SCHEMA, "face")
    assert "secret" not in str(refused.value)


def test_a_recall_has_what_the_payees_bank_needs_and_no_party() -> None:
    request = etree.fromstring(camt056.request(operation(), 12, 7, 15_000_000, AT, TEXTS, "ru"))
    [told] = request.iterfind(".//i:TxInf", ISO)
    assert told.findtext(".//i:Cd", namespaces=ISO) == "FRAD"
    assert told.findtext("i:OrgnlEndToEndId", namespaces=ISO) == "NOTPROVIDED"
    amount = told.find("i:OrgnlIntrBkSttlmAmt", ISO)
    assert amount is not None
    assert (amount.text, amount.get("Ccy")) == ("150000.00", "KZT")
    assert request.findtext(".//i:Assgne//i:BICFI", namespaces=ISO) == "IRTYKZKA"
    assert "k1:" not in etree.tostring(request, encoding="unicode")


@pytest.mark.parametrize(("payee", "reason"), [(None, "no_institution"), ("CASPKZKA", "same_institution")])
def test_a_recall_needs_two_banks(payee: str | None, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        camt056.request(operation(payee=Side(PAYER, None, payee, 0)), 1, 7, 100, AT, TEXTS, "ru")


def test_a_profile_is_laid_over_its_base_and_says_what_is_wrong(tmp_path: Path) -> None:
    assert KAZAKHSTAN.entity.person_last_name == load(PROFILES / "_base.toml").entity.person_last_name
    assert (KAZAKHSTAN.indicator("T03"), KAZAKHSTAN.funds("unheard_of")) == ("T03", "OTH")
    (tmp_path / "a.toml").write_text('base = "b"', "utf-8")
    (tmp_path / "b.toml").write_text('base = "a"', "utf-8")
    (tmp_path / "c.toml").write_text('name = "c"\nunknown = 1', "utf-8")
    (tmp_path / "own.toml").write_text('base = "kz"\n[codes.indicators]\nT03 = "MULE"', "utf-8")
    assert load(tmp_path / "own.toml").indicator("T03") == "MULE"
    for name, says in (("a", "stand on each other"), ("c", "c.toml: source"), ("d", "no profile")):
        with pytest.raises(ProfileRefused, match=says):
            load(tmp_path / f"{name}.toml")
