"""Which pages and which parts of the API this server has: a line for each."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from console.web.api import audit as audit_api
from console.web.api import holds as holds_api
from console.web.api import identities as identities_api
from console.web.api import notices as notices_api
from console.web.api import people as people_api
from console.web.api import pyramids as pyramids_api
from console.web.api import session as session_api
from console.web.api import statistics as statistics_api
from console.web.api import warnings as warnings_api
from console.web.pages import (
    account,
    audit,
    holds,
    home,
    identities,
    notices,
    people,
    pyramids,
    sign_in,
    statistics,
    warnings,
)

PAGES: Final[tuple[APIRouter, ...]] = (
    home.router,
    sign_in.router,
    account.router,
    identities.router,
    audit.router,
    people.router,
    holds.router,
    notices.router,
    pyramids.router,
    warnings.router,
    statistics.router,
)

API: Final[tuple[APIRouter, ...]] = (
    session_api.router,
    identities_api.router,
    audit_api.router,
    people_api.router,
    holds_api.router,
    notices_api.router,
    pyramids_api.router,
    warnings_api.router,
    statistics_api.router,
)
