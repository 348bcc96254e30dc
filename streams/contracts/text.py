"""A text in the three languages of the country."""

from __future__ import annotations

from pydantic import Field

from streams.contracts.fields import Contract


class Text(Contract):
    """The same sentence in Kazakh, Russian and English."""

    kk: str = Field(min_length=1)
    ru: str = Field(min_length=1)
    en: str = Field(min_length=1)
