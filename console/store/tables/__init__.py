"""Every table of the case store, as SQLAlchemy Core describes it.

Instants are milliseconds since 1970 UTC (`…_at`), money is tiyn, tokens are their text form. The network and the money
are searched by `key`: the first 64 bits of a token, little-endian, as a signed integer (`console.store.keys`), which
is how histories and evidence know a subject. Documents are JSON as it came from its topic.
"""

from __future__ import annotations

from console.store.tables.alerts import (
    CONFIRMED,
    FRAUD_CONFIRMED,
    alert_parties,
    alerts,
    campaign_links,
    campaigns,
)
from console.store.tables.base import (
    metadata,
)
from console.store.tables.money import (
    claims,
    ledger,
    recalls,
)
from console.store.tables.operations import (
    activity,
    chain_events,
    feed_offsets,
    operations,
    tokens,
)
from console.store.tables.people import (
    audit,
    audit_heads,
    saved_filters,
    sessions,
    users,
)
from console.store.tables.procedure import (
    hold_events,
    holds,
    meter_readings,
    meters,
    necessity,
    notices,
    warning_effects,
    warnings,
)
from console.store.tables.registries import (
    identities,
    refusal_counts,
    refusal_records,
    registry_entries,
    rejected_counts,
    rejected_places,
)
from console.store.tables.work import (
    case_members,
    case_notes,
    cases,
    outbound,
    proposals,
    rulebook_activations,
    rulebook_drafts,
)

__all__ = [
    "CONFIRMED",
    "FRAUD_CONFIRMED",
    "activity",
    "alert_parties",
    "alerts",
    "audit",
    "audit_heads",
    "campaign_links",
    "campaigns",
    "case_members",
    "case_notes",
    "cases",
    "chain_events",
    "claims",
    "feed_offsets",
    "hold_events",
    "holds",
    "identities",
    "ledger",
    "metadata",
    "meter_readings",
    "meters",
    "necessity",
    "notices",
    "operations",
    "outbound",
    "proposals",
    "recalls",
    "refusal_counts",
    "refusal_records",
    "registry_entries",
    "rejected_counts",
    "rejected_places",
    "rulebook_activations",
    "rulebook_drafts",
    "saved_filters",
    "sessions",
    "tokens",
    "users",
    "warning_effects",
    "warnings",
]
