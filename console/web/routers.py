"""Which pages and which parts of the API this server has: a line for each."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from console.web import live
from console.web.api import alerts as alerts_api
from console.web.api import audit as audit_api
from console.web.api import cases as cases_api
from console.web.api import exports as exports_api
from console.web.api import hold_decision as hold_decision_api
from console.web.api import holds as holds_api
from console.web.api import identities as identities_api
from console.web.api import listing as listing_api
from console.web.api import money as money_api
from console.web.api import notices as notices_api
from console.web.api import people as people_api
from console.web.api import pyramids as pyramids_api
from console.web.api import registries as registries_api
from console.web.api import rulebook as rulebook_api
from console.web.api import rulebook_drafts as rulebook_drafts_api
from console.web.api import session as session_api
from console.web.api import statistics as statistics_api
from console.web.api import subjects as subjects_api
from console.web.api import warnings as warnings_api
from console.web.pages import (
    account,
    alert,
    audit,
    cases,
    exports,
    hold_decision,
    holds,
    home,
    identities,
    listing,
    money,
    notices,
    people,
    proposals,
    provider,
    pyramids,
    queue,
    registries,
    restitution,
    rulebook,
    rulebook_drafts,
    rulebook_proposals,
    sign_in,
    statistics,
    subject,
    warnings,
)

PAGES: Final[tuple[APIRouter, ...]] = (
    home.router,
    sign_in.router,
    provider.router,
    live.router,
    proposals.router,
    subject.router,
    queue.router,
    cases.router,
    alert.router,
    account.router,
    identities.router,
    audit.router,
    people.router,
    holds.router,
    hold_decision.router,
    notices.router,
    pyramids.router,
    warnings.router,
    registries.router,
    listing.router,
    statistics.router,
    money.router,
    restitution.router,
    exports.router,
    rulebook_drafts.router,  # before `rulebook`, which takes /rulebook/{id}
    rulebook_proposals.router,
    rulebook.router,
)

API: Final[tuple[APIRouter, ...]] = (
    session_api.router,
    subjects_api.router,
    cases_api.router,
    alerts_api.router,
    identities_api.router,
    audit_api.router,
    people_api.router,
    holds_api.router,
    hold_decision_api.router,
    notices_api.router,
    pyramids_api.router,
    warnings_api.router,
    registries_api.router,
    listing_api.router,
    statistics_api.router,
    money_api.router,
    exports_api.router,
    rulebook_api.router,
    rulebook_drafts_api.router,
)

# Whose answers may take a second: the others do not wait for them.
LONG: Final[tuple[APIRouter, ...]] = (
    audit.router,
    audit_api.router,
    money.router,
    money_api.router,
    restitution.router,
    rulebook.router,
    rulebook_api.router,
    statistics.router,
    statistics_api.router,
)
