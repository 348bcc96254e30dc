"""Says in words, in Kazakh, Russian or English, why an alert was raised."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final, Literal

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from streams.contracts.suspicious_operation import FeatureValue, Signal, SuspiciousOperation
from streams.contracts.text import Text

Language = Literal["kk", "ru", "en"]

KAZAKHSTAN: Final = timezone(timedelta(hours=5))

_WORDS: Final[dict[str, dict[Language, str]]] = {
    "alert": {"kk": "Ескерту", "ru": "Сигнал", "en": "Alert"},
    "when": {"kk": "Операция уақыты", "ru": "Время операции", "en": "Operation at"},
    "amount": {"kk": "Сома, теңге", "ru": "Сумма, тенге", "en": "Amount, tenge"},
    "institution": {"kk": "Ұйым", "ru": "Организация", "en": "Institution"},
    "subject": {"kk": "Кім туралы", "ru": "О ком", "en": "About"},
    "score": {"kk": "Балл", "ru": "Балл", "en": "Score"},
    "risk": {"kk": "Тәуекел", "ru": "Риск", "en": "Risk"},
    "risk_parts": {
        "kk": "типологиялар {typologies:.2f}, модельдер {models:.2f}",
        "ru": "типологии {typologies:.2f}, модели {models:.2f}",
        "en": "typologies {typologies:.2f}, models {models:.2f}",
    },
    "why": {"kk": "Неліктен", "ru": "Почему", "en": "Why"},
    "adds": {"kk": "қосты", "ru": "добавил", "en": "adds"},
    "signal": {"kk": "белгі", "ru": "признак", "en": "signal"},
    "values": {"kk": "мәндер", "ru": "значения", "en": "values"},
    "normal": {
        "kk": "Тексерілді, табылмады: бұл жағы әдеттегідей",
        "ru": "Проверено и не обнаружено: здесь всё как обычно",
        "en": "Looked for and not found: normal here",
    },
    "not_judged": {
        "kk": "Бағалау мүмкін болмады (деректер жоқ); балл төмендетілмеді",
        "ru": "Не удалось оценить (нет данных); на балл не повлияло",
        "en": "Could not be judged (no data); counted neither for nor against",
    },
    "nothing": {"kk": "жоқ", "ru": "ничего", "en": "nothing"},
    "evidence": {
        "kk": "Дәлелдейтін операциялар",
        "ru": "Операции, которые это доказывают",
        "en": "Operations that prove it",
    },
    "time": {"kk": "уақыты", "ru": "время", "en": "time"},
    "sum": {"kk": "теңге", "ru": "тенге", "en": "tenge"},
    "direction": {"kk": "бағыты", "ru": "направление", "en": "direction"},
    "in": {"kk": "кіріс", "ru": "поступление", "en": "in"},
    "out": {"kk": "шығыс", "ru": "списание", "en": "out"},
    "used": {"kk": "қолданылды", "ru": "использовано", "en": "used"},
    "more": {"kk": "… және тағы {}", "ru": "… и ещё {}", "en": "… and {} more"},
    "counterparty": {"kk": "екінші тарап", "ru": "вторая сторона", "en": "counterparty"},
    "place": {"kk": "жазба", "ru": "запись", "en": "record"},
    "law": {"kk": "Заң не рұқсат етеді", "ru": "Что позволяет закон", "en": "What the law allows"},
    "hold": {
        "kk": "Операцияны уақытша тоқтату.",
        "ru": "Приостановить операцию.",
        "en": "Hold the operation.",
    },
    "block": {"kk": "Операциядан бас тарту.", "ru": "Отказать в операции.", "en": "Refuse the operation."},
    "step_up": {
        "kk": "Клиенттен қосымша растау сұрау.",
        "ru": "Запросить у клиента дополнительное подтверждение.",
        "en": "Ask the customer for a further confirmation.",
    },
    "warn": {"kk": "Төлеушіні ескерту.", "ru": "Предупредить плательщика.", "en": "Warn the payer."},
    "inform": {
        "kk": "Операцияға араласпау; тек талдаушыға хабарлау.",
        "ru": "Операции не мешать; только сообщить аналитику.",
        "en": "Leave the operation alone; tell the analyst only.",
    },
    "rulebook": {"kk": "Ережелер жинағы", "ru": "Свод правил", "en": "Rulebook"},
    "generation": {"kk": "буын", "ru": "поколение", "en": "generation"},
    "version": {"kk": "нұсқа", "ru": "версия", "en": "version"},
    "shadow": {
        "kk": "Типология сынақта: ешкім әрекет етпейді.",
        "ru": "Типология на испытании: по ней никто не действует.",
        "en": "The typology is on trial: nobody acts on it.",
    },
    "late": {
        "kk": "Оқиға кеш келді және өз орнында бағаланды.",
        "ru": "Событие пришло с опозданием и оценено на своём месте.",
        "en": "The event came late and was judged in its place.",
    },
    "payer": {"kk": "төлеуші", "ru": "плательщик", "en": "payer"},
    "payee": {"kk": "алушы", "ru": "получатель", "en": "payee"},
    "device": {"kk": "құрылғы", "ru": "устройство", "en": "device"},
    "phone": {"kk": "телефон", "ru": "телефон", "en": "phone"},
}


def explain(alert: SuspiciousOperation, language: Language, *, most: int | None = None) -> RenderableType:
    """The whole explanation, for a terminal or a pipe; of the evidence the latest `most`, where that is given."""

    def word(name: str) -> str:
        return _WORDS[name][language]

    parts: list[RenderableType] = [
        Styled(f"{alert.typology.id} · {_in(alert.typology.name, language)}", style="bold"),
        _in(alert.explanation, language),
    ]
    notes = [name for name, holds in (("late", alert.late), ("shadow", alert.status == "shadow")) if holds]
    parts += [Styled(word(note), style="yellow") for note in notes]
    parts += ["", _facts(alert, language)]
    raised = [signal for signal in alert.signals if signal.state == "yes"]
    normal = [signal for signal in alert.signals if signal.state == "no"]
    unknown = [signal for signal in alert.signals if signal.state == "not_judged"]
    parts += [_heading(word("why")), _signals(sorted(raised, key=lambda each: -each.contribution), language)]
    parts += [_heading(word("normal")), _sentences(normal, language)]
    if unknown:
        parts += [_heading(word("not_judged")), _sentences(unknown, language)]
    parts += [_heading(word("evidence")), _evidence(alert, language, most)]
    parts += [_heading(word("law")), Padding(f"{word(alert.decision or 'inform')} {alert.legal_basis}", (0, 0, 0, 2))]
    book = alert.rulebook
    parts += [
        _heading(word("rulebook")),
        Padding(
            f"{word('version')} {book.version}, {word('generation')} {book.generation}, {book.digest[:16]}; "
            f"{alert.typology.id} {word('version')} {alert.typology.version}",
            (0, 0, 0, 2),
        ),
    ]
    return Group(*(escape(part) if isinstance(part, str) else part for part in parts))


def local(moment: datetime) -> str:
    """An instant as Kazakhstan's clocks show it."""
    return moment.astimezone(KAZAKHSTAN).strftime("%Y-%m-%d %H:%M:%S")


