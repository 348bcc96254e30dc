"""Numbers that name invented people, companies, accounts and phones, with the check digits that real ones carry."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_FIRST_WEIGHTS: Final = np.arange(1, 12)
_SECOND_WEIGHTS: Final = np.array([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2])
_PHONE_PREFIXES: Final = np.array([700, 701, 702, 705, 707, 747, 771, 775, 776, 777, 778])
# A number whose check comes out as 10 twice is never issued: such a serial is passed over.
_NEVER_ISSUED: Final = 10


def check_digit(eleven_digits: Integers) -> Integers:
    """The twelfth digit of an IIN or BIN, or 10 where the number is never issued.

    >>> int(check_digit(np.array([79102830272]))[0])
    8
    """
    digits = eleven_digits[:, None] // 10 ** np.arange(10, -1, -1) % 10
    check = digits @ _FIRST_WEIGHTS % 11
    return np.where(check == _NEVER_ISSUED, digits @ _SECOND_WEIGHTS % 11, check)


def _number(prefix: Integers, serial_digits: int, rng: np.random.Generator) -> Integers:
    """Distinct twelve-digit numbers that begin with `prefix` and go on with a random serial."""
    serials = 10**serial_digits
    numbers = np.zeros(len(prefix), dtype=np.int64)
    pending = np.arange(len(prefix))
    while len(pending):
        eleven = prefix[pending] * serials + rng.integers(0, serials, len(pending))
        check = check_digit(eleven)
        numbers[pending] = np.where(check == _NEVER_ISSUED, -1, eleven * 10 + check)
        # The first holder of a number keeps it; whoever drew it too, or drew an impossible one, draws again.
        _, first = np.unique(numbers, return_index=True)
        again = np.ones(len(numbers), dtype=bool)
        again[first] = False
        pending = np.flatnonzero(again | (numbers < 0))
    return numbers


def personal_numbers(born: NDArray[np.datetime64], female: NDArray[np.bool_], rng: np.random.Generator) -> list[str]:
    """IINs: date of birth, century and sex, serial, check."""
    months = born.astype("datetime64[M]").astype(np.int64)
    year, month = 1970 + months // 12, months % 12 + 1
    day = (born - born.astype("datetime64[M]")).astype(np.int64) + 1
    century_and_sex = np.where(year < 2000, 3, 5) + female
    prefix = ((year % 100 * 100 + month) * 100 + day) * 10 + century_and_sex
    return [f"{number:012d}" for number in _number(prefix, 4, rng).tolist()]


def company_numbers(registered: NDArray[np.datetime64], rng: np.random.Generator) -> list[str]:
    """BINs of resident head offices: month of registration, 4 for resident, 0 for head office, serial, check."""
    months = registered.astype("datetime64[M]").astype(np.int64)
    prefix = ((1970 + months // 12) % 100 * 100 + months % 12 + 1) * 100 + 40
    return [f"{number:012d}" for number in _number(prefix, 5, rng).tolist()]


def account_numbers(bank_codes: Integers, serials: Integers) -> list[str]:
    """IBANs `KZ` + check + bank code + `C` + 12 digits, of which the serial must be distinct.

    >>> account_numbers(np.array([722]), np.array([1]))
    ['KZ41722C000000000001']
    """
    # "C" counts as 12 and the country code, moved to the end with 00 for the check, as 203500.
    digits = (bank_codes * 100 + 12) * 10**12 + serials
    check = 98 - (digits % 97 * (10**6 % 97) + 203500) % 97
    rows = zip(check.tolist(), bank_codes.tolist(), serials.tolist(), strict=True)
    return [f"KZ{two:02d}{bank:03d}C{serial:012d}" for two, bank, serial in rows]


def phone_numbers(count: int, rng: np.random.Generator) -> list[str]:
    """Mobile numbers; two people may share one, as in life."""
    prefixes = _PHONE_PREFIXES[rng.integers(0, len(_PHONE_PREFIXES), count)]
    lines = rng.integers(2_000_000, 10_000_000, count)
    return [f"+7{number}" for number in (prefixes * 10**7 + lines).tolist()]


def scramble(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64: distinct inputs give distinct, evenly spread 64-bit outputs."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def hexadecimal(seed: int, kind: int, numbers: NDArray[np.uint64]) -> NDArray[np.bytes_]:
    """32 hexadecimal digits for each number, by seed and kind of thing."""
    pair = np.empty((len(numbers), 2), dtype=">u8")
    salt = scramble(np.array([seed % 2**64, kind], dtype=np.uint64))
    pair[:, 0] = scramble(numbers + salt[0])
    pair[:, 1] = scramble(pair[:, 0].astype(np.uint64) ^ salt[1])
    return np.frombuffer(pair.tobytes().hex().encode(), dtype="S32")
