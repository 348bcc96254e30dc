"""The lint: every fault is found, at its file, line and column, with what to do."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.check import check
from rules.problems import RulebookInvalid
from rules.rulebook import Rulebook
from rules.rulebook_files import PACKAGED, read_documents
from tests.rules.small import FEATURES, SETTINGS, TYPOLOGY, documents

SAME_PAYEE = "{at: 2026-01-05T10:00, every: PT10M, times: 3, payer: a, payee: b,"
FILE = "typologies/T90-test.yaml"


def place_of(text: str, within: str = TYPOLOGY) -> str:
    """line:column of a text of the typology."""
    before = within[: within.index(text)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def found(*changes: tuple[str, str], **others: str) -> list[str]:
    return [str(problem) for problem in check(documents(*changes, **others)).problems]


def test_the_small_rulebook_is_sound() -> None:
    assert found() == []
    assert check(documents()).rulebook is not None


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("payer.payees_1d >= 3", "payer.payes_1d >= 3", "payer.payees_1d >=",
         "error: unknown name 'payer.payes_1d'; did you mean 'payer.payees_1d'?"),
        ("event.hour < 6", "event.hour < 'six'", "6\n    weight", "error: a number is compared with a text"),
        ("event.hour < 6", "event.hour", "event.hour < 6",
         "error: event.hour is a number, and a truth is needed here; compare it with something"),
        ("event.hour < 6", "event.purpose in lexicon('x')", "event.hour < 6|25", "error: unknown lexicon 'x'"),
        ("event.amount >= p.least", "event.amount >= p.laest", "p.least\nparam",
         "error: unknown name 'p.laest'; did you mean 'p.least'?"),
        ("event.amount >= p.least", "payer.payees_1d > 1", "event.amount >= p.least",
         "error: unknown name 'payer.payees_1d' in 'when': only event.*, threshold.* and p.*; move it to a signal"),
        ("alert_at: 0.5", "alert_at: 0.9", "0.5\nactions",
         "error: T90 can never alert: all weights together are 0.8; lower alert_at to at most 0.8"),
        ("- at: 0.8", "- at: 0.9", "0.8\n    decision",
         "error: the decision 'hold' at 0.9 can never be reached; the highest score is 0.8"),
        ("- at: 0.8", "- at: 0.4", "0.8\n    decision",
         "error: the decision 'hold' at 0.4 would come without an alert; raise it to alert_at, 0.5"),
        ("event.kind == 'transfer'", "event.kind == 'transfer' and event.kind == 'top_up'", "event.kind == 'tr",
         "error: T90 can never alert: its 'when' contradicts itself"),
        ("event.hour < 6", "event.hour > 23", "event.hour < 6",
         "error: signal 'night' can never be true: it contradicts itself"),
        ("event.hour < 6", "event.amount < 500", "event.hour < 6",
         "error: signal 'night' can never be true: it contradicts the typology's 'when'"),
        ("event.hour < 6", "payer.payees_1d >= 1 and model.payer > 0.9", "event.hour < 6|25",
         "error: model.payer may be used in T22 only: it depends on the number of partitions; use a feature"),
        ("weight: 0.3", "weight: 0.3333", "0.3\n    text: {kk: Түнде", "error: weight: at most three decimals"),
        ("weight: 0.3", "weigth: 0.3", "weight: 0.3", "error: unknown key 'weigth'; did you mean 'weight'?"),
        ("status: active", "status: actve", "active",
         "error: status: input should be 'active' or 'shadow'; did you mean 'active'?"),
        ("name: {kk: Сынақ, ru: Проверка, en: Test}", "name: {ru: Проверка, en: Test}", "{kk: Сынақ",
         "error: 'kk' is missing"),
        ("name: {kk: Сынақ, ru: Проверка, en: Test}", "name: {kk: Проверка, ru: Проверка, en: Test}", "Сынақ",
         "error: the Kazakh text is the Russian one; translate it"),
        ("{kk: \"Алушылар көп\"", "{kk: \"Алушылар {payer.payees} көп\"", "Алушылар көп|10",
         "error: unknown name 'payer.payees' in a text; did you mean 'payer.payees_1d'?"),
        ("id: T90", "id: T91", "T90", "error: the file of T91 is called T90-test.yaml; call it T91-….yaml"),
        ("id: night", "id: many", "night", "error: 'many' stands twice in signals"),
        ("times: 3, payer: a, payee: b, amount", "times: 3, payer: a, amount", SAME_PAYEE,
         "error: events: transfer needs a payer and a payee"),
        ("- {name: least, value: 1000, unit: tenge, source: nobody}",
         "- {name: least, value: 1000, unit: tenge, source: nobody}\n"
         "  - {name: unused, value: 1, unit: x, source: nobody}",
         "signals:", "warning: parameter 'unused' is not used"),
    ],
)  # fmt: skip
def test_a_fault_is_told_where_it_stands(old: str, new: str, place: str, message: str) -> None:
    told = found((old, new))
    assert any(message in line for line in told), told
    line = next(line for line in told if message in line)
    stands, _, further = place.partition("|")
    at, column = place_of(stands).split(":")
    expected = f"{at}:{int(column) + int(further or 0)}" if stands != "signals:" else f"{at}:12"
    assert line.startswith(f"{FILE}:{expected}:"), line


def test_the_column_is_that_of_the_name_inside_the_expression() -> None:
    old = "event.kind == 'transfer' and event.amount >= p.least"
    (line,) = found((old, ">-\n  event.kind == 'transfer'\n  and event.amuont >= p.least"))
    assert line == f"{FILE}:16:7: error: unknown name 'event.amuont'; did you mean 'event.amount'?"


def test_signals_that_exclude_each_other_cannot_alert_together() -> None:
    told = found(("payer.payees_1d >= 3", "event.hour > 12"), ("alert_at: 0.5", "alert_at: 0.6"))
    message = "T90 can never alert: signals that are true together reach 0.5; lower alert_at to at most 0.5"
    assert any(message in line for line in told), told


def test_missing_examples_are_told() -> None:
    start = TYPOLOGY.index("    - name: Three payees in three days")
    told = found((TYPOLOGY[start:], ""))
    assert told == [
        f"{FILE}:45:5: error: T90 has 1 silent examples, at least 2 are needed; add honest people who look alike"
    ]


def test_a_missing_text_of_an_example_set_is_told_without_examples_at_all() -> None:
    start = TYPOLOGY.index("examples:")
    told = found((TYPOLOGY[start:], "examples: {}\n"))
    assert len(told) == 2
    assert all(line.startswith(f"{FILE}:35:11: error: T90 has 0 ") for line in told), told


def test_a_duplicate_id_names_the_other_file() -> None:
    told = found(**{"typologies/T90-again.yaml": TYPOLOGY})
    assert told == ["typologies/T90-test.yaml:1:5: error: duplicate id T90: typologies/T90-again.yaml has it too"]


def test_an_unused_feature_is_a_warning() -> None:
    more = FEATURES + FEATURES.replace("features:\n", "").replace("payees_1d", "payees_2d")
    checked = check(documents(**{"features/payer.yaml": more}))
    assert checked.rulebook is not None
    (warning,) = map(str, checked.problems)
    assert warning.startswith("features/payer.yaml:9:11: warning: feature 'payer.payees_2d' is not used")


def test_a_feature_declared_twice_is_told() -> None:
    told = found(**{"features/zz.yaml": FEATURES})
    expected = "features/zz.yaml:2:11: error: feature 'payer.payees_1d' is declared twice; see features/payer.yaml"
    assert expected in told


def test_faults_of_features_are_told_at_their_place() -> None:
    told = found(**{"features/payer.yaml": FEATURES.replace("kind: transfer", "kind: transfr")})
    assert told == ["features/payer.yaml:5:35: error: unknown kind 'transfr'; did you mean transfer?"]


def test_files_of_no_folder_and_missing_settings_are_told() -> None:
    told = found(**{"typology/T91-x.yaml": TYPOLOGY})
    assert told == [
        "typology/T91-x.yaml:1:1: error: the file is in none of the folders features, lists, typologies; "
        "did you mean 'typologies'?"
    ]
    without = documents()
    del without["rulebook.yaml"]
    assert [str(problem) for problem in check(without).problems] == [
        "rulebook.yaml:1:1: error: the file is missing; it holds the version and the risk settings"
    ]


def test_lists_have_sources_and_no_overlaps() -> None:
    text = """\
