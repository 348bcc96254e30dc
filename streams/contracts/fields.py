"""The form of each field: patterns and check functions that pydantic models and the hot path's decoder share."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from streams.contracts.reasons import FieldError, Reason

MAX_BYTES: Final = 64 * 1024
BULK_BYTES: Final = 256 * 1024  # of a record with entries
BULK_ENTRIES: Final = 1_000
FUTURE_MS: Final = 3_600_000

INSTITUTION: Final = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$"
# Shorter than any BIC, so that an event's (publisher, event_id) never names two events.
OPERATOR: Final = r"^[A-Z][A-Z0-9]{1,6}$"
STATE_BODY: Final = r"^[A-Z][A-Z0-9]{2,10}$"
PUBLISHER: Final = r"^[A-Z0-9]{2,11}$"
IIN: Final = r"^[0-9]{4}[0-3][0-9]{7}$"
PARTY_ID: Final = r"^([0-9]{4}[0-6][0-9]{7}|(?!KZ)[A-Z]{2}:[0-9A-Za-z][0-9A-Za-z._/-]{0,61})$"
ACCOUNT: Final = r"^[0-9A-Za-z+][0-9A-Za-z+._:/-]{0,63}$"
PHONE: Final = r"^\+[1-9][0-9]{6,14}$"
REGION: Final = r"^(KZ-(?!00)[0-9]{2}|(?!KZ)[A-Z]{2}-[A-Z0-9]{1,3})$"
CURRENCY: Final = r"^[A-Z]{3}$"
AMOUNT: Final = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,3})?$"
PURPOSE_CODE: Final = r"^[0-9]{3}$"
MERCHANT_CATEGORY: Final = r"^[0-9]{4}$"
INSTANT: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TYPOLOGY: Final = r"^T[0-9]{2,3}$"
ALERT_ID: Final = r"^[0-9a-f]{32}$"
TOKEN: Final = r"^[a-z0-9]{1,8}:[0-9a-f]{32}$"  # noqa: S105 - a pattern
TOKEN_PREFIX: Final = r"^[a-z0-9]{1,8}:[0-9a-f]{16}$"  # noqa: S105 - a pattern

EVENT_ID_BYTES: Final = 64
SHORT_TEXT: Final = 128  # device and card references, end-to-end ids
NAME_LENGTH: Final = 256
PURPOSE_LENGTH: Final = 2_048
RESOURCE_LENGTH: Final = 2_048
LARGEST_INTEGER: Final = 2**53 - 1  # what every reader of JSON keeps exactly

# A JSON document may hold any control character; a bank's text needs only tab and line ends.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_OFFSET: Final = timedelta(hours=5)  # a date alone is the start of that day in Kazakhstan
_WEIGHTS_FIRST: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_WEIGHTS_SECOND: Final = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# ISO 4217, the active codes with a minor unit; other than two decimals are named below.
CURRENCIES: Final = _codes(
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD "
    "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB "
    "RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
_DECIMALS: Final = dict.fromkeys(_codes("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"), 0) | (
    dict.fromkeys(_codes("BHD IQD JOD KWD LYD OMR TND"), 3)
)

_institution = re.compile(INSTITUTION).fullmatch
_operator = re.compile(OPERATOR).fullmatch
_state_body = re.compile(STATE_BODY).fullmatch
_iin = re.compile(IIN).fullmatch
_typology = re.compile(TYPOLOGY).fullmatch
_alert_id = re.compile(ALERT_ID).fullmatch
_party_id = re.compile(PARTY_ID).fullmatch
_account = re.compile(ACCOUNT).fullmatch
_phone = re.compile(PHONE).fullmatch
_region = re.compile(REGION).fullmatch
_amount = re.compile(AMOUNT).fullmatch
_purpose_code = re.compile(PURPOSE_CODE).fullmatch
_merchant_category = re.compile(MERCHANT_CATEGORY).fullmatch
_instant = re.compile(INSTANT).fullmatch
_date = re.compile(DATE).fullmatch


def check_digit_is_valid(number: str) -> bool:
    """An IIN or BIN ends in the weighted sum of its first eleven digits modulo 11.

    >>> check_digit_is_valid("791028302728"), check_digit_is_valid("111111111111")
    (True, False)
    """
    digits = [ord(character) - 48 for character in number]
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS_FIRST, digits, strict=False)) % 11
    if total == 10:
        # A second remainder of 10 equals no digit: such a number is never issued.
        total = sum(weight * digit for weight, digit in zip(_WEIGHTS_SECOND, digits, strict=False)) % 11
    return total == digits[11] and number != "000000000000"


def check_party_id(value: str) -> str:
    """An IIN or BIN with a valid check digit, or a foreign identifier `XX:…`."""
    if not _party_id(value):
        raise FieldError(
            Reason.INVALID_VALUE, "must be an IIN, a BIN, or a foreign identifier XX:… (two-letter country)"
        )
    if value[2] != ":" and not check_digit_is_valid(value):
        raise FieldError(Reason.BAD_CHECK_DIGIT, "the check digit of this IIN or BIN is wrong")
    return value


def check_iin(value: str) -> str:
    """An IIN with a valid check digit: a person of Kazakhstan's own register, no company and no foreign identifier."""
    if not _iin(value):
        raise FieldError(Reason.INVALID_VALUE, "must be an IIN of 12 digits")
    if not check_digit_is_valid(value):
        raise FieldError(Reason.BAD_CHECK_DIGIT, "the check digit of this IIN is wrong")
    return value


