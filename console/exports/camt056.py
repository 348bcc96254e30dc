"""A request to recall a payment as ISO 20022 camt.056.001.11, for the payer's bank to send to the payee's.

The elements used are those of the message; the schema here (schemas/antifraud-camt056-subset.xsd) is ours and
describes this subset of them, since ISO's own is not ours to give out.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from console.exports.markup import Writer, document
from console.exports.material import Operation, Refused, decimal, local
from console.texts import Language, Texts

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.056.001.11"
SCHEMA: Final = "antifraud-camt056-subset.xsd"
FRAUD: Final = "FRAD"  # ISO's external code list of cancellation reasons: the payment is of fraudulent origin
NOT_PROVIDED: Final = "NOTPROVIDED"  # what ISO's usage gives for a reference that is not known
_REFERENCE: Final = 35  # Max35Text
_NOTE: Final = 105  # Max105Text
_CASE: Final = "AFC"
# In Latin letters: many networks between banks carry no others.
_DRAFT: Final = "Draft by the Anti-Fraud Center of Kazakhstan; the sending bank completes the references."
_xml: Final = Writer(NAMESPACE)


def request(
    operation: Operation, recall_id: int, case_id: int, amount: int, at: int, texts: Texts, language: Language
) -> bytes:
    """The message that asks for `amount` tiyn of an operation back; `at` is when the recall was ordered.

    Who paid and who was paid is not said: the bank finds the payment by its reference, the center tells it no name.

    Raises:
        Refused: the operation has no payer's or no payee's institution, or both are one, where nothing is recalled.
        NotValid: the result is not what our schema describes.
    """
    payer, payee = operation.payer.institution, operation.payee.institution
    if payer is None or payee is None:
        raise Refused("no_institution")
    if payer == payee:
        raise Refused("same_institution")
    face = texts(language, "exports.camt056.does_not_claim")
    root = _xml.element(
        "Document",
        _xml.element(
            "FIToFIPmtCxlReq",
            _xml.element(
                "Assgnmt",
                _xml.text("Id", f"{_CASE}-{case_id}-{recall_id}"),
                _agent("Assgnr", payer),
                _agent("Assgne", payee),
                _xml.text("CreDtTm", local(at).isoformat(timespec="seconds")),
            ),
            _xml.element("Case", _xml.text("Id", f"{_CASE}-{case_id}"), _agent("Cretr", payer)),
            _xml.element("CtrlData", _xml.text("NbOfTxs", 1), _xml.text("CtrlSum", decimal(operation.amount))),
            _xml.element("Undrlyg", _transaction(operation, recall_id, amount)),
        ),
    )
    return document(root, SCHEMA, face)


def _transaction(operation: Operation, recall_id: int, amount: int) -> etree._Element:
    # Only its own bank's reference is one that the payer's bank would have given the payment.
    own = operation.institution == operation.payer.institution and len(operation.event_id) <= _REFERENCE
    part = amount < operation.amount
    return _xml.element(
        "TxInf",
        _xml.text("CxlId", f"{_CASE}-RECALL-{recall_id}"),
        _xml.text("OrgnlEndToEndId", NOT_PROVIDED),
        _xml.text("OrgnlTxId", operation.event_id) if own else None,
        _xml.text("OrgnlIntrBkSttlmAmt", decimal(operation.amount), attributes={"Ccy": "KZT"}),
        _xml.text("OrgnlIntrBkSttlmDt", local(operation.occurred_at).date().isoformat()),
        _xml.element(
            "CxlRsnInf",
            _xml.element("Rsn", _xml.text("Cd", FRAUD)),
            _xml.text("AddtlInf", f"event_id {operation.event_id}", _NOTE),
            _xml.text("AddtlInf", f"asked back: KZT {decimal(amount)}", _NOTE) if part else None,
            _xml.text("AddtlInf", _DRAFT, _NOTE),
        ),
    )


def _agent(tag: str, bic: str) -> etree._Element:
    return _xml.element(tag, _xml.element("Agt", _xml.element("FinInstnId", _xml.text("BICFI", bic))))
