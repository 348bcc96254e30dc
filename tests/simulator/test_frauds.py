"""Each fraud has the shape that its typology tells of, and each look-alike lacks what would make it one."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulator.country import Settings
from simulator.frauds import FRAUDS
from simulator.loans import BANK_WAITS_8, LENDER_WAITS_24, waiting_hours
from tests.simulator.written import Written, country

Event = dict[str, Any]


def when(event: Event) -> datetime:
    return datetime.fromisoformat(event["occurred_at"])


def tenge(event: Event) -> float:
    return float(event["amount"])


def paid(events: list[Event]) -> list[Event]:
    return [event for event in events if event["type"] == "transaction"]


def stages(events: list[Event]) -> dict[str, dict[str, Event]]:
    """Loan → stage → record; the money that came as a transaction counts as the stage `disbursement`."""
    found: dict[str, dict[str, Event]] = defaultdict(dict)
    for event in events:
        if event["type"] == "loan":
            found[event["loan_id"]][event["stage"]] = event
    for event in events:
        if event.get("kind") == "loan_disbursement":
            for steps in found.values():
                same = steps["application"]["borrower"]["id"] == event["payee"]["id"]
                earlier = "contract" in steps and when(steps["contract"]) <= when(event)
                if same and earlier and tenge(steps["contract"]) == tenge(event) and "disbursement" not in steps:
                    steps["disbursement"] = event
                    break
    return found


def test_called_victims_pay_strangers_within_hours(written: Written) -> None:
    for events in written.named("T06-called"):
        calls = [event for event in events if event["type"] == "call"]
        transfers = paid(events)
        assert calls
        assert transfers
        assert all(call["sign"] in ("spoofed", "scam") for call in calls)
        assert timedelta(0) < when(transfers[0]) - when(calls[-1]) < timedelta(hours=6)
        payer, drop = transfers[0]["payer"], transfers[0]["payee"]["account"]
        assert all(call["callee"].get("id", payer["id"]) == payer["id"] for call in calls)
        before = [event for event in written.events if event["occurred_at"] < transfers[0]["occurred_at"]]
        assert not any(
            event.get("payer", {}).get("id") == payer["id"] and event.get("payee", {}).get("account") == drop
            for event in before
        )


def test_loans_given_away_go_out_within_a_day_and_were_lent_rightly(written: Written) -> None:
    for events in written.named("T07-loan-given-away"):
        (steps,) = stages(events).values()
        out = [event for event in paid(events) if event["kind"] == "transfer"]
        came = steps["disbursement"]
        assert all(timedelta(0) < when(event) - when(came) < timedelta(hours=24) for event in out)
        assert 0.7 * tenge(came) < sum(tenge(event) for event in out) <= tenge(came)


def test_loans_despite_refusal_come_after_it_was_told(written: Written) -> None:
    for events in written.named("T08-despite-refusal"):
        (told,) = (event for event in events if event["type"] == "credit_refusals")
        (steps,) = stages(events).values()
        (entry,) = told["entries"]
        assert entry["action"] == "set"
        assert entry["id"] == steps["contract"]["borrower"]["id"]
        assert when(told) < when(steps["application"]) < when(steps["disbursement"])


def test_waits_are_broken_by_frauds_and_kept_by_everybody_else(written: Written) -> None:
    fraudulent = {
        event["loan_id"]
        for events in (*written.named("T09-wait-not-kept"), *written.named("T09-split-loan"))
        for event in events
        if event["type"] == "loan"
    }
    broken = 0
    for loan_id, steps in stages(written.events).items():
        contract = steps.get("contract")
        if contract is None or not contract["online"] or contract["secured"] or "disbursement" not in steps:
            continue
        hours = waiting_hours(contract["institution"].startswith("MFO"), tenge(contract))
        early = when(steps["disbursement"]) - when(contract) < timedelta(hours=hours)
        broken += early
        assert not early or loan_id in fraudulent
    assert broken


def test_split_loans_stay_under_the_limit_and_pass_it_together(written: Written) -> None:
    for events in written.named("T09-split-loan"):
        contracts = [event for event in events if event.get("stage") == "contract"]
        limit = LENDER_WAITS_24 if contracts[0]["institution"].startswith("MFO") else BANK_WAITS_8
        assert all(tenge(contract) < limit for contract in contracts)
        assert sum(map(tenge, contracts)) > limit
        assert when(contracts[-1]) - when(contracts[0]) < timedelta(hours=24)


def test_payees_of_blocked_resources_are_paid_after_the_block(written: Written) -> None:
    for events in written.named("T11-blocked-payee"):
        (block,) = (event for event in events if event["type"] == "blocked_resource")
        tied = {*block["tied"]["accounts"], *block["tied"]["wallets"]}
        to_tied = [event for event in paid(events) if event["payee"]["account"] in tied]
        assert len(to_tied) >= 3
        assert all(when(event) > when(block) for event in to_tied)


def test_convicted_collectors_are_listed_before_they_collect(written: Written) -> None:
    for events in written.named("T13-convicted-collector"):
        (told,) = (event for event in events if event["type"] == "list_entries" and event is events[0])
        (entry,) = told["entries"]
        assert entry["list"] == "convicted"
        assert entry["proof"] == "court_judgment"
        payers = {event["payer"]["id"] for event in paid(events) if event["payee"]["id"] == entry["subject"]["id"]}
        assert len(payers) >= 10


def test_lotteries_sell_equal_tickets_and_pay_few_prizes(written: Written) -> None:
    for events in written.named("T14-lottery"):
        organiser = Counter(event["payee"]["account"] for event in paid(events)).most_common(1)[0][0]
        tickets = [tenge(event) for event in paid(events) if event["payee"]["account"] == organiser]
        price = min(tickets)
        assert Counter(tickets)[price] > 0.6 * len(tickets)
        prizes = [event for event in paid(events) if event["payer"]["account"] == organiser]
        assert len(prizes) < len(tickets) / 5


@pytest.mark.parametrize("name", ["layering", "chain", "cycle", "scatter-gather", "fan-in-out"])
def test_every_form_of_layering_is_played(written: Written, name: str) -> None:
    for events in written.named(f"T15-{name}"):
        hops = [(event["payer"]["id"], event["payee"]["id"]) for event in paid(events) if "payee" in event]
        came, went = Counter(payee for _, payee in hops), Counter(payer for payer, _ in hops)
        if name == "cycle":
            assert {payer for payer, _ in hops} == {payee for _, payee in hops}
        elif name == "chain":
            assert sum(1 for one in came if one in went) >= 4
        else:
            hub = max(came.keys() | went.keys(), key=lambda one: came[one] + went[one])
            assert max(came[hub], went[hub]) >= 5


def test_crypto_exits_follow_what_came_in(written: Written) -> None:
    for events in written.named("T17-crypto-exit"):
        balance: dict[str, float] = defaultdict(float)
        for event in paid(events):
            if event["kind"] == "crypto_exchange":
                assert tenge(event) <= balance[event["payer"]["id"]]
                balance[event["payer"]["id"]] -= tenge(event)
            else:
                balance[event["payee"]["id"]] += tenge(event)


def test_impersonators_call_before_each_great_transfer(written: Written) -> None:
    for events in written.named("T18-impersonation"):
        calls = [when(event) for event in events if event["type"] == "call"]
        transfers = [event for event in paid(events) if event["kind"] == "transfer"]
        for event in transfers:
            assert any(timedelta(0) < when(event) - call < timedelta(hours=3) for call in calls)
        assert any(event.get("context", {}).get("own_deposit_broken") for event in transfers)


def test_balances_of_telephones_take_what_victims_paid(written: Written) -> None:
    for events in written.named("T19-mobile-balances"):
        top_ups = [event for event in paid(events) if event["kind"] == "top_up"]
        assert len(top_ups) >= 8
        assert len({event["payer"]["account"] for event in top_ups}) == 1
        stolen = sum(tenge(event) for event in paid(events) if event["kind"] == "transfer")
        assert sum(map(tenge, top_ups)) <= stolen


def test_listed_accounts_are_used_after_their_entry(written: Written) -> None:
    for events in written.named("T20-listed-account"):
        told = next(event for event in events if event["type"] == "list_entries")
        (entry,) = told["entries"]
        assert entry["list"] in ("black", "grey", "dropper_confirmed", "dropper_suspected")
        assert all(when(event) > when(told) for event in paid(events))
        subject = set(entry["subject"].values())
        assert any(subject & {event["payee"]["id"], event["payee"]["account"]} for event in paid(events))


def test_licensed_operators_are_listed_as_such(written: Written) -> None:
    licensed = {
        entry["subject"].get("id")
        for record in written.records("list_entries")
        for entry in record["entries"]
        if entry["list"] == "licensed"
    }
    for name in ("licensed-lottery", "licensed-bookmaker"):
        for events in written.named(name):
            (operator, _), *_ = Counter(event["payee"]["id"] for event in paid(events)).most_common(1)
            assert operator in licensed


def test_loans_for_a_purpose_are_paid_to_who_sells_it(written: Written) -> None:
    for name in ("loan-for-a-car", "loan-for-tuition", "debt-repaid"):
        spent = [event for events in written.named(name) for event in paid(events) if event["kind"] == "transfer"]
        assert spent, name


def test_failed_calls_end_in_small_payments(written: Written) -> None:
    for events in written.named("call-that-failed"):
        assert all(event["duration_seconds"] <= 35 for event in events if event["type"] == "call")
        assert all(tenge(event) <= 150_000 for event in paid(events))


def test_remittances_leave_the_country(written: Written) -> None:
    for events in written.named("remittances"):
        assert all(event["payee"]["id"][2] == ":" for event in paid(events))
        assert all("institution" not in event["payee"] for event in paid(events))


def test_parts_of_honest_cases_are_labelled_honest(written: Written) -> None:
    for row in written.labels:
        assert (row["label"] == "1") == row["case"].startswith("T")


def test_some_frauds_stay_outside_the_windows_and_say_so(tmp_path: Path) -> None:
    seen = country(tmp_path, Settings(days=4, people=2_000, seed=5, fraud_rate=15))
    evasive = {name.rpartition("-")[0] for name in seen.cases if "-evasive-" in name}
    assert evasive <= {f"T{fraud.typology:02d}-{fraud.name}-evasive" for fraud in FRAUDS if fraud.evasive}
    assert len(evasive) >= 4
    assert not [name for name in seen.cases if name.endswith("-evasive-1")]
    usual = [case for name, case in seen.cases.items() if name.startswith("T06-") and "-evasive-" not in name]
    hidden = seen.named("T06-called-evasive")
    assert len(hidden) < len(usual)
    for events in hidden:
        calls = [event for event in events if event["type"] == "call"]
        assert not calls or when(paid(events)[0]) - when(calls[-1]) > timedelta(hours=11)
