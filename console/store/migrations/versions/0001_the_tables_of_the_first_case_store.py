"""The tables of the first case store"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From nothing to 0001."""
    op.create_table(
        "activity",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("institution", sa.String(length=11), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "institution", name=op.f("pk_activity")),
    )
    op.create_table(
        "alert_parties",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=6), nullable=False),
        sa.PrimaryKeyConstraint("key", "seq", name=op.f("pk_alert_parties")),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_kind", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_hash")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_action_at"), ["action", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_actor_at"), ["actor", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_object_kind_object_id"), ["object_kind", "object_id"], unique=False)

    op.create_table(
        "audit_heads",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "campaign_links",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_campaign_links")),
    )
    with op.batch_alter_table("campaign_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_links_campaign_id"), ["campaign_id"], unique=False)

    op.create_table(
        "campaigns",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("alerts", sa.Integer(), nullable=False),
        sa.Column("open_alerts", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("victims", sa.Integer(), nullable=False),
        sa.Column("typologies", sa.String(length=200), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaigns")),
    )
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaigns_kind_key"), ["kind", "key"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_campaigns_open_alerts_severity_last_at"),
            ["open_alerts", "severity", "last_at"],
            unique=False,
        )

    op.create_table(
        "feed_offsets",
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_feed_offsets")),
    )
    op.create_table(
        "hold_events",
        sa.Column("hold_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hold_id", "number", name=op.f("pk_hold_events")),
    )
    op.create_table(
        "holds",
        sa.Column("hold_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.String(length=48), nullable=False),
        sa.Column("institution", sa.String(length=11), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.BigInteger(), nullable=True),
        sa.Column("payee", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.String(length=48), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_holds")),
    )
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index(
            "ix_holds_counted",
            ["since", "decision", "state", "institution", "amount", "open", "hold_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_holds_institution_event_id"), ["institution", "event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_holds_open_deadline_at"), ["open", "deadline_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_holds_payee"), ["payee"], unique=False)
        batch_op.create_index(batch_op.f("ix_holds_payer"), ["payer"], unique=False)

    op.create_table(
        "identities",
        sa.Column("record_key", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("record_key", name=op.f("pk_identities")),
    )
    op.create_table(
        "meter_readings",
        sa.Column("collector", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.Float(), nullable=False),
        sa.Column("above", sa.Boolean(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("money_in", sa.BigInteger(), nullable=False),
        sa.Column("money_out", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collector", "at", name=op.f("pk_meter_readings")),
    )
    op.create_table(
        "meters",
        sa.Column("collector", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Float(), nullable=False),
        sa.Column("above", sa.Boolean(), nullable=False),
        sa.Column("highest", sa.Float(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collector", name=op.f("pk_meters")),
    )
    with op.batch_alter_table("meter_readings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_meter_readings_counted", ["at", "above", "collector", "people", "money_in"], unique=False
        )

    with op.batch_alter_table("meters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meters_index"), ["index"], unique=False)

    op.create_table(
        "necessity",
        sa.Column("record_id", sa.String(length=32), nullable=False),
        sa.Column("list", sa.String(length=48), nullable=False),
        sa.Column("typology", sa.String(length=4), nullable=False),
        sa.Column("alert_id", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_necessity")),
    )
    with op.batch_alter_table("necessity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_necessity_subject_at"), ["subject", "at"], unique=False)

    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("measure", sa.String(length=48), nullable=False),
        sa.Column("addressee", sa.String(length=48), nullable=False),
        sa.Column("typology", sa.String(length=4), nullable=False),
        sa.Column("alert_id", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("answered_by", sa.String(length=64), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notices_outcome_deadline_at"), ["outcome", "deadline_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_notices_subject"), ["subject"], unique=False)

    op.create_table(
        "operations",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("institution", sa.String(length=11), nullable=False),
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("appended_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("purpose_code", sa.Integer(), nullable=False),
        sa.Column("words", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.BigInteger(), nullable=True),
        sa.Column("payee", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.BigInteger(), nullable=True),
        sa.Column("phone", sa.BigInteger(), nullable=True),
        sa.Column("payer_account", sa.BigInteger(), nullable=True),
        sa.Column("payee_account", sa.BigInteger(), nullable=True),
        sa.Column("payer_region", sa.Integer(), nullable=False),
        sa.Column("payee_region", sa.Integer(), nullable=False),
        sa.Column("payer_institution", sa.String(length=11), nullable=True),
        sa.Column("payee_institution", sa.String(length=11), nullable=True),
        sa.Column("risk", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_operations")),
    )
    with op.batch_alter_table("operations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_operations_device_occurred_at"), ["device", "occurred_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_operations_institution_event_id"), ["institution", "event_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_operations_occurred_at"), ["occurred_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_operations_payee_occurred_at"), ["payee", "occurred_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_operations_payer_occurred_at"), ["payer", "occurred_at"], unique=False)
        batch_op.create_index(
            "ix_operations_phone",
            ["phone", "occurred_at"],
            unique=False,
            sqlite_where=sa.text("phone IS NOT NULL"),
            postgresql_where=sa.text("phone IS NOT NULL"),
        )

    op.create_table(
        "outbound",
        sa.Column("outbound_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("record_key", sa.String(length=128), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("outbound_id", name=op.f("pk_outbound")),
    )
    with op.batch_alter_table("outbound", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbound_sent_at_outbound_id"), ["sent_at", "outbound_id"], unique=False)

    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("maker", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("checker", sa.String(length=64), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed','approved','refused','withdrawn','failed')", name=op.f("ck_proposals_state")
        ),
        sa.CheckConstraint("checker IS NULL OR checker <> maker", name=op.f("ck_proposals_two_persons")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposals")),
    )
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proposals_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposals_kind_state_made_at"), ["kind", "state", "made_at"], unique=False)

    op.create_table(
        "refusal_counts",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "action", name=op.f("pk_refusal_counts")),
    )
    op.create_table(
        "registry_entries",
        sa.Column("registry", sa.String(length=32), nullable=False),
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("list", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("publisher", sa.String(length=11), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proof", sa.String(length=20), nullable=True),
        sa.Column("appeal", sa.String(length=10), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("registry", "entry_id", "subject", name=op.f("pk_registry_entries")),
    )
    with op.batch_alter_table("registry_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registry_entries_list_valid_to"), ["list", "valid_to"], unique=False)
        batch_op.create_index(batch_op.f("ix_registry_entries_subject"), ["subject"], unique=False)

    op.create_table(
        "rejected_counts",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("publisher", sa.String(length=11), nullable=False),
        sa.Column("reason", sa.String(length=48), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "publisher", "reason", name=op.f("pk_rejected_counts")),
    )
    op.create_table(
        "rejected_places",
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "offset", name=op.f("pk_rejected_places")),
    )
    with op.batch_alter_table("rejected_places", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rejected_places_day"), ["day"], unique=False)

    op.create_table(
        "rulebook_drafts",
        sa.Column("draft_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(length=256), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("base_digest", sa.String(length=128), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=128), nullable=False),
        sa.Column("checked", sa.Text(), nullable=True),
        sa.Column("difference", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", name=op.f("pk_rulebook_drafts")),
    )
    op.create_table(
        "tokens",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=41), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token", name=op.f("uq_tokens_token")),
    )
    op.create_table(
        "users",
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("full_name", sa.String(length=256), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=True),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_last", sa.BigInteger(), nullable=True),
        sa.Column("oidc_subject", sa.String(length=256), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('analyst','senior','compliance','auditor','admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_users")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_users_oidc_subject")),
    )
    op.create_table(
        "warning_effects",
        sa.Column("payee", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("payee", "rule", name=op.f("pk_warning_effects")),
    )
    op.create_table(
        "warnings",
        sa.Column("warning_id", sa.String(length=32), nullable=False),
        sa.Column("payer", sa.BigInteger(), nullable=False),
        sa.Column("payee", sa.BigInteger(), nullable=False),
        sa.Column("institution", sa.String(length=11), nullable=False),
        sa.Column("rule", sa.String(length=48), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("warning_id", name=op.f("pk_warnings")),
    )
    with op.batch_alter_table("warnings", schema=None) as batch_op:
        batch_op.create_index("ix_warnings_counted", ["at", "rule", "institution"], unique=False)
        batch_op.create_index(batch_op.f("ix_warnings_payee_at"), ["payee", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_warnings_payer_at"), ["payer", "at"], unique=False)

    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("typology", sa.String(length=4), nullable=False),
        sa.Column("typology_version", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=6), nullable=False),
        sa.Column("rulebook_digest", sa.String(length=128), nullable=False),
        sa.Column("institution", sa.String(length=11), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("appended_at", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("risk", sa.Float(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=True),
        sa.Column("subject_role", sa.String(length=6), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.BigInteger(), nullable=True),
        sa.Column("payee", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.BigInteger(), nullable=True),
        sa.Column("phone", sa.BigInteger(), nullable=True),
        sa.Column("region", sa.Integer(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("assignee", sa.String(length=64), nullable=True),
        sa.Column("snoozed_until", sa.BigInteger(), nullable=True),
        sa.Column("reason_code", sa.String(length=32), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('new','assigned','snoozed','escalated','closed')", name=op.f("ck_alerts_state")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"], name=op.f("fk_alerts_campaign_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("seq", name=op.f("uq_alerts_seq")),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alerts_assignee_state_seq"), ["assignee", "state", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_alerts_campaign_id_seq"), ["campaign_id", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_alerts_case_id"), ["case_id"], unique=False)
        batch_op.create_index(
            "ix_alerts_clock",
            [
                "status",
                "severity",
                "deadline_at",
                "amount",
                "seq",
                "typology",
                "institution",
                "assignee",
                "state",
                "snoozed_until",
                "subject_role",
                "occurred_at",
                "campaign_id",
            ],
            unique=False,
            sqlite_where=sa.text("state <> 'closed' AND deadline_at IS NOT NULL"),
            postgresql_where=sa.text("state <> 'closed' AND deadline_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_alerts_closed",
            [
                "status",
                "severity",
                "seq",
                "amount",
                "typology",
                "institution",
                "assignee",
                "state",
                "snoozed_until",
                "subject_role",
                "occurred_at",
                "campaign_id",
            ],
            unique=False,
            sqlite_where=sa.text("state = 'closed'"),
            postgresql_where=sa.text("state = 'closed'"),
        )
        batch_op.create_index(
            "ix_alerts_counted",
            ["occurred_at", "status", "typology", "institution", "region", "reason_code", "amount"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_alerts_institution_event_id"), ["institution", "event_id"], unique=False)
        batch_op.create_index(
            "ix_alerts_queue",
            [
                "status",
                "severity",
                "amount",
                "seq",
                "deadline_at",
                "typology",
                "institution",
                "assignee",
                "state",
                "snoozed_until",
                "subject_role",
                "occurred_at",
                "campaign_id",
            ],
            unique=False,
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        )
        batch_op.create_index(batch_op.f("ix_alerts_state_snoozed_until"), ["state", "snoozed_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_alerts_subject_seq"), ["subject", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_alerts_typology_state_seq"), ["typology", "state", "seq"], unique=False)

    op.create_table(
        "cases",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('open','filed','closed')", name=op.f("ck_cases_state")),
        sa.ForeignKeyConstraint(["owner"], ["users.username"], name=op.f("fk_cases_owner")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_owner_state"), ["owner", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_state_opened_at"), ["state", "opened_at"], unique=False)

    op.create_table(
        "saved_filters",
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["username"], ["users.username"], name=op.f("fk_saved_filters_username")),
        sa.PrimaryKeyConstraint("username", "name", name=op.f("pk_saved_filters")),
    )
    op.create_table(
        "sessions",
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["username"], ["users.username"], name=op.f("fk_sessions_username")),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_username"), ["username"], unique=False)

    op.create_table(
        "case_members",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_case_members_case_id")),
        sa.ForeignKeyConstraint(["username"], ["users.username"], name=op.f("fk_case_members_username")),
        sa.PrimaryKeyConstraint("case_id", "username", name=op.f("pk_case_members")),
    )
    with op.batch_alter_table("case_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_members_username"), ["username"], unique=False)

    op.create_table(
        "case_notes",
        sa.Column("note_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_case_notes_case_id")),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_case_notes")),
    )
    with op.batch_alter_table("case_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_notes_case_id_at"), ["case_id", "at"], unique=False)

    op.create_table(
        "claims",
        sa.Column("claim_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("claimant", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_claims_amount")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_claims_case_id")),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claims")),
        sa.UniqueConstraint("case_id", "operation", name=op.f("uq_claims_case_id_operation")),
    )
    op.create_table(
        "ledger",
        sa.Column("posting_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=96), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_ledger_case_id")),
        sa.PrimaryKeyConstraint("posting_id", name=op.f("pk_ledger")),
    )
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_case_id_account"), ["case_id", "account"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_transfer_id"), ["transfer_id"], unique=False)

    op.create_table(
        "recalls",
        sa.Column("recall_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_by_event", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_recalls_case_id")),
        sa.PrimaryKeyConstraint("recall_id", name=op.f("pk_recalls")),
        sa.UniqueConstraint("operation", name=op.f("uq_recalls_operation")),
    )
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recalls_state"), ["state"], unique=False)
