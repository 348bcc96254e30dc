"""Checking a draft: what is hostile or broken is told with its place, and examples come with what was measured."""

from __future__ import annotations

import pytest

from console.rulebooks.checking import check
from console.rulebooks.files import FilesRefused, applied, carried_over, changes_of, refuse_large, refuse_unusable
from tests.rules.small import TYPOLOGY, documents

PATH = "typologies/T90-test.yaml"
BOMB = "a: &a [1]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"


def test_a_sound_rulebook_shows_its_examples_with_what_was_measured() -> None:
    report = check(documents())
    assert report.sound
    assert [(one.kind, one.passed) for one in report.examples] == [
        ("alerting", True), ("alerting", True), ("silent", True), ("silent", True),
    ]  # fmt: skip
    silent = report.examples[2]
    assert [(one.id, one.state) for one in silent.signals] == [("many", "no"), ("night", "no")]
    # What a false signal looked at is told as well: it is what the author has to see.
    assert {one.name: one.value for one in silent.values} == {"payer.payees_1d": 1.0, "event.hour": 10.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "anchors are not allowed"),
        ("a: *nothing\n", "aliases are not allowed"),
        ("!!python/object/apply:os.system ['true']\n", "tags"),
        ("id: T90\nid: T91\n", "given twice"),
        ("a: " + "[" * 10_000 + "]" * 10_000 + "\n", "nested deeper"),
        ("x: '" + "y" * 300 * 1024 + "'\n", "larger than 256 KB"),
        ("- \x07\n", "a character that YAML does not allow"),
        ("\ufeffid: T90\n", "not plain UTF-8"),
        ("", "the file is empty"),
        ("id: [unclosed\n", "did not find expected"),
        (TYPOLOGY.replace("event.amount >= p.least", " or ".join(["event.amount > 1"] * 500)), "longer than"),
        (TYPOLOGY.replace("times: 3, payer: a, payee: b-*", "times: 2001, payer: a, payee: b-*"), "2000"),
        (TYPOLOGY.replace("at: 2026-01-05T10:00, every: PT10M", "at: 2026-99-05T10:00, every: PT10M"), "month must be"),
    ],
)
def test_hostile_files_are_faults_with_a_place(text: str, said: str) -> None:
    report = check({**documents(), PATH: text})
    assert not report.sound
    assert report.examples == []
    mine = [fault for fault in report.faults if fault.path == PATH]
    assert any(said in fault.message for fault in mine), mine
    assert all(fault.line >= 1 and fault.column >= 1 for fault in report.faults)


def test_examples_that_nobody_would_wait_for_are_not_run() -> None:
    line = "        - {at: 2026-01-05T10:00, every: PT10M, times: 3, payer: a, payee: b-*, amount: 5000}\n"
    report = check({**documents(), PATH: TYPOLOGY.replace(line, line.replace("times: 3", "times: 2000") * 3, 1)})
    assert report.version is None
    (fault,) = report.faults
    assert "tells 6000 events" in fault.message


@pytest.mark.parametrize("line", ["x{}: [1, 2, 3]\n", "x{}: yes\n"], ids=["unknown keys", "words that are no truth"])
def test_of_thousands_of_faults_the_first_are_told(line: str) -> None:
    report = check({**documents(), "typologies/T91-x.yaml": "".join(map(line.format, range(15_000)))})
    assert 100 <= len(report.faults) <= 200
    assert report.more_faults > 14_000 or "more faults like these" in str(report.faults)


def test_entangled_conditions_are_no_reason_to_fail() -> None:
    clause = " and ".join(f"(event.hour < {n % 24} or event.amount > {n} or payer.payees_1d >= {n})" for n in range(28))
    signal = '  - id: s{}\n    when: "{}"\n    weight: 0.01\n    text: {{kk: Түнде, ru: Ночью, en: At night}}\n'
    signals = "".join(signal.format(n, clause) for n in range(14))
    report = check({**documents(), PATH: TYPOLOGY.replace("signals:\n", "signals:\n" + signals)})
    assert report.version is not None


def test_only_the_examples_of_the_file_being_written_are_run_while_it_is() -> None:
    other = TYPOLOGY.replace("id: T90", "id: T91")
    report = check({**documents(), "typologies/T91-x.yaml": other}, examples_in="typologies/T91-x.yaml")
    assert {one.typology for one in report.examples} == {"T91"}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"../x.yaml": "a"}, "path"),
        ({"typologies/../x.yaml": "a"}, "path"),
        ({"typologies/T90-\u202ex.yaml": "a"}, "path"),
        ({PATH: "\ud800"}, "text"),
        ({PATH: "a\x00b"}, "text"),
    ],
)
def test_names_and_bytes_that_no_rulebook_has_are_refused(changes: dict[str, str | None], key: str) -> None:
    with pytest.raises(FilesRefused) as refused:
        refuse_unusable(changes)
    assert refused.value.key == key


def test_sizes_that_no_rulebook_has_are_refused() -> None:
    with pytest.raises(FilesRefused, match="256 KB"):
        refuse_large({PATH: "x" * 257 * 1024})
    with pytest.raises(FilesRefused, match="200 files"):
        applied({}, {f"typologies/T{number}-x.yaml": "" for number in range(201)})


def test_changes_make_of_their_base_what_they_were_taken_from() -> None:
    base, whole = documents(), {**documents(), "typologies/T91-x.yaml": "id: T91\n"}
    del whole[PATH]
    assert applied(base, changes_of(base, whole)) == whole
    assert changes_of(base, whole) == {PATH: None, "typologies/T91-x.yaml": "id: T91\n"}


def test_what_both_sides_changed_is_named_and_what_both_made_equal_is_no_change_any_more() -> None:
    kept, conflicts = carried_over({"a": "1", "b": "1"}, {"a": "2", "b": "2"}, {"a": "3", "b": "2", "c": "1"})
    assert (kept, conflicts) == ({"a": "3", "c": "1"}, ["a"])
