"""The signed case file on paper, in one language: cover, summary, alerts, operations, timeline, holds, trace, audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reportlab.platypus import PageBreak

from console.exports.material import KAZAKHSTAN
from console.exports.paper import BODY, COVER, HEAD, NOTE, TITLE, columns, facts, paragraph, pdf
from console.texts import Language, Texts

_MOST_ALERTS: Final = 100  # told in full; a summary table has them all
_MOST_ROWS: Final = 500
_MOST_EVIDENCE: Final = 25
_LONG: Final = 1_500  # characters of one cell: a cell cannot be longer than a page


def pages(signed: dict[str, Any], texts: Texts, language: Language) -> bytes:
    """The PDF of a signed case file; the same document gives the same bytes."""
    paper = _Paper(signed, texts, language)
    return pdf(paper.story(), title=paper.title, subject=signed["digest"], foot=f"{paper.title} · {signed['digest']}")


class _Paper:
    """Builds the parts of one paper."""

    def __init__(self, signed: dict[str, Any], texts: Texts, language: Language) -> None:
        self._signed = signed
        self._document: dict[str, Any] = signed["document"]
        self._texts = texts
        self._language = language
        self.title = self._say("title", case_id=self._document["case"]["case_id"])

    def story(self) -> list[Any]:
        """Everything, in order."""
        return [
            *self._cover(),
            PageBreak(),
            *self._summary(),
            *self._alerts(),
            *self._timeline(),
            *self._operations(),
            *self._holds(),
            *self._trace(),
            *self._audit(),
            *self._signature(),
        ]

    def _say(self, key: str, **values: object) -> str:
        return self._texts(self._language, f"casefile.{key}", **values)

    def _in(self, text: dict[str, str]) -> str:
        return text[self._language][:_LONG]

    def _value(self, group: str, value: str | None) -> str:
        """A closed word of the records in the reader's language; one that is not known stays as it is."""
        if value is None:
            return "–"
        key = f"casefile.{group}.{value}"
        return self._texts(self._language, key) if key in self._texts else value

    def _cover(self) -> list[Any]:
        case = self._document["case"]
        filing = case["filing"]
        rows = [
            (self._say("case_title"), case["title"][:_LONG]),
            (self._say("state"), self._value("states", case["state"])),
            (self._say("opened_at"), _time(case["opened_at"])),
            (self._say("owner"), case["owner"]),
            (self._say("prepared_at"), _time(self._document["prepared_at"])),
            (
                self._say("filing"),
                self._say(
                    "filed",
                    number=filing["proposal_id"],
                    maker=filing["maker"],
                    checker=filing["checker"],
                    at=_time(filing["approved_at"]),
                )
                if filing
                else self._say("not_filed"),
            ),
            (
                self._say("identities"),
                self._say("opened", n=len(self._document["identities_opened"]))
                if self._document["identities_opened"]
                else self._say("none_opened"),
            ),
        ]
        return [
            paragraph(self._say("center"), NOTE),
            paragraph(self.title, COVER),
            facts(rows),
            paragraph(self._say("not_claimed_head"), HEAD),
            *(paragraph(f"— {self._in(each)}") for each in self._document["does_not_claim"]),
        ]

    def _summary(self) -> list[Any]:
        summary = self._document["summary"]
        rows = [
            (self._say("alerts"), str(summary["alerts"])),
            (self._say("operations"), str(summary["operations"])),
            (self._say("payers"), str(summary["payers"])),
            (self._say("amount"), _money(summary["amount"])),
            (self._say("period"), f"{_time(summary['first_at'])} – {_time(summary['last_at'])}"),
        ]
        typologies = [(one["id"], self._in(one["name"]), str(one["alerts"])) for one in summary["typologies"]]
        return [
            paragraph(self._say("summary"), TITLE),
            facts(rows),
            columns((self._say("id"), self._say("typology"), self._say("alerts")), typologies, (50, 385, 70), (2,)),
        ]

    def _alerts(self) -> list[Any]:
        alerts = self._document["alerts"]
        told: list[Any] = [paragraph(self._say("alerts"), TITLE)]
        for alert in alerts[:_MOST_ALERTS]:
            told += self._alert(alert)
        if len(alerts) > _MOST_ALERTS:
            told.append(paragraph(self._say("left_out", n=len(alerts) - _MOST_ALERTS), NOTE))
        return told

    def _alert(self, alert: dict[str, Any]) -> list[Any]:
        return [
            paragraph(f"{alert['typology']['id']} · {self._in(alert['typology']['name'])}", HEAD),
            paragraph(self._in(alert["explanation"])),
            self._alert_facts(alert),
            self._signals(alert),
            self._evidence(alert),
        ]

    def _alert_facts(self, alert: dict[str, Any]) -> Any:
        rows = [
            (self._say("alert"), alert["alert_id"]),
            (self._say("when"), _time(alert["occurred_at"])),
            (self._say("institution"), f"{alert['institution']}, {alert['event_id']}"),
            (self._say("amount"), _money(alert["amount"])),
            (self._say("score"), f"{alert['score']} / {alert['risk']}"),
            (self._say("decision"), self._value("decisions", alert["decision"])),
            (self._say("outcome"), self._value("outcomes", alert["reason_code"] or "open")),
            (self._say("legal_basis"), alert["legal_basis"][:_LONG]),
            (
                self._say("rulebook"),
                f"{alert['rulebook']['version']}, {alert['rulebook']['digest']}, {alert['typology']['version']}",
            ),
        ]
        return facts(rows)

    def _signals(self, alert: dict[str, Any]) -> Any:
        rows = [
            (
                self._value("signal_states", signal["state"]),
                self._in(signal["text"]),
                signal["contribution"],
                "; ".join(f"{one['name']} = {one['value']} {one['unit']}" for one in signal["values"])[:_LONG],
            )
            for signal in alert["signals"]
        ]
        head = [self._say(name) for name in ("signal_state", "signal", "adds", "values")]
        return columns(head, rows, (55, 205, 50, 195), (2,))

    def _evidence(self, alert: dict[str, Any]) -> Any:
        if not alert["evidence"]:
            return paragraph(self._say("no_evidence"), NOTE)
        rows = [
            (
                _time(one["occurred_at"]),
                _money(one["amount"]),
                self._value("directions", one["direction"]),
                one["counterparty"] or "–",
                one["event"],
                one["place"] or "–",
            )
            for one in alert["evidence"][-_MOST_EVIDENCE:]
        ]
        head = [self._say(name) for name in ("time", "amount", "direction", "counterparty", "event", "place")]
        return columns(head, rows, (80, 78, 66, 100, 92, 90), (1,))

    def _timeline(self) -> list[Any]:
        told = [
            (one["occurred_at"], self._say("operation"), f"{one['event_id']} · {_money(one['amount'])}")
            for one in self._document["operations"]
        ]
        told += [
            (one["appended_at"], self._say("alert"), f"{one['typology']['id']} · {one['alert_id']}")
            for one in self._document["alerts"]
        ]
        told += [
            (state["at"], self._say("hold"), f"{self._value('hold_states', state['state'])} · {hold['event_id']}")
            for hold in self._document["holds"]
            for state in hold["states"]
        ]
        told += [(one["at"], self._say("act"), f"{one['action']} · {one['actor']}") for one in self._document["audit"]]
        ordered = sorted(told, key=lambda row: datetime.fromisoformat(row[0]))
        rows = [(_time(at), what, text) for at, what, text in ordered[:_MOST_ROWS]]
        return [
            paragraph(self._say("timeline"), TITLE),
            columns((self._say("time"), self._say("what"), self._say("which")), rows, (110, 95, 300)),
            *self._rest(ordered),
        ]

    def _operations(self) -> list[Any]:
        rows = [
            (_time(one["occurred_at"]), _money(one["amount"]), _whose(one["payer"]), _whose(one["payee"]))
            for one in self._document["operations"]
        ]
        table = self._table(("time", "amount", "payer", "payee"), rows, (62, 74, 182, 182), (1,))
        return [paragraph(self._say("operations"), TITLE), *table]

    def _holds(self) -> list[Any]:
        rows = [
            (
                hold["hold_id"][:12],
                self._value("decisions", hold["decision"]),
                _money(hold["amount"]),
                self._value("hold_states", state["state"]),
                _time(state["at"]),
                self._in(state["cause"]),
                _time(state["deadline"]),
            )
            for hold in self._document["holds"]
            for state in hold["states"]
        ]
        names = ("number", "decision", "amount", "state", "since", "cause", "deadline")
        return [paragraph(self._say("holds"), TITLE), *self._table(names, rows, (66, 74, 72, 66, 62, 92, 62), (2,))]

    def _trace(self) -> list[Any]:
        rows = [
            (
                str(row["hop"]), row["account"]["number"] or row["account"]["token"], _money(row["received"]),
                _money(row["still_there"]), _money(row["left"]),
            )
            for row in self._document["trace"]
        ]  # fmt: skip
        names = ("hop", "account", "received", "still_there", "left")
        return [
            paragraph(self._say("trace"), TITLE),
            paragraph(self._say("trace_how"), NOTE),
            *self._table(names, rows, (48, 187, 90, 90, 90), (2, 3, 4)),
        ]

    def _audit(self) -> list[Any]:
        rows = [
            (str(one["number"]), _time(one["at"]), f"{one['actor']} ({one['role']})", one["action"], one["hash"])
            for one in self._document["audit"]
        ]
        table = self._table(("number", "time", "actor", "act", "hash"), rows, (40, 90, 95, 90, 190), (0,))
        return [paragraph(self._say("audit"), TITLE), *table]

    def _signature(self) -> list[Any]:
        signature = self._signed["signature"]
        rows = [
            (self._say("digest"), self._signed["digest"]),
            (self._say("key"), f"{signature['algorithm']}, {signature['key_id']}: {signature['public_key']}"),
            (self._say("signature"), signature["value"]),
        ]
        return [
            paragraph(self._say("signature"), TITLE),
            paragraph(self._say("signature_how"), BODY),
            facts(rows),
        ]

    def _table(
        self, names: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], right: Sequence[int]
    ) -> list[Any]:
        """At most _MOST_ROWS rows under their heads, and how many more there are."""
        if not rows:
            return [paragraph(self._say("nothing"), NOTE)]
        head = [self._say(name) for name in names]
        return [columns(head, rows[:_MOST_ROWS], widths, right), *self._rest(rows)]

    def _rest(self, rows: Sequence[Any]) -> list[Any]:
        left = len(rows) - _MOST_ROWS
        return [paragraph(self._say("left_out", n=left), NOTE)] if left > 0 else []


def _whose(side: dict[str, Any]) -> str:
    party, account = side["party"], side["account"]
    lines = []
    if party is not None:
        lines.append(f"{party['name']}, {party['number']}" if party["number"] else party["token"])
    if account is not None:
        lines.append(account["number"] or account["token"])
    if side["institution"] is not None:
        lines.append(side["institution"])
    return "\n".join(lines)[:_LONG] or "–"


def _time(instant: str | None) -> str:
    if instant is None:
        return "–"
    return datetime.fromisoformat(instant).astimezone(KAZAKHSTAN).strftime("%d.%m.%Y %H:%M:%S")


def _money(amount: str) -> str:
    whole, _, rest = amount.partition(".")
    return f"{int(whole):,}".replace(",", " ") + f",{rest} ₸"
