"""Reads declared features from parsed YAML, and says of every fault where it is and what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Final

from rules import statistic_kernels
from rules.events import CHANNELS, DAY_MS, FACT_KINDS, KINDS, ROLES
from rules.features import (
    AGGREGATES,
    DIRECTIONS,
    DISTINCT_OF,
    FLAG_BITS,
    LOCAL_DAY,
    OF_AMOUNT,
    OF_TIME,
    TIME_UNITS_MS,
    Feature,
    FeatureError,
    Path,
    Where,
    nearest_of,
)

LONGEST_MS: Final = 90 * DAY_MS
LANGUAGES: Final = ("kk", "ru", "en")
_WITHOUT_WINDOW: Final = ("count", "sum", "mean", "first_seen", "last_seen")
_FEATURE_KEYS: Final = ("name", "aggregate", "of", "where", "within", "unit", "text")
_WHERE_KEYS: Final = (
    "direction", "kind", "channel", "amount", "round", "counterparty", "flag", "without", "words", "region",
)  # fmt: skip
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_DURATION: Final = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def duration_ms(text: object) -> int | None:
    """Milliseconds of an ISO 8601 duration in weeks, days, hours, minutes and seconds; None if it is not one.

    >>> duration_ms("P30D"), duration_ms("PT1H30M"), duration_ms("P1M"), duration_ms("P")
    (2592000000, 5400000, None, None)
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()) or match.string.endswith("T"):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def read_features(document: object, at: Path = ()) -> tuple[list[Feature], list[FeatureError]]:
    """The features of one parsed YAML document and everything that is wrong with it.

    `document` is what a YAML loader returns: {"features": [{…}, …]}. `at` is put before every path. Features with
    an error are left out of the first list.
    """
    errors: list[FeatureError] = []
    features: list[Feature] = []
    try:
        root = _mapping(document, at, ("features",))
        declared = root.get("features")
        if not isinstance(declared, list):
            raise FeatureError((*at, "features"), "a list of features is needed here")
    except FeatureError as error:
        return [], [error]
    taken: set[str] = set()
    for number, declaration in enumerate(declared):
        path = (*at, "features", number)
        try:
            feature = _read_feature(declaration, path)
            if feature.name in taken:
                raise FeatureError((*path, "name"), f"feature {feature.name} is declared twice")
            taken.add(feature.name)
            features.append(feature)
        except FeatureError as error:
            errors.append(error)
    return features, errors


def load_features(document: object, at: Path = ()) -> list[Feature]:
    """The features of one parsed YAML document; raises the first `FeatureError`."""
    features, errors = read_features(document, at)
    if errors:
        raise errors[0]
    return features


def _read_feature(declaration: object, path: Path) -> Feature:
    fields = _mapping(declaration, path, _FEATURE_KEYS)
    for key in ("name", "aggregate", "unit", "text"):
        if key not in fields:
            raise FeatureError(path, f"{key} is missing")
    name, role = _read_name(fields["name"], (*path, "name"))
    aggregate = _choice(fields["aggregate"], (*path, "aggregate"), AGGREGATES, "aggregate")
    where = _read_where(fields.get("where", {}), (*path, "where"), role)
    of = _read_of(fields.get("of"), path, aggregate)
    if aggregate == "reciprocal" and where.directions:
        raise FeatureError((*path, "where", "direction"), "reciprocal looks at both directions: leave direction out")
    if aggregate == "reciprocal" and role >= 2:
        raise FeatureError(
            (*path, "aggregate"), "a device or phone has no direction: reciprocal is for payer and payee"
        )
    if aggregate == "reciprocal":
        where = replace(where, directions=("in", "out"))
    if any(kind in FACT_KINDS for kind in where.kinds):
        _refuse_of_facts(aggregate, of, where, path)
    if aggregate == "share" and where.direction_only:
        raise FeatureError((*path, "where"), "share needs a filter besides direction, else it is always 1")
    return Feature(
        name=name,
        role=role,
        aggregate=aggregate,
        of=of,
        where=where,
        within_ms=None if fields.get("within") == LOCAL_DAY else _read_within(fields.get("within"), path, aggregate),
        local_day=fields.get("within") == LOCAL_DAY,
        unit=_read_unit(fields["unit"], (*path, "unit"), aggregate),
        text=_read_text(fields["text"], (*path, "text")),
        path=path,
    )


