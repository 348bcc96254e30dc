"""`/sign-in/provider`: to the organisation's provider and back."""

from __future__ import annotations

import json
from typing import Final

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from console import audit
from console.people.oidc import Flow, Provider, ProviderRefused
from console.people.provided import enter
from console.web.house import TheHouse, house_of
from console.web.page import language_for, local_path, page
from console.web.pages.sign_in import check_address
from console.web.refusals import Refusal
from console.web.sign_in_cookie import bring_language, set_session
from streams.tokens import SealBroken

router = APIRouter()
FLOW_COOKIE: Final = "__Host-provider"
_FLOW_SECONDS: Final = 600
_log = structlog.get_logger(__name__)


@router.get("/sign-in/provider")
def leave(request: Request, house: TheHouse, next: str = "/") -> Response:
    """Send the browser to the provider."""
    check_address(request)
    try:
        address, flow = _provider(request).begin(_back(request), local_path(next))
    except ProviderRefused as refused:
        raise _refusal(refused) from None
    answer = RedirectResponse(address, 303)
    sealed = house.keys.store.seal(FLOW_COOKIE.encode(), json.dumps(flow.values()).encode()).hex()
    # Lax: the browser comes back from another site.
    answer.set_cookie(FLOW_COOKIE, sealed, max_age=_FLOW_SECONDS, path="/", secure=True, httponly=True, samesite="lax")
    return answer


@router.get("/sign-in/provider/back")
def back(request: Request, house: TheHouse) -> Response:
    """Begin a session for whom the provider names.

    It answers with a page that leads on, not with a redirect: a redirect would still count as coming from the other
    site, and the new cookie would not be sent with it.
    """
    check_address(request)
    try:
        flow = Flow(**json.loads(_sealed_flow(request)))
        claims = _provider(request).finish(_back(request), flow, request.query_params)
        with house.store.writing() as connection:
            secret = enter(connection, claims, language_for(request, None), house.clock())
    except ProviderRefused as refused:
        with house.store.writing() as connection:
            audit.write(connection, audit.System(), "session.refused", "user", "unknown", by="provider")
        raise _refusal(refused) from None
    bring_language(request, secret)
    answer = page(request, None, "provider_back.html", onward=local_path(flow.onward))
    set_session(answer, secret)
    answer.delete_cookie(FLOW_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def _sealed_flow(request: Request) -> bytes:
    sealed = request.cookies.get(FLOW_COOKIE, "")
    try:
        return house_of(request).keys.store.open(FLOW_COOKIE.encode(), bytes.fromhex(sealed))
    except (SealBroken, ValueError):
        raise ProviderRefused("no flow") from None


def _provider(request: Request) -> Provider:
    provider = house_of(request).provider
    if provider is None:
        raise Refusal(404, "errors.not_found")
    return provider


def _back(request: Request) -> str:
    return f"{(_provider(request).settings.address or str(request.base_url)).rstrip('/')}/sign-in/provider/back"


def _refusal(refused: ProviderRefused) -> Refusal:
    _log.warning("provider_refused", reason=str(refused))
    return Refusal(403, "sign_in.provider_refused")
