"""The procedure of the packaged rulebook, and what is refused of another."""

from __future__ import annotations

from datetime import datetime

import pytest

from rules.calendar import HOUR_MS, at
from rules.rulebook_files import PACKAGED, read_documents
from rules.rulebook_reading import Reading, packaged_procedure
from tests.rules.small import documents

PROCEDURE = packaged_procedure()


def local(text: str) -> int:
    return at(datetime.fromisoformat(f"{text}+05:00"))


def faults(old: str, new: str, path: str = "lists/clocks.yaml") -> list[str]:
    texts = read_documents(PACKAGED)
    assert old in texts[path]
    texts[path] = texts[path].replace(old, new, 1)
    return [problem.message for problem in Reading(texts).problems]


def test_the_packaged_procedure_has_no_faults() -> None:
    assert PROCEDURE.faults() == []
    assert Reading(read_documents(PACKAGED)).problems == []


def test_a_rulebook_without_procedure_has_the_packaged_one() -> None:
    contents = Reading(documents()).contents
    assert contents is not None
    assert contents.procedure is PROCEDURE


def test_a_clock_goes_by_the_law_in_force_when_it_starts() -> None:
    clock = PROCEDURE.clocks["suspicion_hold"]
    assert clock.at(local("2025-08-30T23:59")) == 3
    assert clock.at(local("2025-08-31T00:00")) == 5


def test_cooling_off_by_lender_and_amount() -> None:
    now, mrp = local("2026-11-20T10:00"), 4_325 * 100

    def clock(lender: str, units: float, moment: int = now) -> str:
        return PROCEDURE.cooling_off_clock(lender, round(units * mrp), moment)

    assert [clock("CASPKZKA", units) for units in (149, 150, 255, 256)] == [
        "",
        "cooling_off_bank",
        "cooling_off_bank",
        "cooling_off_bank_large",
    ]
    assert [clock("MFOKKZKA", units) for units in (75, 76)] == ["", "cooling_off_microcredit"]
    assert clock("CASPKZKA", 1_000, local("2025-09-01T10:00")) == "", "there was none before 30 September 2025"


@pytest.mark.parametrize(
    ("clock", "threshold"),
    [
        ("cooling_off_bank", "cooling_short"),
        ("cooling_off_bank_large", "cooling_long"),
        ("cooling_off_microcredit", "cooling_long"),
    ],
)
def test_clocks_and_thresholds_say_the_same_of_cooling_off(clock: str, threshold: str) -> None:
    now = local("2026-11-20T10:00")
    assert PROCEDURE.deadline(clock, now) - now == PROCEDURE.threshold(threshold, now) * HOUR_MS


def test_a_body_that_is_not_named_may_suspend_and_release_but_not_sanction() -> None:
    assert PROCEDURE.may("KNB", "suspend")
    assert PROCEDURE.may("KNB", "release")
    assert not PROCEDURE.may("KNB", "sanction")
    assert not PROCEDURE.may("AFM", "sanction")
    assert PROCEDURE.may("GENPROC", "sanction")


def test_a_clock_with_a_gap_is_refused() -> None:
    assert any("day by day" in fault for fault in faults("valid_from: 2025-08-31", "valid_from: 2025-09-02"))


def test_a_clock_that_ends_is_refused() -> None:
    assert any(
        "for all time" in fault for fault in faults("{value: 24, source", "{value: 24, valid_to: 2030-01-01, source")
    )


def test_what_is_needed_and_missing_is_told() -> None:
    assert "the clock 'fiu_answer' is missing" in faults("name: fiu_answer", "name: fiu_reply")
    assert "the cause 'term_is_over' is missing" in faults("name: term_is_over", "name: graver_decision")


def test_a_measure_without_its_addressee_is_told() -> None:
    told = faults("addressee: telecom_operator", "addressee: nobody", "lists/notices.yaml")
    assert "check_number: unknown addressee 'nobody'" in told


def test_a_name_that_stands_twice_is_told() -> None:
    told = faults("name: cooling_off_bank_large", "name: cooling_off_bank")
    assert any("listed twice" in fault for fault in told)