def _refuse_of_facts(aggregate: str, of: str | None, where: Where, path: Path) -> None:
    if aggregate in ("share", "reciprocal"):
        raise FeatureError((*path, "aggregate"), f"{aggregate} is of transactions, not of facts", "use count or sum")
    if of == "counterparty" or where.counterparty is not None:
        raise FeatureError(path, "facts have no counterparty")


def _read_name(value: object, path: Path) -> tuple[str, int]:
    if not isinstance(value, str):
        raise FeatureError(path, "a name such as payee.payers_30d is needed here")
    role, dot, rest = value.partition(".")
    if not dot or not _NAME.fullmatch(rest):
        raise FeatureError(path, f"{value!r} is not a role, a dot and a name in small letters, as in payee.payers_30d")
    _choice(role, path, ROLES, "role")
    if rest in statistic_kernels.STATISTICS or rest == "kind":
        raise FeatureError(path, f"{rest} is the name of a statistic that every subject has: choose another")
    return value, ROLES.index(role)


def _read_of(value: object, path: Path, aggregate: str) -> str | None:
    place = (*path, "of")
    if aggregate == "distinct":
        if value is None:
            raise FeatureError(path, f"of is missing: distinct of {', '.join(DISTINCT_OF)}")
        return _choice(value, place, tuple(DISTINCT_OF), "field")
    if aggregate in OF_AMOUNT:
        if value not in (None, "amount"):
            raise FeatureError(place, f"{aggregate} is of the amount only")
        return "amount"
    if value is not None:
        raise FeatureError(place, f"{aggregate} takes no `of`")
    return None


def _read_within(value: object, path: Path, aggregate: str) -> int | None:
    place = (*path, "within")
    if value is None:
        if aggregate not in _WITHOUT_WINDOW:
            raise FeatureError(
                path,
                f"{aggregate} needs a window: a busy subject's whole history is not kept entry by entry",
                "add `within`, at most P90D",
            )
        return None
    milliseconds = duration_ms(value)
    if milliseconds is None:
        raise FeatureError(
            place, f"{value!r} is not an ISO 8601 duration", "write for example PT1H, P1D, P30D or local_day"
        )
    if not 0 < milliseconds <= LONGEST_MS:
        raise FeatureError(place, f"a window is longer than 0 and at most P90D, not {value}")
    return milliseconds


