"""Amounts as contracts write them, in the unit that the console reckons in."""

from __future__ import annotations


def tiyn(tenge: str) -> int:
    """An amount as contracts write it, in tiyn.

    >>> tiyn("31200000.00"), tiyn("-0.05")
    (3120000000, -5)
    """
    return int(tenge.replace(".", ""))
