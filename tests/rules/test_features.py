"""Feature declarations: what is accepted, what is refused and where the refusal points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.events import DAY_MS, PAYEE, PAYER
from rules.feature_reading import duration_ms, load_features, read_features
from rules.feature_table import FeatureTable
from rules.features import FeatureError, Where

TEXT = {"kk": "к", "ru": "р", "en": "e"}
GOOD: dict[str, Any] = {
    "name": "payee.payers_30d",
    "aggregate": "distinct",
    "of": "counterparty",
    "where": {"direction": "in", "kind": ["transfer", "top_up"], "amount": {"at_least": 1000, "below": "500000.50"}},
    "within": "P30D",
    "unit": "people",
    "text": TEXT,
}


def document(*features: Any) -> dict[str, Any]:
    return {"features": list(features)}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def test_a_declaration_is_read_as_written() -> None:
    (feature,) = load_features(document(GOOD))
    assert feature.role == PAYEE
    assert feature.within_ms == 30 * DAY_MS
    assert feature.where == Where(directions=("in",), kinds=("transfer", "top_up"), at_least=100_000, below=50_000_050)
    table = FeatureTable.from_declarations([feature], {}, {"payee.payers_30d": 5})
    assert table.names == ("payee.payers_30d",)
    assert table.index("payee.payers_30d") == 0
    assert table.role_of("payee.payers_30d") == PAYEE
    assert table.unit("payee.payers_30d") == "people"
    assert table.texts("payee.payers_30d")["kk"] == "к"
    assert table.reach("payee.payers_30d") == "latest"
    assert table.typologies.tolist() == [5]
    assert "payee.payers_30d" in table
    assert len(table) == 1


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        ({"name": "payers_30d"}, ("name",), "a role, a dot"),
        ({"name": "payeee.payers"}, ("name",), "did you mean payee?"),
        ({"name": "payee.events"}, ("name",), "statistic"),
        ({"name": "payee.kind"}, ("name",), "statistic"),
        ({"name": 5}, ("name",), "name"),
        ({"aggregate": "distinkt"}, ("aggregate",), "did you mean distinct?"),
        ({"of": "counterpart"}, ("of",), "did you mean counterparty?"),
        ({"of": None}, (), "of is missing"),
        ({"aggregate": "count"}, ("of",), "takes no `of`"),
        ({"aggregate": "sum", "unit": "tenge"}, ("of",), "amount only"),
        ({"aggregate": "sum", "of": "amount"}, ("unit",), "known: tenge"),
        ({"aggregate": "last_seen", "of": None, "unit": "hour"}, ("unit",), "did you mean hours?"),
        ({"within": "P91D"}, ("within",), "at most P90D"),
        ({"within": "P0D"}, ("within",), "longer than 0"),
        ({"within": "30 days"}, ("within",), "ISO 8601"),
        ({"within": "P1M"}, ("within",), "ISO 8601"),
        ({"within": 86400}, ("within",), "ISO 8601"),
        ({"within": None}, (), "distinct needs a window"),
        ({"unit": ""}, ("unit",), "unit"),
        ({"text": {"kk": "к", "ru": "р"}}, ("text",), "text in en is missing"),
        ({"text": {**TEXT, "de": "d"}}, ("text", "de"), "unknown key de"),
        ({"withn": "P1D"}, ("withn",), "did you mean within?"),
        ({"where": []}, ("where",), "mapping"),
        ({"where": {"kinds": "transfer"}}, ("where", "kinds"), "did you mean kind?"),
        ({"where": {"kind": ["transfer", "topup"]}}, ("where", "kind", 1), "did you mean top_up?"),
        ({"where": {"kind": []}}, ("where", "kind"), "empty list"),
        ({"where": {"direction": "used"}}, ("where", "direction"), "use in or out"),
        ({"name": "device.people", "where": {"direction": "in"}}, ("where", "direction"), "use used"),
        ({"name": "device.people", "where": {"region": "other"}}, ("where", "region"), "no region of its own"),
        ({"where": {"amount": 1000}}, ("where", "amount"), "mapping"),
        ({"where": {"amount": {"at_least": "many"}}}, ("where", "amount", "at_least"), "amount in tenge"),
        ({"where": {"amount": {"at_least": True}}}, ("where", "amount", "at_least"), "amount in tenge"),
        ({"where": {"amount": {"below": "NaN"}}}, ("where", "amount", "below"), "amount in tenge"),
        ({"where": {"amount": {"below": 0.001}}}, ("where", "amount", "below"), "two decimals"),
        ({"where": {"amount": {"at_least": 5, "below": 5}}}, ("where", "amount"), "no amount"),
        ({"where": {"round": 0}}, ("where", "round"), "above 0"),
        ({"where": {"counterparty": "other"}}, ("where", "counterparty"), "known: same, new"),
        ({"where": {"flag": "device_neww"}}, ("where", "flag"), "did you mean device_new?"),
        ({"where": {"words": ["pyramid"]}}, ("where", "words"), "name of a lexicon"),
        ({"aggregate": "reciprocal", "of": None}, ("where", "direction"), "both directions"),
        ({"name": "phone.x", "aggregate": "reciprocal", "of": None, "where": {}}, ("aggregate",), "payer and payee"),
        ({"aggregate": "share", "of": None, "where": {"direction": "in"}}, ("where",), "always 1"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_refused_with_its_place(
    change: dict[str, Any], path: tuple[str | int, ...], said: str
) -> None:
    features, errors = read_features(document(GOOD | change), at=("features/x.yaml",))
    assert not features
    (error,) = errors
    assert error.path == ("features/x.yaml", "features", 0, *path)
    assert said in str(error)


@pytest.mark.parametrize("key", ["name", "aggregate", "unit", "text"])
def test_a_missing_field_is_named(key: str) -> None:
    with pytest.raises(FeatureError, match=f"{key} is missing"):
        load_features(document(without(key)))


@pytest.mark.parametrize("root", [None, [], {"features": {}}, {"feature": []}, {}, 5])
def test_a_document_of_another_shape_is_refused(root: Any) -> None:
    features, errors = read_features(root)
    assert not features
    assert len(errors) == 1


def test_all_faults_are_collected_and_the_sound_ones_kept() -> None:
    features, errors = read_features(document(GOOD, GOOD | {"name": "x"}, GOOD | {"name": "payer.other"}, GOOD, "text"))
    assert [feature.name for feature in features] == ["payee.payers_30d", "payer.other"]
    assert [error.path[1] for error in errors] == [1, 3, 4]


KEYS = st.sampled_from([*GOOD, "in", "amount", "kk"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8))
def test_nothing_but_feature_errors_comes_out(value: Any) -> None:
    for key in ("name", "aggregate", "of", "where", "within", "unit", "text"):
        read_features(document(GOOD | {key: value}))
    for key in ("direction", "kind", "channel", "amount", "round", "counterparty", "flag", "words", "region"):
        read_features(document(GOOD | {"where": {key: value}}))
    read_features(value)


def test_the_table_refuses_what_only_the_whole_rulebook_shows() -> None:
    first, second = load_features(document(GOOD, GOOD | {"name": "payer.x", "where": {"words": "pyramyd"}}))
    with pytest.raises(FeatureError, match="did you mean pyramid") as caught:
        FeatureTable.from_declarations([second], {"pyramid": ["пай"]})
    assert caught.value.path == ("features", 1, "where", "words")
    with pytest.raises(FeatureError, match="declared twice"):
        FeatureTable.from_declarations([first, first])
    many = load_features(document(*(GOOD | {"name": f"payee.f{n}"} for n in range(129))))
    assert len(FeatureTable.from_declarations(many[:128])) == 128
    with pytest.raises(FeatureError, match="at most 128"):
        FeatureTable.from_declarations(many)


def test_features_of_one_filter_share_one_walk() -> None:
    names = ("payee.a", "payer.b", "payee.c", "payee.d")
    features = load_features(document(*(GOOD | {"name": name} for name in names)))
    table = FeatureTable.from_declarations(features)
    assert len(table.filters) == 1
    assert table.groups.tolist() == [[0, 0, 1], [0, 1, 4]]
    assert table.role_groups.tolist() == [0, 1, 2, 2, 2]
    assert table.role_of("payer.b") == PAYER
    assert not table.features.flags.writeable
    assert table.features.dtype == np.int64


@pytest.mark.parametrize(
    ("name", "aggregate", "more", "reach"),
    [
        ("payee.x", "count", {"where": {"direction": "in"}}, "everything"),
        ("payee.x", "mean", {"unit": "tenge", "within": "P1D"}, "everything"),
        ("payee.x", "count", {"where": {"kind": "transfer"}}, "latest"),
        ("payee.x", "first_seen", {"unit": "days"}, "everything"),
        ("payee.x", "first_seen", {"unit": "days", "where": {"counterparty": "same"}}, "latest"),
        ("payee.x", "max", {"unit": "tenge", "within": "P1D"}, "latest"),
    ],
)
def test_reach_says_what_counts_beyond_the_reservoir(
    name: str, aggregate: str, more: dict[str, Any], reach: str
) -> None:
    declared = {"name": name, "aggregate": aggregate, "unit": "events", "text": TEXT} | more
    assert FeatureTable.from_declarations(load_features(document(declared))).reach(name) == reach


@given(st.integers(0, 9), st.integers(0, 90), st.integers(0, 50), st.integers(0, 90), st.integers(0, 99))
def test_durations_add_up(weeks: int, days: int, hours: int, minutes: int, seconds: int) -> None:
    expected = ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    assert duration_ms(f"P{weeks}W{days}DT{hours}H{minutes}M{seconds}S") == expected


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1D", "P-1D", "P1.5D", "P1Y", "p1d", " P1D", "P1D\n", None, 7])
def test_what_is_no_duration_is_none(text: object) -> None:
    assert duration_ms(text) is None