def check_operator(value: str) -> str:
    """A telecom operator's name: 2 to 7 capital letters and digits."""
    if not _operator(value):
        raise FieldError(Reason.INVALID_VALUE, "must be an operator's name of 2 to 7 capital letters and digits")
    return value


def check_state_body(value: str) -> str:
    """The name of a state body that keeps a registry: 3 to 11 capital letters and digits."""
    if not _state_body(value):
        raise FieldError(Reason.INVALID_VALUE, "must be a publisher's name of 3 to 11 capital letters and digits")
    return value


def check_typology(value: str) -> str:
    """A typology of the rulebook, such as T03."""
    if not _typology(value):
        raise FieldError(Reason.INVALID_VALUE, "must be T and two or three digits")
    return value


def check_alert_id(value: str) -> str:
    """The `alert_id` of a suspicious operation."""
    if not _alert_id(value):
        raise FieldError(Reason.INVALID_VALUE, "must be 32 hexadecimal digits")
    return value


def check_resource(value: str) -> str:
    """The address of a site or an account in a social network: 1 to 2,048 printable characters."""
    if not value or len(value) > RESOURCE_LENGTH or not value.isprintable():
        raise FieldError(Reason.INVALID_VALUE, "must be 1 to 2048 printable characters")
    return value


def check_count(value: int) -> int:
    """A number that counts something: from 0 to 2^53 - 1."""
    if not 0 <= value <= LARGEST_INTEGER:
        raise FieldError(Reason.INVALID_VALUE, "must be from 0 to 9007199254740991")
    return value


def check_institution(value: str) -> str:
    """A BIC of 8 or 11 characters."""
    if not _institution(value):
        raise FieldError(Reason.INVALID_VALUE, "must be a BIC of 8 or 11 characters")
    return value


def check_account(value: str) -> str:
    """An IBAN or any other account, card reference or wallet: up to 64 letters, digits and `+._:/-`.

    An IBAN's own check digits are not insisted on: what an institution calls its account is its own affair.
    """
    if not _account(value):
        raise FieldError(Reason.INVALID_VALUE, "must be 1 to 64 letters, digits or + . _ : / -")
    return value


def check_phone(value: str) -> str:
    """International form, `+` and 7 to 15 digits."""
    if not _phone(value):
        raise FieldError(Reason.INVALID_VALUE, "must be + and 7 to 15 digits")
    return value


def check_region(value: str) -> str:
    """ISO 3166-2: `KZ-75`, or a region of another country."""
    if not _region(value):
        raise FieldError(Reason.INVALID_VALUE, "must be an ISO 3166-2 region such as KZ-75")
    return value


