"""The pyramid meter tells a pyramid from a crowd that pays for something, whatever order of batches it is shown in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.events import DAY_MS, KINDS, PARTY_KINDS
from rules.pyramid import MOST_PAYERS, Meter, Payment
from rules.pyramid_index import Day, MeterSettings, Reading, fit, forecast, read
from rules.rulebook_reading import packaged_procedure

START = 1_767_553_200_000  # midnight of 5 January 2026 in Kazakhstan
PERSON, COMPANY = PARTY_KINDS.index("person"), PARTY_KINDS.index("company")
COLLECTOR, SUPPLIER, FRIEND = 1, 2, 3
REGIONS = (10, 19, 31, 47, 61, 71, 75, 79)


def policy() -> MeterSettings:
    found = packaged_procedure().pyramid_meter
    assert found is not None
    return found


def pays(at: float, payer: int, payee: int, tenge: float, **said: object) -> Payment:
    """A payment at so many days from the start; regions follow from the payer."""
    fields: dict[str, object] = {
        "payer_kind": PERSON,
        "payee_kind": PERSON,
        "region": REGIONS[payer % len(REGIONS)],
        "kind": KINDS.index("transfer"),
        "of_pyramid": False,
        "of_expenses": False,
        "score": 0.0,
        **said,
    }
    return Payment(  # type: ignore[arg-type]
        payer=payer, payee=payee, payee_rest=7, amount=round(tenge * 100), moment=START + round(at * DAY_MS), **fields
    )


def shown(payments: Iterable[Payment], until: float | None = None) -> tuple[Meter, list[Reading]]:
    """The meter after payments in order of time, and what it told."""
    meter, rules, told = Meter(), policy(), []
    ordered = sorted(payments, key=lambda one: one.moment)
    for one in ordered:
        told += meter.due(one.moment - 1, rules)
        reading = meter.pay(one, rules)
        if reading is not None:
            told.append(reading)
    told += meter.due(ordered[-1].moment if until is None else START + round(until * DAY_MS), rules)
    return meter, told


def highest(payments: Iterable[Payment]) -> float:
    """The highest index that was ever told of the collector."""
    return max((one.index for one in shown(payments)[1] if one.key == COLLECTOR), default=0.0)


def pyramid(seed: int, *, words: bool = True, daily: float = 0.12, days: int = 35) -> list[Payment]:
    """Entrants grow by `daily`; everybody gets 7 % of what he has paid in, every week, while the money lasts."""
    rng = np.random.default_rng(seed)
    told: list[Payment] = []
    members: list[tuple[float, int, float]] = []
    for day in range(days):
        for _ in range(rng.poisson(6 * math.exp(daily * day))):
            payer, at = 1_000 + len(members), day + rng.uniform(0.4, 0.95)
            tenge = float(rng.choice([20_000, 50_000, 100_000]))
            members.append((at, payer, tenge))
            told.append(pays(at, payer, COLLECTOR, tenge, of_pyramid=words and rng.random() < 0.5))
    for at, payer, tenge in members:
        told += [pays(week, COLLECTOR, payer, tenge * 0.07) for week in np.arange(at + 7, days, 7).tolist()]
    return told


@pytest.mark.parametrize("seed", [11, 77])
@pytest.mark.parametrize("words", [True, False])
def test_a_pyramid_is_above_the_line_before_a_tenth_of_its_deposits(seed: int, words: bool) -> None:
    payments = pyramid(seed, words=words)
    _, told = shown(payments)
    crossed = next(one.moment for one in told if one.key == COLLECTOR and one.index >= one.line)
    deposits = [one for one in payments if one.payee == COLLECTOR]
    before = sum(one.amount for one in deposits if one.moment <= crossed) / sum(one.amount for one in deposits)
    assert before < 0.1
    last = [one for one in told if one.key == COLLECTOR][-1]
    assert last.monthly_rate == pytest.approx(0.3, abs=0.15)  # what was promised: 7 % a week
    assert last.still_there == last.money_in - last.money_out > 0
    assert last.forecast(policy())[0].people > last.entrants_a_day * 7  # it still grows


def trader() -> list[Payment]:
    """Customers come again, some get a refund, and the wholesaler and the tax office are paid."""
    rng = np.random.default_rng(1)
    told = []
    for number in range(900):
        at, customer = number / 15, int(rng.integers(1_000, 1_150))
        price = float(rng.choice([5_000, 10_000, 15_000]))
        told.append(pays(at, customer, COLLECTOR, price))
        if number % 40 == 7:
            told.append(pays(at + 0.1, COLLECTOR, customer, price))
        if number % 15 == 0:
            told.append(pays(at, COLLECTOR, SUPPLIER, 90_000, payee_kind=COMPANY))
    return told


def wedding() -> list[Payment]:
    """A family of 120 pays within four days; the hall is paid in advance and the rest taken in cash."""
    guests = [
        pays(number / 30, 1_000 + number, COLLECTOR, (20_000, 50_000, 100_000)[number % 3]) for number in range(120)
    ]
    cash = pays(5, COLLECTOR, 0, 2_000_000, kind=KINDS.index("cash_withdrawal"))
    return [*guests, pays(2, COLLECTOR, SUPPLIER, 900_000, payee_kind=COMPANY), cash]


def savings_circle() -> list[Payment]:
    """Twenty-four friends pay the holder 50,000 every month, and the pot goes to one of them in turn."""
    told = []
    for month in range(8):
        told += [pays(month * 30 + friend / 24, 1_000 + friend, COLLECTOR, 50_000) for friend in range(24)]
        told.append(pays(month * 30 + 2, COLLECTOR, 1_000 + month, 1_200_000))
    return told


def charity() -> list[Payment]:
    """The whole country pays round sums for an operation, ever more of them, and all of it is drawn in cash."""
    told, donor = [], 1_000
    for day in range(14):
        for number in range(5 * 2 ** (day // 2)):
            told.append(pays(day + number / 2_000, donor, COLLECTOR, (5_000, 10_000, 20_000)[number % 3]))
            donor += 1
        told.append(pays(day + 0.9, COLLECTOR, 0, 200_000, kind=KINDS.index("cash_withdrawal")))
    return told


def landlord() -> list[Payment]:
    """Forty tenants pay rent every month; those who leave get their deposit back."""
    told = []
    for month in range(6):
        told += [pays(month * 30 + tenant / 20, 1_000 + tenant, COLLECTOR, 150_000) for tenant in range(40)]
        told += [pays(month * 30 + 5, COLLECTOR, 1_000 + month * 3 + each, 150_000) for each in range(3)]
        told.append(pays(month * 30 + 6, COLLECTOR, SUPPLIER, 400_000, payee_kind=COMPANY))
    return told


def payroll() -> list[Payment]:
    """A firm pays three hundred people twice a month; some pay it for their lunches and loans; customers are firms."""
    told = [pays(day, 50 + day, COLLECTOR, 9_000_000, payer_kind=COMPANY) for day in range(60)]
    for fortnight in range(4):
        told += [pays(fortnight * 14 + 3, COLLECTOR, 1_000 + staff, 180_000) for staff in range(300)]
    told += [
        pays(day + number / 10, 1_000 + day * 7 + number, COLLECTOR, 3_000) for day in range(40) for number in range(3)
    ]
    return told


@pytest.mark.parametrize("life", [trader, wedding, savings_circle, charity, landlord, payroll])
def test_honest_people_who_collect_money_stay_below_the_line(life: Callable[[], list[Payment]]) -> None:
    payments = life()
    meter, _ = shown(payments)
    assert COLLECTOR in meter.watched, "a look-alike that nobody watches tests nothing"
    assert highest(payments) < policy().line


def test_a_crowd_alone_never_reaches_the_line() -> None:
    payments = charity()
    meter, told = shown(payments)
    assert COLLECTOR in meter.watched
    assert max(one.index for one in told) <= 48  # all parts that only say how a crowd pays
    assert all(one.parts["payouts"] == one.parts["returns"] == one.parts["words"] == 0 for one in told)


def streams() -> st.SearchStrategy[list[Payment]]:
    """Any payments among a few people around the collector, by kind, sum and moment."""
    one = st.builds(
        pays,
        st.integers(0, 40 * 24).map(lambda hour: hour / 24),
        st.integers(1, 60),
        st.integers(1, 60),
        st.sampled_from([500, 5_000, 20_000, 50_000, 333_333]),
        kind=st.sampled_from([KINDS.index(kind) for kind in ("transfer", "cash_withdrawal", "top_up", "card_payment")]),
        payee_kind=st.sampled_from([PERSON, COMPANY]),
        of_pyramid=st.booleans(),
        score=st.sampled_from([0.0, 0.0, 0.5]),
    )
    crowd = [pays(number / 10, 100 + number, COLLECTOR, 20_000) for number in range(20)]
    return st.lists(one, max_size=80).map(lambda some: sorted([*crowd, *some], key=lambda each: each.moment))


@settings(max_examples=60, deadline=None)
@given(streams())
def test_parts_add_up_to_an_index_between_0_and_100(payments: list[Payment]) -> None:
    for one in shown(payments, until=60)[1]:
        assert 0 <= one.index <= 100
        assert one.index == pytest.approx(sum(one.parts.values()))
        for points in policy().points:
            assert 0 <= one.parts[points.part] <= points.most


@settings(max_examples=600, deadline=None)
@given(streams(), st.integers(0, 40), st.sampled_from([1_000, 100_000, 10_000_000]))
def test_a_supplier_paid_more_never_raises_the_index(payments: list[Payment], day: int, tenge: int) -> None:
    # A collector whom nobody pays for the whole window is forgotten and has no index to compare: this one is paid.
    remembered = [*payments, *(pays(week * 7, 100, COLLECTOR, 20_000) for week in range(1, 6))]
    bill = pays(day + 0.5, COLLECTOR, SUPPLIER + 10_000, tenge, payee_kind=COMPANY)
    assert at_end([*remembered, bill]).index <= at_end(remembered).index


def at_end(payments: list[Payment]) -> Reading:
    meter, _ = shown(payments)
    collector = meter.watched.get(COLLECTOR) or meter.candidates[COLLECTOR]
    moment = START + 41 * DAY_MS - 1
    return read(COLLECTOR, collector, moment, policy(), below=[], index_of=meter.index_of)


@settings(max_examples=30, deadline=None)
@given(streams(), st.integers(0, 100))
def test_a_snapshot_changes_nothing(payments: list[Payment], cut: int) -> None:
    rules = policy()

    def told(meter: Meter, some: list[Payment]) -> list[Reading]:
        found: list[Reading] = []
        for one in some:
            found += meter.due(one.moment - 1, rules)
            reading = meter.pay(one, rules)
            found += [reading] if reading is not None else []
        return found

    whole, first = Meter(), Meter()
    expected = told(whole, payments)
    seen = told(first, payments[:cut])
    second = Meter.restored(first.saved())
    seen += told(second, payments[cut:])
    assert repr(seen) == repr(expected)  # by text: NaN is NaN
    assert second.saved() == whole.saved()


def test_a_large_crowd_is_estimated_from_a_bounded_sample() -> None:
    meter, _ = shown(pays(number / 5_000, 1_000 + number, COLLECTOR, 10_000) for number in range(30_000))
    collector = meter.watched[COLLECTOR]
    assert len(collector.payers) <= MOST_PAYERS
    assert collector.people == pytest.approx(30_000, rel=0.15)
    assert collector.money_in == 30_000 * 1_000_000


def growing(rng: np.random.Generator, rate: float, days: int, reach: float) -> list[int]:
    """Entrants a day of a crowd that grows by `rate` and dies down towards `reach` people; overdispersed."""
    counts: list[int] = []
    for day in range(days):
        room = max(0.0, 1 - sum(counts) / reach)
        counts.append(int(rng.poisson(8 * math.exp(rate * day) * room * rng.gamma(10, 0.1))))
    return counts


def test_the_forecast_is_near_on_growth_it_has_not_seen() -> None:
    rng = np.random.default_rng(20260105)
    errors: dict[int, list[float]] = {7: [], 30: []}
    inside: dict[int, list[bool]] = {7: [], 30: []}
    for _ in range(300):
        counts = growing(rng, rng.uniform(0.02, 0.15), 44, 86_000)
        known = {20_000 + day: Day(entrants=count) for day, count in enumerate(counts[:14])}
        growth = fit(known, 20_013)
        if growth is None:
            continue
        for one in forecast(growth, sum(counts[:14]), 1.0, 86_000):
            truth = sum(counts[14 : 14 + one.days])
            errors[one.days].append(abs(one.people - truth) / max(truth, 1))
            inside[one.days].append(one.people_low <= truth <= one.people_high)
    medians = {days: float(np.median(found)) for days, found in errors.items()}
    covered = {days: float(np.mean(found)) for days, found in inside.items()}
    # Two weeks of days tell the next week well and the next month badly; the limits say so themselves.
    assert medians[7] < 0.3
    assert medians[30] < 0.8
    assert covered[7] > 0.8
    assert covered[30] > 0.8


def test_settings_in_which_a_crowd_alone_is_a_pyramid_are_refused() -> None:
    said = policy().model_dump()
    with pytest.raises(ValueError, match="a charity would be a pyramid"):
        MeterSettings.model_validate({**said, "line": 45})
    with pytest.raises(ValueError, match="add up to 100"):
        MeterSettings.model_validate({**said, "points": [{**one, "most": 9.0} for one in said["points"]]})
