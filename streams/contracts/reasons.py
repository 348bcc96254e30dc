"""Why a record was refused: the closed list of reason codes that publishers can program against."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """A reason code; its meaning in words is in `MEANING` and in docs/contracts.md."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    DUPLICATE_FIELD = "duplicate_field"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_VALUE = "invalid_value"
    BAD_CHECK_DIGIT = "bad_check_digit"
    BAD_AMOUNT = "bad_amount"
    BAD_TIME = "bad_time"
    FUTURE = "future"
    WRONG_INSTITUTION = "wrong_institution"
    WRONG_PUBLISHER = "wrong_publisher"
    WRONG_TOPIC = "wrong_topic"
    BAD_HEADER = "bad_header"
    CONTRADICTION = "contradiction"
    INTERNAL = "internal"


MEANING: Final[dict[Reason, str]] = {
    Reason.TOO_LARGE: "The value is larger than 64 KiB, or 256 KiB on a topic of bulk records; it was not read.",
    Reason.NOT_UTF8: "The value is not UTF-8.",
    Reason.NOT_JSON: "Not one JSON document (RFC 8259): also NaN, Infinity, half a surrogate pair, an empty value.",
    Reason.TOO_DEEP: "The document is nested too deeply.",
    Reason.DUPLICATE_FIELD: "An object has the same field twice, so that two readers could understand it differently.",
    Reason.UNKNOWN_TYPE: "`type` is none of those that the contracts define.",
    Reason.UNKNOWN_FIELD: "A field that the contract does not have.",
    Reason.MISSING_FIELD: "A required field, or a party or subject that must be named, is not there.",
    Reason.WRONG_TYPE: "A field has another JSON type than the contract gives it.",
    Reason.INVALID_VALUE: "A field does not have the form that the contract gives it.",
    Reason.BAD_CHECK_DIGIT: "An IIN or BIN with a wrong check digit.",
    Reason.BAD_AMOUNT: "An amount that is not a positive decimal string with at most the decimals of its currency.",
    Reason.BAD_TIME: "An instant that does not exist, or has no offset.",
    Reason.FUTURE: "`occurred_at` is more than one hour after the broker's append time.",
    Reason.WRONG_INSTITUTION: "`institution` is not the owner of the topic the record came in.",
    Reason.WRONG_PUBLISHER: "`operator` or `publisher` is not one of those that may publish on the topic.",
    Reason.WRONG_TOPIC: "A record of this type does not belong on the topic it came in.",
    Reason.BAD_HEADER: "A header of ours that does not have its documented form.",
    Reason.CONTRADICTION: "The same event_id of the same institution was judged before with other content.",
    Reason.INTERNAL: "The center failed on this record; the record is kept in place and the failure counted.",
}


class FieldError(ValueError):
    """One field does not keep the contract; `message` never holds the offending value."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