def check_currency(value: str) -> str:
    """An active ISO 4217 code."""
    if value not in CURRENCIES:
        raise FieldError(Reason.INVALID_VALUE, "must be a currency of ISO 4217")
    return value


def check_purpose_code(value: str) -> str:
    """KNP, three digits."""
    if not _purpose_code(value):
        raise FieldError(Reason.INVALID_VALUE, "must be the three digits of a KNP")
    return value


def check_merchant_category(value: str) -> str:
    """ISO 18245, four digits."""
    if not _merchant_category(value):
        raise FieldError(Reason.INVALID_VALUE, "must be four digits")
    return value


def check_event_id(value: str) -> str:
    """1 to 64 bytes of printable UTF-8: it names the event in alerts, decisions and file names."""
    if not value or not value.isprintable() or (len(value) > 16 and len(value.encode()) > EVENT_ID_BYTES):
        raise FieldError(Reason.INVALID_VALUE, "must be 1 to 64 bytes of printable characters")
    return value


def check_short_text(value: str) -> str:
    """A reference of 1 to 128 printable characters."""
    if not value or len(value) > SHORT_TEXT or not value.isprintable():
        raise FieldError(Reason.INVALID_VALUE, "must be 1 to 128 printable characters")
    return value


def check_name(value: str) -> str:
    """A name of 1 to 256 characters."""
    if not value or len(value) > NAME_LENGTH or _CONTROL.search(value):
        raise FieldError(Reason.INVALID_VALUE, "must be 1 to 256 characters without control characters")
    return value


def check_purpose(value: str) -> str:
    """Free text of at most 2,048 characters."""
    if len(value) > PURPOSE_LENGTH or _CONTROL.search(value):
        raise FieldError(Reason.INVALID_VALUE, "must be at most 2048 characters without control characters")
    return value


def check_ip(value: str) -> str:
    """An IPv4 or IPv6 address."""
    try:
        ip_address(value)
    except ValueError:
        raise FieldError(Reason.INVALID_VALUE, "must be an IPv4 or IPv6 address") from None
    return value


def decimals_of(currency: str) -> int:
    """How many decimals the minor unit of a currency has."""
    return _DECIMALS.get(currency, 2)


def minor_units(amount: str, currency: str) -> int:
    """A decimal string as an integer of the currency's minor unit.

    >>> minor_units("150000.5", "KZT")
    15000050
    """
    if not _amount(amount):
        raise FieldError(Reason.BAD_AMOUNT, "must be a decimal string such as 150000.00, below 10^15")
    decimals = _DECIMALS.get(currency, 2)
    whole, _, fraction = amount.partition(".")
    if len(fraction) > decimals:
        raise FieldError(Reason.BAD_AMOUNT, f"must have at most {decimals} decimals in this currency")
    units = int(whole + fraction.ljust(decimals, "0"))
    if units == 0:
        raise FieldError(Reason.BAD_AMOUNT, "must be greater than zero")
    return units


def instant(value: str) -> datetime:
    """An RFC 3339 instant with an offset, from 1970 on."""
    if not _instant(value):
        raise FieldError(Reason.BAD_TIME, "must be an instant with an offset, such as 2026-11-23T10:00:00.123+05:00")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:  # the 30th of February
        raise FieldError(Reason.BAD_TIME, "must be an instant that exists") from None
    if moment < _EPOCH:
        raise FieldError(Reason.BAD_TIME, "must not be before 1970")
    return moment


def instant_or_date(value: str) -> datetime:
    """An instant; or a date alone, which is the start of that day in Kazakhstan."""
    if not _date(value):
        return instant(value)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise FieldError(Reason.BAD_TIME, "must be a date that exists") from None
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if moment - _EPOCH < _DATE_OFFSET:
        raise FieldError(Reason.BAD_TIME, "must not be before 1970")
    return moment - _DATE_OFFSET


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970 UTC, cut and not rounded.

    >>> milliseconds(instant("1970-01-01T05:00:00.123999+05:00"))
    123
    """
    elapsed = moment - _EPOCH
    return elapsed.days * 86_400_000 + elapsed.seconds * 1_000 + elapsed.microseconds // 1_000


def from_milliseconds(value: int) -> datetime:
    """The instant, in UTC, that is `value` milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=value)