def short(token: str | None) -> str:
    """The beginning of a token: enough to tell subjects apart in a table."""
    if not token:
        return ""
    key, _, digits = token.partition(":")
    return f"{key}:{digits[:8]}…"


def money(amount: str) -> str:
    """A decimal string with its thousands apart.

    >>> money("1500000.50")
    '1 500 000.50'
    """
    whole, point, rest = amount.partition(".")
    return f"{int(whole):,}".replace(",", " ") + point + rest


def _in(text: Text, language: Language) -> str:
    told: str = getattr(text, language)
    return told


def _heading(text: str) -> RenderableType:
    return Padding(Styled(text, style="bold cyan"), (1, 0, 0, 0))


def _facts(alert: SuspiciousOperation, language: Language) -> Table:
    about = next((each for each in alert.subjects if each.role == alert.subject), None)
    table = Table.grid(padding=(0, 2))
    risk = _WORDS["risk_parts"][language].format(**alert.risk.parts.model_dump())
    for name, value in (
        ("alert", alert.alert_id),
        ("when", local(alert.occurred_at)),
        ("institution", f"{alert.institution}, {alert.event_id}"),
        ("amount", money(alert.amount)),
        ("subject", f"{_WORDS[alert.subject][language]} {about.token if about else ''}"),
        ("score", f"{alert.score:.2f}"),
        ("risk", f"{alert.risk.value:.2f} ({risk})"),
    ):
        table.add_row(Styled(_WORDS[name][language], style="dim"), escape(value))
    return table


def _signals(signals: list[Signal], language: Language) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=True)
    table.add_column(_WORDS["adds"][language], justify="right")
    table.add_column(_WORDS["signal"][language], overflow="fold")
    table.add_column(_WORDS["values"][language], overflow="fold")
    for signal in signals:
        values = "\n".join(f"{name} = {_value(value)}" for name, value in signal.features.items())
        table.add_row(f"{signal.contribution:+.2f}", escape(_in(signal.text, language)), escape(values))
    return table


def _sentences(signals: list[Signal], language: Language) -> RenderableType:
    lines = [f"· {_in(signal.text, language)}" for signal in signals] or [_WORDS["nothing"][language]]
    return Padding(escape("\n".join(lines)), (0, 0, 0, 2))


def _value(value: FeatureValue) -> str:
    number = f"{value.value:.0f}" if float(value.value).is_integer() else f"{value.value:.2f}"
    return f"{number} {value.unit}".strip()


def _evidence(alert: SuspiciousOperation, language: Language, most: int | None) -> RenderableType:
    table = Table(box=None, header_style="dim", pad_edge=True)
    for name in ("time", "sum", "direction", "counterparty", "place"):
        table.add_column(_WORDS[name][language], justify="right" if name == "sum" else "left", overflow="fold")
    for each in alert.evidence[:most]:
        source = each.source
        table.add_row(
            local(each.occurred_at),
            money(each.amount),
            _WORDS[each.direction][language],
            escape(short(each.counterparty)),
            escape(f"{source.topic}/{source.partition}/{source.offset}" if source else ""),
        )
    left = len(alert.evidence) - table.row_count
    if not left:
        return table
    return Group(table, Padding(_WORDS["more"][language].format(left), (0, 0, 0, 2)))
