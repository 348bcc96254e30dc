"""Which pages and which parts of the API this server has: a line for each."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from console.web.api import session as session_api
from console.web.pages import home, sign_in

PAGES: Final[tuple[APIRouter, ...]] = (
    home.router,
    sign_in.router,
)

API: Final[tuple[APIRouter, ...]] = (session_api.router,)
