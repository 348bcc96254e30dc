"""An explanation says, in each language, everything that an alert holds."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from streams.explanation import Language, explain
from tests.streams.alerts import alert


def told(language: Language, **changes: object) -> str:
    written = io.StringIO()
    Console(file=written, width=120, color_system=None).print(explain(alert(1, **changes), language), highlight=False)
    return written.getvalue()


@pytest.mark.parametrize(
    ("language", "headings"),
    [
        (
            "en",
            [
                "Why",
                "Looked for and not found",
                "Could not be judged",
                "Operations that prove it",
                "What the law allows",
            ],
        ),
        ("ru", ["Почему", "Проверено и не обнаружено", "Не удалось оценить", "Операции", "Что позволяет закон"]),
        ("kk", ["Неліктен", "Тексерілді, табылмады", "Бағалау мүмкін болмады", "Дәлелдейтін", "Заң не рұқсат етеді"]),
    ],
)
def test_everything_is_told_in_order(language: Language, headings: list[str]) -> None:
    text = told(language)
    assert [text.index(heading) for heading in headings] == sorted(text.index(heading) for heading in headings)
    for part in (
        f"Pass-through {language}",
        f"25 people paid this person [in a day] {language}",
        "+0.80",
        "payee.payers_30d = 25 people",
        f"It happened at night {language}",
        f"The account is new {language}",
        "1 500 000.50",
        "2026-11-20 10:00:00",  # as Kazakhstan's clocks show it
        "tx.CASPKZKA/0/1",
        "Law on payments, article 60",
        "2026.11",
    ):
        assert part in text


def test_a_shadow_alert_says_that_nobody_acts_on_it() -> None:
    assert "nobody acts on it" in told("en", status="shadow")
    assert "nobody acts on it" not in told("en")


def test_without_a_decision_the_operation_is_left_alone() -> None:
    assert "Leave the operation alone" in told("en", decision=None)
