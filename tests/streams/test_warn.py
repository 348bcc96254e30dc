"""The warn agent: nobody is warned too often, nobody held out is warned, and the effect is what a slow count finds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.events import DAY_MS
from rules.rulebook import Rulebook
from rules.warning import Arm, effect, held_out
from streams.cli.warnings import together
from streams.contracts.warning import Warning, WarningEffect
from streams.following import Outgoing
from streams.tokens import demo_keys
from streams.warn import Warn
from tests.streams.judged import Event, judged, rulebook

KEY = demo_keys()[0]
START = 1_795_158_000_000
COLLECTOR, OTHER = 900_001, 900_002
PYRAMID = {"T02": (1.0, "warn")}
CALL = {"T06": (1.0, "hold")}


def policy() -> Any:
    told = rulebook().procedure.warning_policy
    assert told is not None
    return told


def payment(number: int, payer: int, payee: int = COLLECTOR, days: float = 0.0, **more: Any) -> Event:
    at = (START + round(days * DAY_MS), 0)
    return Event(event_id=f"e-{number}".encode(), at=at, payer=payer, payee=payee, **more)


def told(records: Iterable[Outgoing], kind: str) -> list[dict[str, Any]]:
    every = [json.loads(record.value) for record in records]
    return [one for one in every if one["type"] == kind]


def somebody(*, left_out: bool, payee: int = COLLECTOR, after: int = 0) -> int:
    share = policy().hold_out_share
    return next(payer for payer in range(after + 1, 10_000) if held_out(payer, payee, share) is left_out)


def test_a_payer_is_warned_once_in_three_languages_and_with_the_alerts_id() -> None:
    agent, payer = Warn(KEY), somebody(left_out=False)
    records = agent.take(judged([payment(1, payer, findings=PYRAMID), payment(2, payer, days=1, findings=PYRAMID)]))
    (warning,) = [Warning.model_validate(one) for one in told(records, "warning")]
    assert (warning.rule, warning.typology, warning.event_id) == ("pyramid", "T02", "e-1")
    assert warning.payer == KEY.text((payer, payer))
    assert warning.text.kk != warning.text.ru != warning.text.en
    assert records[0].key == warning.warning_id.encode()


def test_the_language_is_that_of_the_region() -> None:
    agent, payer = Warn(KEY), somebody(left_out=False)
    other = somebody(left_out=False, after=payer)
    batch = [payment(1, payer, payer_region=59, findings=PYRAMID), payment(2, other, payer_region=61, findings=PYRAMID)]
    assert [one["language"] for one in told(agent.take(judged(batch)), "warning")] == ["ru", "kk"]


def test_nobody_is_held_out_of_a_warning_of_coercion() -> None:
    agent, payer = Warn(KEY), somebody(left_out=True)
    assert told(agent.take(judged([payment(1, payer, findings=PYRAMID)])), "warning") == []
    assert len(told(agent.take(judged([payment(2, payer, OTHER, findings=CALL)])), "warning")) == 1


def test_a_typology_on_trial_and_a_repeat_warn_nobody() -> None:
    agent, payer = Warn(KEY), somebody(left_out=False)
    batch = judged([payment(1, payer, findings=PYRAMID)])
    batch.findings["shadow"] = 1
    assert agent.take(batch) == []
    assert agent.take(judged([payment(1, payer, findings=PYRAMID, state=2)])) == []


PAYMENTS = st.lists(
    st.tuples(
        st.integers(0, 25), st.sampled_from([COLLECTOR, OTHER, OTHER + 1, OTHER + 2, OTHER + 3]),
        st.floats(0, 60), st.booleans(), st.integers(1, 10_000_000),
    ),
    max_size=120,
)  # fmt: skip


def as_events(payments: list[tuple[int, int, float, bool, int]]) -> list[Event]:
    people = [7_001 + number for number in range(26)]
    made = []
    for number, (who, payee, days, found, amount) in enumerate(sorted(payments, key=lambda one: one[2])):
        findings = {"findings": PYRAMID} if found else {}
        made.append(payment(number, people[who], payee, days, amount_kzt=amount, **findings))
    return made


@given(PAYMENTS)
@settings(max_examples=60, deadline=None)
def test_the_cap_holds_and_nobody_held_out_is_warned(payments: list[tuple[int, int, float, bool, int]]) -> None:
    agent, rules = Warn(KEY), policy()
    events = as_events(payments)
    warnings = [Warning.model_validate(one) for one in told(agent.take(judged(events)), "warning")] if events else []
    subjects = {event[role] for event in events for role in ("payer", "payee")}
    tokens = {KEY.text((subject, subject)): subject for subject in subjects}
    of: dict[str, list[float]] = {}
    for warning in warnings:
        assert not held_out(tokens[warning.payer], tokens[warning.payee], rules.hold_out_share)
        of.setdefault(warning.payer, []).append(warning.at.timestamp() * 1000)
    for times in of.values():
        for at in times:
            assert sum(at - rules.cap_days * DAY_MS < each <= at for each in times) <= rules.cap


@given(PAYMENTS, st.integers(0, 120))
@settings(max_examples=60, deadline=None)
def test_batches_and_snapshots_change_nothing(payments: list[tuple[int, int, float, bool, int]], cut: int) -> None:
    events = as_events(payments)
    end = (START + 100 * DAY_MS, 0)
    whole, parted = Warn(KEY), Warn(KEY)
    expected = [*(whole.take(judged(events)) if events else []), *whole.advance(end)]
    found: list[Outgoing] = []
    for part in (events[:cut], events[cut:]):
        found += parted.take(judged(part)) if part else []
        restored = Warn(KEY)
        restored.restore(*parted.state())
        parted = restored
    found += parted.advance(end)
    assert found == expected
    assert parted.state() == whole.state()


@given(PAYMENTS)
@settings(max_examples=60, deadline=None)
def test_the_effect_is_what_a_slow_count_finds(payments: list[tuple[int, int, float, bool, int]]) -> None:
    events, rules = as_events(payments), policy()
    agent = Warn(KEY)
    records = [*(agent.take(judged(events)) if events else []), *agent.advance((START + 100 * DAY_MS, 0))]
    latest = {one["payee"]: WarningEffect.model_validate(one) for one in told(records, "warning_effect")}
    warned = {(one["payer"], one["payee"], one["event_id"]) for one in told(records, "warning")}
    for payee in {event["payee"] for event in events if "findings" in event}:
        token = KEY.text((payee, payee))
        expected = {"warned": [0, 0, 0.0], "held": [0, 0, 0.0]}
        since: dict[int, float] = {}
        for number, event in enumerate(events):
            if event["payee"] != payee or "findings" not in event:
                continue
            payer, at = event["payer"], event["at"][0]
            if payer in since and at - since[payer] < rules.once_days * DAY_MS:
                continue
            since[payer] = at
            out = held_out(payer, payee, rules.hold_out_share)
            if not out and (KEY.text((payer, payer)), token, event["event_id"].decode()) not in warned:
                continue  # passed over
            later = [
                other["amount_kzt"]
                for other in events[number + 1 :]
                if other["payee"] == payee
                and other["payer"] == payer
                and at < other["at"][0] < at + rules.effect_days * DAY_MS
            ]
            group = expected["held" if out else "warned"]
            group[0] += 1
            group[1] += bool(later)
            group[2] += sum(later) / 100
        said = latest[token]
        assert [said.warned_measured, said.warned_paid_again] == expected["warned"][:2]
        assert [said.held_out_measured, said.held_out_paid_again] == expected["held"][:2]
        assert said.warned_tenge == pytest.approx(expected["warned"][2])
        assert said.held_out_tenge == pytest.approx(expected["held"][2])


def test_the_interval_is_newcombes() -> None:
    # The example of Newcombe (1998), table II, (a): 56 of 70 against 48 of 80, method 10: 0.0524 to 0.3339.
    found = effect(Arm(70, 70, 56, 0.0, 0.0), Arm(80, 80, 48, 0.0, 0.0))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    assert math.isnan(effect(Arm(1, 1, 1, 1.0, 1.0), Arm()).difference)
    assert together([])[0].people == 0


def test_a_twentieth_of_all_pairs_is_held_out() -> None:
    share = policy().hold_out_share
    count = sum(held_out(payer, payee, share) for payer in range(1, 401) for payee in range(1, 51))
    assert abs(count / 20_000 - share) < 4 * math.sqrt(share * (1 - share) / 20_000)
    assert isinstance(rulebook(), Rulebook)
