"""Groups active alerts that hang together into campaigns, as they come in.

An alert goes where the last one with the same payee went, else the same device, else the same phone, else the same
text, if that was no more than 30 days earlier or later by the time of their events; else it begins a campaign. Where an
event has no payee (cash is drawn) its payer stands last. Two campaigns never become one: the work that somebody has
begun on one of them would move away. The text is that of the purpose, by the hashes of its first words; fewer than
three words are nobody's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, select, update

from console.store.among import among
from console.store.ids import next_id
from console.store.tables import alert_parties, alerts, campaign_links, campaigns
from console.store.upserts import Row, chunks, put

WINDOW_MS: Final = 30 * 86_400_000
LEAST_WORDS: Final = 3
_WORD_BITS: Final = 16
_WORDS: Final = 4

Feature = tuple[str, int]  # kind, key


class Link(NamedTuple):
    """To which campaign a feature leads, and the time of the last event that had it."""

    campaign_id: int
    last_at: int


@dataclass(slots=True)
class Grouped:
    """What campaigns need to know of one alert; `words` are those of its operation, 0 where they are not known."""

    seq: int
    typology: str
    institution: str
    event_id: str
    occurred_at: int
    amount: int
    severity: int
    payer: int | None
    payee: int | None
    device: int | None
    phone: int | None
    words: int = 0

    def features(self) -> list[Feature]:
        """By what it may belong to others, the strongest first."""
        named = [("payee", self.payee), ("device", self.device), ("phone", self.phone)]
        if is_telling(self.words):
            named.append(("text", self.words))
        if self.payee is None:
            named.append(("payer", self.payer))
        return [(kind, key) for kind, key in named if key is not None]


def is_telling(words: int) -> bool:
    """Whether a purpose has words enough to tell one from another.

    >>> is_telling(0x0001_0002_0003), is_telling(0x0002_0003), is_telling(-1)
    (True, False, True)
    """
    return sum((words >> _WORD_BITS * place) & 0xFFFF != 0 for place in range(_WORDS)) >= LEAST_WORDS


def group(connection: Connection, found: Sequence[Grouped]) -> dict[int, int]:
    """The campaign of each of these alerts, by `seq`; call it before they are inserted, then `count` them in."""
    book = _Book(connection)
    book.read({feature for alert in found for feature in alert.features()})
    given = {alert.seq: book.campaign_of(alert) for alert in found if alert.features()}
    book.write()
    return given


def count(connection: Connection, found: Sequence[Grouped], given: dict[int, int]) -> None:
    """Add alerts, not yet inserted, to the figures of the campaigns that `group` gave them."""
    ids = set(given.values())
    rows = {row["campaign_id"]: dict(row) for row in _rows(connection, ids)}
    events, payers = _events(connection, found, ids), _payers(connection, found, ids)
    for alert in found:
        if alert.seq not in given:
            continue
        row = rows[given[alert.seq]]
        _add(row, alert)
        event = (row["campaign_id"], alert.institution, alert.event_id)
        if event not in events:
            events.add(event)
            row["amount"] += alert.amount
        if alert.payer is not None and (row["campaign_id"], alert.payer) not in payers:
            payers.add((row["campaign_id"], alert.payer))
            row["victims"] += 1
    put(connection, campaigns, list(rows.values()), keep=("case_id",))


def regroup(connection: Connection, alert: Grouped, campaign_id: int) -> int:
    """The campaign of an alert whose text has only now become known, moved there where it stood alone."""
    if not is_telling(alert.words):
        return campaign_id
    book = _Book(connection)
    book.read({("text", alert.words)})
    link = book.fresh(("text", alert.words), alert.occurred_at)
    alone = connection.execute(
        select(campaigns.c.alerts).where(campaigns.c.campaign_id == campaign_id, campaigns.c.case_id.is_(None))
    ).scalar()
    if link is None or link.campaign_id == campaign_id or alone != 1:
        book.lead(alert, campaign_id, (("text", alert.words),))
        book.write()
        return campaign_id
    given = {alert.seq: link.campaign_id}
    connection.execute(update(alerts).where(alerts.c.seq == alert.seq).values(campaign_id=None))
    connection.execute(
        update(campaign_links).where(campaign_links.c.campaign_id == campaign_id).values(campaign_id=link.campaign_id)
    )
    connection.execute(delete(campaigns).where(campaigns.c.campaign_id == campaign_id))
    count(connection, [alert], given)
    connection.execute(update(alerts).where(alerts.c.seq == alert.seq).values(campaign_id=link.campaign_id))
    return link.campaign_id


@dataclass(slots=True)
class _Book:
    """Where each feature leads, as read from the store and as changed since."""

    connection: Connection
    links: dict[Feature, Link] = field(default_factory=dict)
    changed: set[Feature] = field(default_factory=set)
    begun: list[Row] = field(default_factory=list)

    def read(self, features: Iterable[Feature]) -> None:
        by_kind: dict[str, list[int]] = {}
        for kind, key in sorted(features):
            by_kind.setdefault(kind, []).append(key)
        for kind, keys in by_kind.items():
            for some in chunks(keys):
                chosen = select(campaign_links).where(campaign_links.c.kind == kind, campaign_links.c.key.in_(some))
                for row in self.connection.execute(chosen):
                    self.links[row.kind, row.key] = Link(row.campaign_id, row.last_at)

    def fresh(self, feature: Feature, at: int) -> Link | None:
        link = self.links.get(feature)
        return link if link is not None and abs(at - link.last_at) <= WINDOW_MS else None

    def campaign_of(self, alert: Grouped) -> int:
        features = alert.features()
        links = (self.fresh(feature, alert.occurred_at) for feature in features)
        link = next((link for link in links if link is not None), None)
        campaign_id = self._begin(alert, features[0]) if link is None else link.campaign_id
        self.lead(alert, campaign_id, features)
        return campaign_id

    def lead(self, alert: Grouped, campaign_id: int, features: Iterable[Feature]) -> None:
        """Let the features lead to a campaign, unless they lead elsewhere since not long ago."""
        for feature in features:
            link = self.fresh(feature, alert.occurred_at)
            if link is None or (link.campaign_id == campaign_id and link.last_at < alert.occurred_at):
                self.links[feature] = Link(campaign_id, alert.occurred_at)
            else:
                continue
            self.changed.add(feature)

    def write(self) -> None:
        put(self.connection, campaigns, self.begun)
        put(
            self.connection,
            campaign_links,
            [{"kind": kind, "key": key, **self.links[kind, key]._asdict()} for kind, key in sorted(self.changed)],
        )

    def _begin(self, alert: Grouped, feature: Feature) -> int:
        campaign_id = self.begun[-1]["campaign_id"] + 1 if self.begun else next_id(self.connection, campaigns)
        nothing = {"alerts": 0, "open_alerts": 0, "severity": 0, "amount": 0, "victims": 0, "typologies": ""}
        times = {"first_at": alert.occurred_at, "last_at": alert.occurred_at}
        self.begun.append({"campaign_id": campaign_id, "kind": feature[0], "key": feature[1], **times, **nothing})
        return campaign_id


def _add(row: dict[str, Any], alert: Grouped) -> None:
    row["first_at"] = min(row["first_at"], alert.occurred_at)
    row["last_at"] = max(row["last_at"], alert.occurred_at)
    row["severity"] = max(row["severity"], alert.severity) if row["open_alerts"] else alert.severity
    row["alerts"] += 1
    row["open_alerts"] += 1
    row["typologies"] = " ".join(sorted({*row["typologies"].split(), alert.typology}))


def _rows(connection: Connection, ids: set[int]) -> list[Any]:
    found: list[Any] = []
    for some in chunks(sorted(ids)):
        found += connection.execute(select(campaigns).where(campaigns.c.campaign_id.in_(some))).mappings()
    return found


def _events(connection: Connection, found: Sequence[Grouped], ids: set[int]) -> set[tuple[int, str, str]]:
    """(campaign, institution, event) of these alerts' events that have an alert in one of the campaigns already."""
    known: set[tuple[int, str, str]] = set()
    event = (alerts.c.institution, alerts.c.event_id)
    for asked in among(event, {(alert.institution, alert.event_id) for alert in found}):
        chosen = select(alerts.c.campaign_id, *event).where(asked, alerts.c.campaign_id.is_not(None))
        known.update((row[0], row[1], row[2]) for row in connection.execute(chosen) if row[0] in ids)
    return known


def _payers(connection: Connection, found: Sequence[Grouped], ids: set[int]) -> set[tuple[int, int]]:
    """(campaign, payer) of these alerts' payers who are counted in one of the campaigns already."""
    known: set[tuple[int, int]] = set()
    for some in chunks(sorted({alert.payer for alert in found if alert.payer is not None})):
        chosen = (
            select(alerts.c.campaign_id, alert_parties.c.key)
            .join(alerts, alerts.c.seq == alert_parties.c.seq)
            .where(alert_parties.c.key.in_(some), alert_parties.c.role == "payer", alerts.c.campaign_id.is_not(None))
            .distinct()
        )
        known.update((row[0], row[1]) for row in connection.execute(chosen) if row[0] in ids)
    return known
