"""A report of suspicious operations as goAML-shaped XML: the field names of goAML, the codes of a profile.

Shaped, no more: the XSD of goAML is given out by each FIU to its reporters, so that only that FIU can say whether a
report is right. Ours (schemas/antifraud-goaml-shaped.xsd) describes what this module writes.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from console.exports.markup import Writer, document
from console.exports.material import Filing, Material, Operation, Party, Refused, Side, decimal, local
from console.exports.profile import Profile
from console.texts import Language, Texts

SCHEMA: Final = "antifraud-goaml-shaped.xsd"
_LONG: Final = 4_000  # what goAML gives to comments and reasons
_UNNAMED: Final = "TOKEN"  # first name of somebody whose identity was not opened: the last name is the token
_COMPANIES: Final = ("company",)
_xml: Final = Writer()


def report(material: Material, profile: Profile, texts: Texts, language: Language) -> bytes:
    """The report of a case whose filing two persons have approved.

    Raises:
        Refused: no filing is approved, or none of the case's operations is known.
        NotValid: the result is not what our schema describes.
    """
    if material.filing is None:
        raise Refused("not_filed")
    if not material.operations:
        raise Refused("no_operations")
    codes, entity = profile.codes, profile.entity
    face = texts(language, "exports.goaml.does_not_claim")
    root = _xml.element(
        "report",
        _xml.text("rentity_id", entity.rentity_id),
        _xml.text("rentity_branch", entity.branch, 255),
        _xml.text("submission_code", codes.submission),
        _xml.text("report_code", codes.report),
        _xml.text("entity_reference", _reference(material.case_id, material.filing)),
        _xml.text("submission_date", _instant(material.prepared_at)),
        _xml.text("currency_code_local", codes.currency),
        _xml.element(
            "reporting_person",
            _xml.text("first_name", entity.person_first_name, 100),
            _xml.text("last_name", entity.person_last_name, 100),
            _xml.text("occupation", entity.occupation, 255),
        ),
        _xml.text("reason", _reason(material, material.filing, language), _LONG),
        _xml.text("action", face, _LONG),
        *(_transaction(operation, profile) for operation in material.operations),
        _xml.element(
            "report_indicators", *(_xml.text("indicator", profile.indicator(one)) for one in _typologies(material))
        ),
    )
    return document(root, SCHEMA, face)


def _reference(case_id: int, filing: Filing) -> str:
    return f"case {case_id}, filing {filing.proposal_id}, sha256 {filing.digest}"


def _typologies(material: Material) -> list[str]:
    return sorted({each.alert.typology.id for each in material.alerts})


def _reason(material: Material, filing: Filing, language: Language) -> str:
    told = (f"{each.alert.typology.id}: {getattr(each.alert.explanation, language)}" for each in material.alerts)
    return "\n".join(dict.fromkeys((filing.reason, *told)))


def _transaction(operation: Operation, profile: Profile) -> etree._Element:
    payers = operation.institution == operation.payer.institution
    payees = not payers and operation.institution == operation.payee.institution
    return _xml.element(
        "transaction",
        _xml.text("transactionnumber", operation.event),
        _xml.text("internal_ref_number", operation.event_id),
        _xml.text("date_transaction", _instant(operation.occurred_at)),
        _xml.text("transmode_code", profile.transmode(operation.channel)),
        _xml.text("amount_local", decimal(operation.amount)),
        _side("from", operation.payer, operation, profile, client=payers),
        _side("to", operation.payee, operation, profile, client=payees),
    )


def _side(way: str, side: Side, operation: Operation, profile: Profile, *, client: bool) -> etree._Element:
    return _xml.element(
        f"t_{way}_my_client" if client else f"t_{way}",
        _xml.text(f"{way}_funds_code", profile.funds(operation.kind)),
        _whose(way, side, profile),
        _xml.text(f"{way}_country", profile.codes.country) if 0 < side.region < 255 else None,
    )


def _whose(way: str, side: Side, profile: Profile) -> etree._Element:
    """The account with its owner where it is known, else the owner; goAML wants exactly one of the three."""
    if side.account is None:
        return _owner(f"{way}_entity", f"{way}_person", side.party)
    owner = None
    if side.party is not None:
        company = side.party.kind in _COMPANIES
        named = _owner("t_entity", "t_person", side.party)
        owner = named if company else _xml.element("signatory", named)
    return _xml.element(
        f"{way}_account",
        _xml.text("swift", side.institution),
        _xml.text("account", side.account.shown, 64),
        _xml.text("currency_code", profile.codes.currency),
        owner,
    )


def _owner(entity: str, person: str, party: Party | None) -> etree._Element:
    if party is None:
        return _xml.element(person, _xml.text("first_name", "UNKNOWN"), _xml.text("last_name", "UNKNOWN"))
    if party.kind in _COMPANIES:
        return _xml.element(
            entity,
            _xml.text("name", party.name or party.token, 255),
            _xml.text("incorporation_number", party.number, 64),
        )
    # Banks write the family name first.
    last, _, first = (party.name or "").partition(" ")
    return _xml.element(
        person,
        _xml.text("first_name", first or _UNNAMED, 100),
        _xml.text("last_name", last or party.token, 100),
        _xml.text("ssn", party.number, 64),
    )


def _instant(instant: int) -> str:
    return local(instant).replace(tzinfo=None).isoformat(timespec="seconds")