def write_instant(moment: datetime) -> str:
    """As it goes out: milliseconds and an offset, UTC as `Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_instant(value: Any) -> Any:
    return instant(value) if isinstance(value, str) else _with_offset(value)


def _read_instant_or_date(value: Any) -> Any:
    return instant_or_date(value) if isinstance(value, str) else _with_offset(value)


def _with_offset(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise FieldError(Reason.BAD_TIME, "must have an offset")
    return value


def _schema(pattern: str, description: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "description": description, **more})


_WRITE_INSTANT: Final = PlainSerializer(write_instant, return_type=str, when_used="json-unless-none")

Institution = Annotated[str, AfterValidator(check_institution), _schema(INSTITUTION, "BIC")]
Operator = Annotated[str, AfterValidator(check_operator), _schema(OPERATOR, "Name of a telecom operator")]
StateBody = Annotated[
    str, AfterValidator(check_state_body), _schema(STATE_BODY, "Name of a body that keeps a registry")
]
# What the center itself writes about an event that any publisher may have sent.
Publisher = Annotated[
    str, Field(pattern=PUBLISHER, description="BIC of an institution, or name of a telecom operator or state body")
]
Iin = Annotated[str, AfterValidator(check_iin), _schema(IIN, "IIN with a valid check digit")]
Typology = Annotated[str, AfterValidator(check_typology), _schema(TYPOLOGY, "Identifier of a typology")]
AlertReference = Annotated[str, AfterValidator(check_alert_id), _schema(ALERT_ID, "alert_id of a suspicious operation")]
Count = Annotated[
    int,
    AfterValidator(check_count),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER}),
]
PartyId = Annotated[
    str,
    AfterValidator(check_party_id),
    _schema(PARTY_ID, "IIN or BIN with a valid check digit, or XX:… for a foreigner"),
]
Account = Annotated[str, AfterValidator(check_account), _schema(ACCOUNT, "IBAN, or another account, card or wallet")]
Phone = Annotated[str, AfterValidator(check_phone), _schema(PHONE, "E.164")]
Region = Annotated[str, AfterValidator(check_region), _schema(REGION, "ISO 3166-2")]
Currency = Annotated[str, AfterValidator(check_currency), _schema(CURRENCY, "ISO 4217")]
Amount = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "pattern": AMOUNT, "description": "Decimal, > 0, at most the currency's decimals"}
    ),
]
PurposeCode = Annotated[str, AfterValidator(check_purpose_code), _schema(PURPOSE_CODE, "KNP")]
MerchantCategory = Annotated[str, AfterValidator(check_merchant_category), _schema(MERCHANT_CATEGORY, "ISO 18245")]
EventId = Annotated[
    str,
    AfterValidator(check_event_id),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64, "description": "At most 64 bytes, printable"}),
]
ShortText = Annotated[
    str, AfterValidator(check_short_text), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": SHORT_TEXT})
]
Name = Annotated[
    str, AfterValidator(check_name), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": NAME_LENGTH})
]
Purpose = Annotated[str, AfterValidator(check_purpose), WithJsonSchema({"type": "string", "maxLength": PURPOSE_LENGTH})]
Resource = Annotated[
    str,
    AfterValidator(check_resource),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": RESOURCE_LENGTH}),
]
IpAddress = Annotated[
    str,
    AfterValidator(check_ip),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
]
Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    _WRITE_INSTANT,
    _schema(INSTANT, "RFC 3339 with an offset", format="date-time"),
]
InstantOrDate = Annotated[
    datetime,
    BeforeValidator(_read_instant_or_date),
    _WRITE_INSTANT,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": INSTANT, "format": "date-time"},
                {"type": "string", "pattern": DATE, "format": "date"},
            ],
            "description": "RFC 3339 with an offset, or a date: the start of that day in UTC+05:00",
        }
    ),
]


class Contract(BaseModel):
    """What all contracts share: closed, unchangeable, no coercion, and no values in error messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)
