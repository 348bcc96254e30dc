"""The text of a token and the signed 64-bit key that the store finds it by."""

from __future__ import annotations

import struct
from typing import Final

_UNSIGNED: Final = struct.Struct("<Q")
_SIGNED: Final = struct.Struct("<q")
_KEY_DIGITS: Final = 16


def key_of(token: str) -> int:
    """The key of a token, or of the first half of one as evidence names a counterparty.

    Raises:
        ValueError: the text is neither.

    >>> key_of("k1:00112233445566778899aabbccddeeff")
    8603657889541918976
    >>> key_of("k1:00112233445566f8"), key_of("k1:00112233445566f8") == signed(0xF866554433221100)
    (-547656553274928896, True)
    """
    _, separator, digits = token.partition(":")
    # `fromhex` passes over blanks: addresses hold whatever people type.
    if not separator or len(digits) not in (_KEY_DIGITS, 2 * _KEY_DIGITS) or not digits.isalnum():
        raise ValueError("not the text of a token")
    return int(_SIGNED.unpack(bytes.fromhex(digits[:_KEY_DIGITS]))[0])


def signed(key: int) -> int:
    """A key as databases hold it: 64 bits with a sign.

    >>> signed(1), signed(2**64 - 1)
    (1, -1)
    """
    return int(_SIGNED.unpack(_UNSIGNED.pack(key))[0])


def unsigned(key: int) -> int:
    """A key as histories hold it: `signed` undone.

    >>> unsigned(-1) == 2**64 - 1, unsigned(signed(2**63)) == 2**63
    (True, True)
    """
    return int(_UNSIGNED.unpack(_SIGNED.pack(key))[0])


def short_text(key: int, key_id: str) -> str:
    """What can be shown of a token of which only the key is known.

    >>> short_text(key_of("k1:00112233445566f8"), "k1")
    'k1:00112233445566f8'
    """
    return f"{key_id}:{_SIGNED.pack(key).hex()}"