thresholds:
  - name: mrp
    unit: tenge
    text: {kk: АЕК, ru: МРП, en: MCI}
    values:
      - {value: 1, valid_from: 2025-01-01, source: law, confidence: H}
      - {value: 2, valid_from: 2026-01-01, source: law, confidence: H}
"""
    told = found(**{"lists/a.yaml": text})
    assert told == [
        "lists/a.yaml:2:5: error: thresholds: two values are valid on the same day: give the earlier one a valid_to"
    ]
    told = found(**{"lists/a.yaml": text.replace(", source: law", "").replace("2025-01-01", "2025-02-30")})
    assert any("'source' is missing" in line for line in told)
    assert any("valid_from: day is out of range" in line for line in told)


def test_an_invalid_rulebook_is_never_compiled() -> None:
    with pytest.raises(RulebookInvalid) as refused:
        Rulebook.from_documents(documents(("payer.payees_1d >= 3", "payer.payees_1d >=")))
    assert refused.value.problems[0].path == FILE


def test_hundreds_of_faults_do_no_harm() -> None:
    many = {f"typologies/T{number}-x.yaml": TYPOLOGY.replace("weight", "wieght") for number in range(10, 60)}
    assert len(check({"rulebook.yaml": SETTINGS, "features/payer.yaml": FEATURES, **many}).problems) >= 100


@cache
def packaged() -> dict[str, str]:
    return read_documents(PACKAGED)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_to_a_file_escapes_as_an_exception(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(packaged())))
    lines = packaged()[path].splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["drop", "repeat", "cut", "garble", "indent", "null"]))
    if how == "drop":
        del lines[at]
    elif how == "repeat":
        lines.insert(at, lines[at])
    elif how == "cut":
        lines = lines[:at]
    elif how == "indent":
        lines[at] = "  " + lines[at]
    elif how == "null":
        lines[at] = lines[at].partition(":")[0] + ":"
    else:
        place = data.draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:place] + data.draw(st.text(max_size=5)) + lines[at][place:]
    result = check({**packaged(), path: "\n".join(lines)})
    assert (result.rulebook is None) == bool(result.errors)
    for problem in result.problems:
        assert problem.line >= 1
        assert problem.column >= 1
