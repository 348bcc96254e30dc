"""Every table of the case store, as SQLAlchemy Core describes it.

Instants are milliseconds since 1970 UTC (`…_at`), money is tiyn, tokens are their text form. The network and the money
are searched by `key`: the first 64 bits of a token, little-endian, as a signed integer (`console.store.keys`), which
is how histories and evidence know a subject. Documents are JSON as it came from its topic.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_TOKEN: Final = String(41)
_HASH: Final = String(32)
# What the queue sieves by; its indexes hold all of it, so that a filter that few alerts pass reads no row in vain.
_SIEVED: Final = (
    "typology", "institution", "assignee", "state", "snoozed_until", "subject_role", "occurred_at", "campaign_id",
)  # fmt: skip
_LED_BY: Final = (
    "typology",
    "institution",
    "assignee",
    "occurred_at",
    "campaign_id",
)  # filters that have indexes of their own
CONFIRMED: Final = ("confirmed", "mule", "victim", "returned_money")  # reason codes by which a fraud took place
# As SQLite compares it to a query's words, letter by letter: those that count confirmed frauds have this very text.
FRAUD_CONFIRMED: Final = text("reason_code IN ('confirmed', 'mule', 'victim', 'returned_money')")
_OPEN: Final = text("state <> 'closed'")
_RUNNING: Final = text("state <> 'closed' AND deadline_at IS NOT NULL")
_CLOSED: Final = text("state = 'closed'")
_WITH_PHONE: Final = text("phone IS NOT NULL")
_WITH_ACCOUNT: Final = text("payee_account IS NOT NULL")

# -- what the feed writes; nobody else does ---------------------------------------------------------------------------

feed_offsets = Table(
    "feed_offsets",
    metadata,
    Column("topic", String(249), primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),  # written in the transaction of the rows it covers
    Column("cluster", String(64), nullable=False),  # offsets mean nothing in another cluster
    Column("next_number", BigInteger),  # of `judged`: the number of the next event; what comes again is told by it
)

tokens = Table(  # every token met, by its first half
    "tokens",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("token", _TOKEN, nullable=False, unique=True),
    Column("kind", String(8), nullable=False),  # person, company, foreign, account, device, phone
)

operations = Table(  # one judged transaction or fact (rules.events.KINDS), as the center judged it
    "operations",
    metadata,
    Column("event", BigInteger, primary_key=True, autoincrement=False),  # EVENT["event"], signed
    Column("event_id", String(64), nullable=False),
    Column("institution", String(11), nullable=False),
    Column("topic", String(249), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("appended_at", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),  # index into rules.events.KINDS
    Column("channel", Integer, nullable=False),  # index into rules.events.CHANNELS; 255 not given
    Column("flags", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),  # tiyn, by the rates in force
    Column("purpose_code", Integer, nullable=False),
    Column("words", BigInteger, nullable=False),  # four 16-bit hashes of the purpose's first words, packed; 0: none
    Column("payer", BigInteger),  # keys
    Column("payee", BigInteger),
    Column("device", BigInteger),
    Column("phone", BigInteger),
    Column("payer_account", BigInteger),
    Column("payee_account", BigInteger),
    Column("payer_region", Integer, nullable=False),  # number of the ISO 3166-2:KZ region; 0 not given, 255 abroad
    Column("payee_region", Integer, nullable=False),
    Column("payer_institution", String(11)),
    Column("payee_institution", String(11)),
    Column("risk", Float, nullable=False),
    # With what the history of a subject needs, so that two thousand moves are read without their rows.
    Index("ix_operations_payer_moves", "payer", "occurred_at", "kind", "amount", "payee", "device", "phone"),
    Index("ix_operations_payee_moves", "payee", "occurred_at", "kind", "amount", "payer"),
    Index("ix_operations_device_uses", "device", "occurred_at", "payer"),
    Index(
        "ix_operations_phone_uses",
        "phone",
        "occurred_at",
        "payer",
        sqlite_where=_WITH_PHONE,
        postgresql_where=_WITH_PHONE,
    ),
    Index(
        "ix_operations_payee_account",  # a listed account is screened again by it
        "payee_account",
        "occurred_at",
        sqlite_where=_WITH_ACCOUNT,
        postgresql_where=_WITH_ACCOUNT,
    ),
    Index(None, "institution", "event_id"),
    Index(None, "occurred_at"),
)

campaigns = Table(  # alerts that hang together: one payee, device, phone or text
    "campaigns",
    metadata,
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(8), nullable=False),  # payee, device, phone, text; payer where an event has no payee
    Column("key", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),  # occurred_at of the first and the last alert
    Column("last_at", BigInteger, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("open_alerts", Integer, nullable=False),
    Column("severity", Integer, nullable=False),  # the highest of its open alerts
    Column("amount", BigInteger, nullable=False),  # of the events, each counted once
    Column("victims", Integer, nullable=False),  # different payers
    Column("typologies", String(200), nullable=False),  # ids in order, separated by a blank
    Column("case_id", BigInteger),
    Index(None, "kind", "key"),
    Index(None, "open_alerts", "severity", "last_at"),
)

campaign_links = Table(  # to which campaign alerts with this payee, device, phone or text went last
    "campaign_links",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),  # occurred_at of the last of them
    Index(None, "campaign_id"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", _HASH, primary_key=True),
    Column("seq", BigInteger, nullable=False, unique=True),  # order of arrival in this store: the id of live events
    Column("typology", String(4), nullable=False),
    Column("typology_version", String(32), nullable=False),
    Column("status", String(6), nullable=False),  # active, shadow
    Column("rulebook_digest", String(128), nullable=False),
    Column("institution", String(11), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("appended_at", BigInteger, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("score", Float, nullable=False),
    Column("risk", Float, nullable=False),
    Column("severity", Integer, nullable=False),  # 0 low, 1 medium, 2 high, 3 critical: console.store.severity
    Column("decision", String(8)),  # warn, step_up, hold, block
    Column("subject_role", String(6), nullable=False),
    Column("subject", BigInteger, nullable=False),  # keys
    Column("payer", BigInteger),
    Column("payee", BigInteger),
    Column("device", BigInteger),
    Column("phone", BigInteger),
    Column("region", Integer),  # payer_region of its operation, else payee_region; none: its operation is not known
    Column("campaign_id", BigInteger, ForeignKey("campaigns.campaign_id")),
    Column("deadline_at", BigInteger),  # of the hold it caused, while one runs
    Column("document", Text, nullable=False),  # the alert as published
    # what analysts do with it
    Column("state", String(9), nullable=False),  # new, assigned, snoozed, escalated, closed
    Column("assignee", String(64)),
    Column("snoozed_until", BigInteger),
    Column("reason_code", String(32)),  # of the closing: console.store.dispositions
    Column("closed_at", BigInteger),
    Column("case_id", BigInteger),
    Column("version", Integer, nullable=False),  # raised by every change: a stale form is refused
    CheckConstraint("state IN ('new','assigned','snoozed','escalated','closed')", name="state"),
    Index(None, "typology", "state", "seq"),
    Index(None, "subject", "seq"),
    Index(None, "campaign_id", "seq"),
    Index(None, "case_id"),
    Index(None, "institution", "event_id"),
    # Statistics read these three alone: a million alerts are counted without touching their documents.
    Index("ix_alerts_counted", "occurred_at", "status", "typology", "institution", "region", "reason_code", "amount"),
    Index("ix_alerts_grouped", "status", "typology", "institution", "region", "occurred_at", "reason_code", "amount"),
    Index(
        "ix_alerts_confirmed",
        "institution",
        "event_id",
        "occurred_at",
        "status",
        "amount",
        "reason_code",
        sqlite_where=FRAUD_CONFIRMED,
        postgresql_where=FRAUD_CONFIRMED,
    ),
    Index(
        "ix_alerts_queue",
        "status",
        "severity",
        "amount",
        "seq",
        "deadline_at",
        *_SIEVED,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index(
        "ix_alerts_clock",
        "status",
        "severity",
        "deadline_at",
        "amount",
        "seq",
        *_SIEVED,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    ),
    Index(
        "ix_alerts_closed",
        "status",
        "severity",
        "seq",
        "amount",
        *_SIEVED,
        sqlite_where=_CLOSED,
        postgresql_where=_CLOSED,
    ),
)

for _first in _LED_BY:
    _rest = tuple(name for name in _SIEVED if name != _first)
    Index(
        f"ix_alerts_queue_{_first}",
        *[alerts.c[name] for name in (_first, "status", "severity", "amount", "seq", "deadline_at", *_rest)],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    Index(
        f"ix_alerts_closed_{_first}",
        *[alerts.c[name] for name in (_first, "status", "severity", "seq", "amount", *_rest)],
        sqlite_where=_CLOSED,
        postgresql_where=_CLOSED,
    )

alert_parties = Table(  # whom an alert concerns, in whatever role: the subject page looks here
    "alert_parties",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("role", String(6), nullable=False),
)

chain_events = Table(  # hops of chains that alerts name: operations of people whom no alert concerns, and which stay
    "chain_events",
    metadata,
    Column("event", BigInteger, primary_key=True, autoincrement=False),
)

hold_events = Table(  # every state that a hold went through
    "hold_events",
    metadata,
    Column("hold_id", _HASH, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(10), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

holds = Table(  # the latest of them
    "holds",
    metadata,
    Column("hold_id", _HASH, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("decision", String(8), nullable=False),
    Column("state", String(10), nullable=False),
    Column("open", Boolean, nullable=False),
    Column("cause", String(48), nullable=False),
    Column("institution", String(11), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("payer", BigInteger),
    Column("payee", BigInteger),
    Column("since", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("clock", String(48), nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "open", "deadline_at"),
    Index("ix_holds_counted", "since", "decision", "state", "institution", "amount", "open", "hold_id"),
    Index(None, "institution", "event_id"),
    Index(None, "payee"),
    Index(None, "payer"),
)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", _HASH, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),  # open, done, withdrawn, unanswered
    Column("measure", String(48), nullable=False),
    Column("addressee", String(48), nullable=False),
    Column("typology", String(4), nullable=False),
    Column("alert_id", _HASH, nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Column("answer", String(10)),  # what an analyst wrote down of the addressee's answer: done, refused
    Column("answered_by", String(64)),
    Column("answered_at", BigInteger),
    Index(None, "outcome", "deadline_at"),
    Index(None, "subject"),
)

warnings = Table(
    "warnings",
    metadata,
    Column("warning_id", _HASH, primary_key=True),
    Column("payer", BigInteger, nullable=False),
    Column("payee", BigInteger, nullable=False),
    Column("institution", String(11), nullable=False),
    Column("rule", String(48), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "payee", "at"),
    Index(None, "payer", "at"),
    Index("ix_warnings_counted", "at", "rule", "institution"),
)

warning_effects = Table(  # the latest measurement for each payee and rule
    "warning_effects",
    metadata,
    Column("payee", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", String(48), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

meter_readings = Table(  # the pyramid meter over time
    "meter_readings",
    metadata,
    Column("collector", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("index", Float, nullable=False),
    Column("above", Boolean, nullable=False),
    Column("people", Integer, nullable=False),
    Column("money_in", BigInteger, nullable=False),
    Column("money_out", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_meter_readings_counted", "at", "above", "collector", "people", "money_in"),
)

meters = Table(  # the latest reading
    "meters",
    metadata,
    Column("collector", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("index", Float, nullable=False),
    Column("above", Boolean, nullable=False),
    Column("highest", Float, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "index"),
)

necessity = Table(
    "necessity",
    metadata,
    Column("record_id", _HASH, primary_key=True),
    Column("list", String(48), nullable=False),
    Column("typology", String(4), nullable=False),
    Column("alert_id", _HASH, nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "subject", "at"),
)

identities = Table(  # what stands behind a token, sealed as it came: only console.vault opens it
    "identities",
    metadata,
    Column("record_key", String(64), primary_key=True),  # the token, or the token and `/name`
    Column("sealed", LargeBinary, nullable=False),
)

registry_entries = Table(  # lists and blocked resources as their topics have them; identities stay in the topic
    "registry_entries",
    metadata,
    Column("registry", String(32), primary_key=True),  # lists, blocked_resources
    Column("entry_id", String(64), primary_key=True),
    Column("list", String(32), nullable=False),
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("action", String(10), nullable=False),  # set, withdrawn
    Column("publisher", String(11), nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proof", String(20)),
    Column("appeal", String(10)),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger),
    Column("recorded_at", BigInteger, nullable=False),
    Index(None, "subject"),
    Index(None, "list", "valid_to"),
)

refusal_counts = Table(  # credit refusals are millions: the console keeps how many a day, never whose
    "refusal_counts",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),  # of Kazakhstan's calendar, counted from 1970
    Column("action", String(10), primary_key=True),
    Column("entries", Integer, nullable=False),
)

refusal_records = Table(  # the records that were counted in them: one that comes again says nothing new
    "refusal_records",
    metadata,
    Column("publisher", String(11), primary_key=True),
    Column("event_id", String(64), primary_key=True),
)

rejected_counts = Table(  # what intake refused, by day, publisher and reason
    "rejected_counts",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("publisher", String(11), primary_key=True),
    Column("reason", String(48), primary_key=True),
    Column("events", Integer, nullable=False),
)

rejected_places = Table(  # what was counted in them, while it may still be told again
    "rejected_places",
    metadata,
    Column("topic", String(249), primary_key=True),  # of the refused record
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, nullable=False),
    Index(None, "day"),
)

activity = Table(  # judged transactions by day and institution: the share that is late, and what it moved
    "activity",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("institution", String(11), primary_key=True),
    Column("events", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
)

# -- people who work here ---------------------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("full_name", String(256), nullable=False),
    Column("role", String(10), nullable=False),
    Column("language", String(2), nullable=False),
    Column("password_hash", String(256)),  # argon2id; none for those who come by OIDC
    Column("totp_sealed", LargeBinary),  # the secret, sealed by the store's key
    Column("totp_last", BigInteger),  # the last counter used: a code works once
    Column("oidc_subject", String(256), unique=True),
    Column("enabled", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("role IN ('analyst','senior','compliance','auditor','admin')", name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", String(64), primary_key=True),  # SHA-256 of the cookie: a stolen store opens no session
    Column("username", String(64), ForeignKey("users.username"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index(None, "username"),
)

audit = Table(  # append-only; each entry's hash covers the one before
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("role", String(10), nullable=False),
    Column("action", String(64), nullable=False),
    Column("object_kind", String(32), nullable=False),
    Column("object_id", String(128), nullable=False),
    Column("reason", Text),
    Column("detail", Text, nullable=False),  # canonical JSON without personal data
    Column("request_id", String(36)),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index(None, "actor", "at"),
    Index(None, "object_kind", "object_id"),
    Index(None, "action", "at"),
)

audit_heads = Table(  # signed from time to time, to be kept elsewhere as well
    "audit_heads",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    Column("signature", String(128), nullable=False),  # Ed25519, hexadecimal
    Column("key_id", String(64), nullable=False),
)

# -- the work -------------------------------------------------------------------------------------------------------

cases = Table(
    "cases",
    metadata,
    Column("case_id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", String(256), nullable=False),
    Column("state", String(8), nullable=False),  # open, filed, closed
    Column("owner", String(64), ForeignKey("users.username"), nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("outcome", String(32)),
    Column("restricted", Boolean, nullable=False),  # need-to-know: only its members see it
    Column("version", Integer, nullable=False),
    CheckConstraint("state IN ('open','filed','closed')", name="state"),
    Index(None, "state", "opened_at"),
    Index(None, "owner", "state"),
)

case_members = Table(
    "case_members",
    metadata,
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), primary_key=True),
    Column("username", String(64), ForeignKey("users.username"), primary_key=True),
    Column("added_by", String(64), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Index(None, "username"),
)

case_notes = Table(
    "case_notes",
    metadata,
    Column("note_id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), nullable=False),
    Column("author", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "case_id", "at"),
)

proposals = Table(  # everything that takes two persons: filing, list entry, freeze order, distribution, rulebook
    "proposals",
    metadata,
    Column("proposal_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),  # filing, list_entry, freeze, distribution, rulebook, recall
    Column("case_id", BigInteger),
    Column("state", String(9), nullable=False),  # proposed, approved, refused, withdrawn, failed
    Column("maker", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("document", Text, nullable=False),  # what exactly is proposed, JSON; identities sealed
    Column("digest", String(64), nullable=False),  # SHA-256 of the document: what the checker saw is what is done
    Column("checker", String(64)),
    Column("checked_at", BigInteger),
    Column("answer", Text),
    CheckConstraint("checker IS NULL OR checker <> maker", name="two_persons"),
    CheckConstraint("state IN ('proposed','approved','refused','withdrawn','failed')", name="state"),
    Index(None, "kind", "state", "made_at"),
    Index(None, "case_id"),
)

outbound = Table(  # what the console sends to Kafka: written with the action, sent after it, until acknowledged
    "outbound",
    metadata,
    Column("outbound_id", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", String(249), nullable=False),
    Column("record_key", String(128)),
    Column("value", LargeBinary, nullable=False),  # sealed where it names a person (console.outbound)
    Column("made_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("failure", String(256)),
    Index(None, "sent_at", "outbound_id"),
)

saved_filters = Table(
    "saved_filters",
    metadata,
    Column("username", String(64), ForeignKey("users.username"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("query", Text, nullable=False),
)

claims = Table(  # what a victim says was lost, in a case
    "claims",
    metadata,
    Column("claim_id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), nullable=False),
    Column("claimant", BigInteger, nullable=False),
    Column("operation", BigInteger, nullable=False),  # the event that took it
    Column("amount", BigInteger, nullable=False),
    Column("state", String(9), nullable=False),  # open, withdrawn, settled
    Column("made_by", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    UniqueConstraint("case_id", "operation"),
    CheckConstraint("amount > 0", name="amount"),
)

ledger = Table(  # double entry: what is frozen, recovered, distributed; a transfer's postings add up to zero
    "ledger",
    metadata,
    Column("posting_id", BigInteger, primary_key=True, autoincrement=False),
    Column("transfer_id", BigInteger, nullable=False),
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), nullable=False),
    Column("account", String(96), nullable=False),  # frozen:KEY, held:CASE, claimant:KEY, outside
    Column("amount", BigInteger, nullable=False),  # tiyn; positive into the account
    Column("cause", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(64), nullable=False),
    Index(None, "case_id", "account"),
    Index(None, "transfer_id"),
)

recalls = Table(  # camt.056 requests: they close themselves when the money comes back
    "recalls",
    metadata,
    Column("recall_id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, ForeignKey("cases.case_id"), nullable=False),
    Column("operation", BigInteger, nullable=False, unique=True),
    Column("amount", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),  # open, part, closed, refused
    Column("made_at", BigInteger, nullable=False),
    Column("closed_by_event", BigInteger),
    Index(None, "state"),
)

rulebook_drafts = Table(
    "rulebook_drafts",
    metadata,
    Column("draft_id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", String(256), nullable=False),
    Column("author", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("base_digest", String(128), nullable=False),
    Column("files", Text, nullable=False),  # JSON: path → text, of what differs from the base
    Column("digest", String(128), nullable=False),
    Column("checked", Text),  # JSON: faults and examples as of `digest`
    Column("difference", Text),  # JSON: the diff report as of `digest`
    Column("state", String(9), nullable=False),  # draft, proposed, approved, refused
    Column("version", Integer, nullable=False),
)

rulebook_activations = Table(  # approved rulebooks on their way to the topic `rulebook`, and what became of them
    "rulebook_activations",
    metadata,
    Column("proposal_id", BigInteger, ForeignKey("proposals.proposal_id"), primary_key=True, autoincrement=False),
    Column("digest", String(128), nullable=False),
    Column("approved_at", BigInteger, nullable=False),
    Column("generation", BigInteger),  # once it is on the topic
    Column("effective_at", BigInteger),
    Column("failure", String(32)),  # why the last attempt did not succeed: away, refused
)