def _read_unit(value: object, path: Path, aggregate: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise FeatureError(path, "a unit such as people, tenge or hours is needed here")
    if aggregate in OF_TIME:
        return _choice(value, path, tuple(TIME_UNITS_MS), "unit of time")
    if aggregate in OF_AMOUNT:
        return _choice(value, path, ("tenge",), "unit of money")
    return value


def _read_text(value: object, path: Path) -> Mapping[str, str]:
    texts = _mapping(value, path, LANGUAGES)
    result: dict[str, str] = {}
    for language in LANGUAGES:
        text = texts.get(language)
        if not isinstance(text, str) or not text.strip():
            raise FeatureError(path, f"the text in {language} is missing")
        result[language] = text
    return result


def _read_where(value: object, path: Path, role: int) -> Where:
    fields = _mapping(value, path, _WHERE_KEYS)
    directions = _choices(fields.get("direction"), (*path, "direction"), DIRECTIONS, "direction")
    kinds = _choices(fields.get("kind"), (*path, "kind"), KINDS, "kind")
    facts = [kind for kind in kinds if kind in FACT_KINDS]
    if facts and len(facts) < len(kinds):
        raise FeatureError(
            (*path, "kind"), f"{facts[0]} is a fact, and {next(k for k in kinds if k not in facts)} moves money"
        )
    if facts and directions not in ((), ("used",)):
        raise FeatureError((*path, "direction"), f"no money moves by {facts[0]}", "use used, or leave direction out")
    for direction in directions if not facts else ():
        if (direction == "used") != (role >= 2):
            allowed = "used" if role >= 2 else "in or out, or name the kind of a fact"
            raise FeatureError(
                (*path, "direction"), f"the history of a {ROLES[role]} has no entries {direction!r}", f"use {allowed}"
            )
    flags = _choices(fields.get("flag"), (*path, "flag"), tuple(FLAG_BITS), "flag")
    without = _choices(fields.get("without"), (*path, "without"), tuple(FLAG_BITS), "flag")
    if set(flags) & set(without):
        raise FeatureError((*path, "without"), "no entry has a flag and is without it")
    at_least, below = _read_amount(fields.get("amount"), (*path, "amount"))
    words = fields.get("words")
    if words is not None and not isinstance(words, str):
        raise FeatureError((*path, "words"), "the name of a lexicon is needed here")
    region = _optional_choice(fields.get("region"), (*path, "region"), ("same", "other"), "region")
    if region is not None and role >= 2:
        raise FeatureError((*path, "region"), f"a {ROLES[role]} has no region of its own to compare with")
    multiple = None if fields.get("round") is None else _tiyn(fields["round"], (*path, "round"))
    if multiple is not None and multiple == 0:
        raise FeatureError((*path, "round"), "a number of tenge above 0 is needed here")
    return Where(
        directions=directions,
        kinds=kinds,
        channels=_choices(fields.get("channel"), (*path, "channel"), CHANNELS, "channel"),
        at_least=at_least,
        below=below,
        multiple_of=multiple,
        counterparty=_optional_choice(
            fields.get("counterparty"), (*path, "counterparty"), ("same", "new"), "counterparty"
        ),
        flags=flags,
        without=without,
        words=words,
        region=region,
    )


def _read_amount(value: object, path: Path) -> tuple[int | None, int | None]:
    if value is None:
        return None, None
    limits = _mapping(value, path, ("at_least", "below"))
    at_least = _tiyn(limits["at_least"], (*path, "at_least")) if "at_least" in limits else None
    below = _tiyn(limits["below"], (*path, "below")) if "below" in limits else None
    if below is not None and below <= (at_least or 0):
        raise FeatureError(path, "no amount is at least the one and below the other")
    return at_least, below


def _tiyn(value: object, path: Path) -> int:
    """An amount in tenge, a number or a decimal string, as whole tiyn."""
    try:
        tiyn = Decimal(str(value)) * 100 if isinstance(value, int | float | str) else Decimal("NaN")
    except InvalidOperation:
        tiyn = Decimal("NaN")
    if isinstance(value, bool) or not tiyn.is_finite():
        raise FeatureError(path, f"an amount in tenge is needed here, not {value!r}")
    if tiyn < 0 or tiyn != tiyn.to_integral_value() or tiyn > 10**17:
        raise FeatureError(path, f"{value!r} is not an amount in tenge: from 0, at most two decimals")
    return int(tiyn)


def _mapping(value: object, path: Path, keys: Sequence[str]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise FeatureError(path, f"a mapping with {', '.join(keys)} is needed here")
    for key in value:
        if key not in keys:
            place = (*path, key if isinstance(key, str | int) else str(key))
            raise FeatureError(place, f"unknown key {key}", nearest_of(str(key), keys))
    return value


def _choice(value: object, path: Path, known: Sequence[str], what: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise FeatureError(path, f"unknown {what} {value!r}", nearest_of(str(value), known))
    return value


def _optional_choice(value: object, path: Path, known: Sequence[str], what: str) -> str | None:
    return None if value is None else _choice(value, path, known, what)


def _choices(value: object, path: Path, known: Sequence[str], what: str) -> tuple[str, ...]:
    """One name or a list of them, in the order of `known`, each once."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return (_choice(value, path, known, what),)
    if not value:
        raise FeatureError(path, f"an empty list lets no {what} through")
    chosen = {_choice(item, (*path, number), known, what) for number, item in enumerate(value)}
    return tuple(item for item in known if item in chosen)
