"""Checks the audit log for the auditor's page and the API: the chain, and the heads that were kept elsewhere."""

from __future__ import annotations

from console import audit
from console.audit_heads import Head, Report, check, read
from console.web.house import House
from console.web.refusals import Refusal
from console.web.viewer import Viewer


def check_log(house: House, viewer: Viewer) -> Report:
    """Walk the whole log; that it was checked, and with what result, is its next entry.

    Raises:
        Refusal: the file of heads is there and cannot be read.
    """
    kept = _kept(house)
    with house.store.reading() as connection:
        report = check(connection, [house.keys.signing.public], kept)
    with house.store.writing() as connection:
        audit.write(connection, viewer, "audit.checked", "audit", report.last_number, fault=report.fault)
    return report


def _kept(house: House) -> list[Head]:
    file = house.settings.audit_heads
    if not file.exists():
        return []
    try:
        return read(file)
    except (OSError, ValueError):
        raise Refusal(503, "audit.heads_unreadable") from None
