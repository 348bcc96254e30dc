"""A small fraud job as Faust's documentation teaches to write one: the baseline that plain_faust.py measures.

Models are Records, state is in Tables, transactions are sent on for their second key, alerts go to a topic. Each agent
reads and writes its Table once an event, and keeps the counts and sums of a day in hourly buckets in one small value,
so that a busy subject costs no more than a quiet one. It has no models, no identities, no order by event time, no
duplicates and no explanations. Settings come from the environment that plain_faust.py makes.
"""

import json
import os
import time
from datetime import datetime
from typing import Any

import faust

RUN = os.environ["PLAIN_FAUST_RUN"]
EVENTS = int(os.environ["PLAIN_FAUST_EVENTS"])
PARTITIONS = int(os.environ["PLAIN_FAUST_PARTITIONS"])

# Faust carries no types that mypy could follow, hence the ignores on its classes and decorators.


class Party(faust.Record):  # type: ignore[misc]
    """Who pays or is paid."""

    id: str | None = None
    account: str | None = None


class Transaction(faust.Record, serializer="json"):  # type: ignore[misc, call-arg]
    """The fields that the rules need."""

    event_id: str
    occurred_at: str
    amount: str
    payer: Party
    payee: Party


class Alert(faust.Record, serializer="json"):  # type: ignore[misc, call-arg]
    """A threshold was reached."""

    rule: str
    subject: str
    event_id: str
    value: float


app = faust.App(
    f"plain-{RUN}",
    broker=f"kafka://{os.environ['PLAIN_FAUST_BOOTSTRAP']}",
    store="memory://",
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    topic_disable_leader=True,
    web_enabled=False,
)
transactions = app.topic(f"plain-{RUN}-transactions", value_type=Transaction)
by_payee = app.topic(f"plain-{RUN}-by-payee", value_type=Transaction)
alerts = app.topic(f"plain-{RUN}-alerts", value_type=Alert)
payers = app.Table("payers", default=dict)
payees = app.Table("payees", default=dict)

THRESHOLDS = {  # (window in hours, what is measured) → threshold
    "payer": {(1, "count"): 4, (1, "sum"): 1_000_000, (24, "count"): 12, (24, "sum"): 2_000_000},
    "payee": {(1, "count"): 4, (1, "sum"): 1_000_000, (24, "count"): 12, (24, "sum"): 2_000_000},
}

Buckets = dict[str, list[float]]  # hour → [count, sum]
done = {"events": 0, "alerts": 0, "began": 0.0, "cpu": 0.0}


def add(buckets: Buckets, hour: int, amount: float) -> Buckets:
    """The buckets of the last 24 hours with one more amount."""
    kept = {key: value for key, value in buckets.items() if int(key) > hour - 24}
    count, total = kept.get(str(hour), (0, 0.0))
    kept[str(hour)] = [count + 1, total + amount]
    return kept


async def judge(role: str, subject: str, buckets: Buckets, hour: int, event_id: str) -> None:
    """Sends an alert for each threshold that is reached."""
    for (hours, measure), threshold in THRESHOLDS[role].items():
        column = 0 if measure == "count" else 1
        value = sum(bucket[column] for key, bucket in buckets.items() if int(key) > hour - hours)
        if value >= threshold:
            done["alerts"] += 1
            await alerts.send(value=Alert(f"{role}_{measure}_{hours}h", subject, event_id, value))


@app.agent(transactions)  # type: ignore[untyped-decorator]
async def judge_payers(stream: Any) -> None:
    """Four rules about the payer; the publisher keys transactions by payer."""
    async for transaction in stream:
        if not done["began"]:
            done["began"], done["cpu"] = time.perf_counter(), time.process_time()
        subject = transaction.payer.id or transaction.payer.account
        hour = int(datetime.fromisoformat(transaction.occurred_at).timestamp()) // 3600
        buckets = add(payers[subject], hour, float(transaction.amount))
        payers[subject] = buckets
        await judge("payer", subject, buckets, hour, transaction.event_id)
        await by_payee.send(key=transaction.payee.id or transaction.payee.account, value=transaction)


@app.agent(by_payee)  # type: ignore[untyped-decorator]
async def judge_payees(stream: Any) -> None:
    """Four rules about the payee, on the same transactions keyed by it."""
    async for transaction in stream:
        subject = transaction.payee.id or transaction.payee.account
        hour = int(datetime.fromisoformat(transaction.occurred_at).timestamp()) // 3600
        buckets = add(payees[subject], hour, float(transaction.amount))
        payees[subject] = buckets
        await judge("payee", subject, buckets, hour, transaction.event_id)
        done["events"] += 1
        if done["events"] == EVENTS:
            seconds = time.perf_counter() - done["began"]
            result = {
                "events": EVENTS,
                "alerts": done["alerts"],
                "seconds": seconds,
                "cpu_seconds": time.process_time() - done["cpu"],
                "events_per_s": EVENTS / seconds,
            }
            os.write(1, f"RESULT {json.dumps(result)}\n".encode())  # Faust turns sys.stdout into a log
            os._exit(0)  # the job never ends by itself, and stopping it is not what is measured


if __name__ == "__main__":
    app.main()
