"""A network of droppers: young accounts on a few telephones, money that is gone in minutes, and where it goes."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from simulator.writer import labels_beside
from tests.scenarios.planted import at, listed
from tests.scenarios.played import KEY, SHAPES, Played, add, person_token, played, simulated, subject_of

pytestmark = pytest.mark.kafka

CASE = "T05-dropper-network-1"


def runner(file: Path) -> str:
    """The IIN of whom the droppers pay most often."""
    with labels_beside(file).open(encoding="utf-8", newline="") as rows:
        own = {row["event_id"] for row in csv.DictReader(rows) if row["case"] == CASE}
    events = [event for line in file.read_bytes().splitlines() if (event := json.loads(line))["event_id"] in own]
    # On the recruiters' telephones people pay runners; the exchange that the heads pay is a company.
    named = [event for event in events if "device" in event and event.get("payee", {}).get("id", "0000C")[4] in "0123"]
    return str(Counter(event["payee"]["id"] for event in named).most_common(1)[0][0])


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("network")
    file = simulated(folder, "dropper-network", people=600, days=7, seed=19)
    add(file, [listed("runner", at(3, 9), runner(file), "dropper_confirmed")])
    with played(folder, file, partitions=2) as found:
        yield found


def droppers(network: Played) -> set[str]:
    """The tokens of those in the case whom victims pay and who pay onward."""
    moved = [event for event in network.frauds(CASE) if event["type"] == "transaction" and "payee" in event]
    payers = {event["payer"]["id"] for event in moved}
    return {person_token(event["payee"]["id"]) for event in moved if event["payee"]["id"] in payers}


@pytest.mark.parametrize("typology", ["T03", "T04"])
def test_droppers_are_named_by_what_their_accounts_do(network: Played, typology: str) -> None:
    assert typology in network.typologies_of(CASE)
    assert {subject_of(alert) for alert in network.alerts_of(typology)} & droppers(network)


def test_several_accounts_on_one_device_are_named_by_the_device(network: Played) -> None:
    devices = {event["device"]["id"] for event in network.frauds(CASE) if "device" in event}
    tokens = {KEY.text(KEY.token("device", device)) for device in devices}
    assert {subject_of(alert) for alert in network.alerts_of("T05")} & tokens


def test_a_dropper_once_listed_is_named_by_t20(network: Played) -> None:
    """The police knows one of the runners on the fourth day: what went through his account, and what still comes."""
    (entry,) = [event for event in network.events if event["event_id"] == "runner"]
    known = person_token(entry["entries"][0]["subject"]["id"])
    about = [alert for alert in network.alerts_of("T20") if subject_of(alert) == known]
    assert about
    assert all(datetime.fromisoformat(alert["occurred_at"]) >= datetime.fromisoformat(at(3, 9)) for alert in about)


def test_trace_finds_the_layers_with_the_chain_as_evidence(network: Played) -> None:
    events = {(event["institution"], event["event_id"]): event for event in network.frauds("T")
              if event["type"] == "transaction"}  # fmt: skip
    chains = [
        alert for alert in network.traced("chain") if network.case(alert["event_id"]).startswith(("T05", "T15", "T17"))
    ]
    assert chains
    for alert in chains:
        assert alert["typology"]["id"] == "T15"
        times = [datetime.fromisoformat(entry["occurred_at"]) for entry in alert["evidence"]]
        last = events[alert["institution"], alert["event_id"]]
        assert len(times) >= 3, "more than a receipt and a payment"
        assert max(times) <= datetime.fromisoformat(last["occurred_at"])
    assert any(len({entry["source"]["topic"] for entry in alert["evidence"]}) >= 2 for alert in chains), "across banks"
    assert {SHAPES[alert["signals"][0]["id"]] for alert in network.traced()} >= {"chain"}


def test_the_chain_played_from_beginning_to_end_is_found(network: Played) -> None:
    """The case T15: victims, five to eight hands, cash. An alert names it before the cash is drawn."""
    case = [event for event in network.frauds("T15-chain-1") if event["type"] == "transaction"]
    found = [alert for alert in network.traced("chain") if network.case(alert["event_id"]) == "T15-chain-1"]
    assert found
    own = {KEY.text(KEY.token("person", event[side]["id"])) for event in case for side in ("payer", "payee")
           if side in event}  # fmt: skip
    assert {subject_of(alert) for alert in found} <= own
