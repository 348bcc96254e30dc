"""The FastAPI application: middleware, routers, errors, static files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Depends, FastAPI, params
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from console.audit_heads import HeadKeeper
from console.keyring import Keyring
from console.people.limits import Attempts
from console.people.oidc import Provider
from console.settings import ConsoleSettings
from console.statistics.counted import Counting
from console.store.opening import Store
from console.texts import load
from console.web import errors, routers
from console.web.house import Clock, House, wall_clock
from console.web.lanes import Lanes, in_the_long_lane, in_the_quick_lane
from console.web.problems import PROBLEM_RESPONSES
from console.web.readable import readable
from console.web.rendering import STATIC, Renderer
from console.web.security import Guard
from console.web.uses import Uses

_TITLE: Final = "Anti-Fraud Center: console"
_DESCRIPTION: Final = """\
Everything that the console's pages do. Sign in with `POST /api/session`: it sets the cookie `__Host-session` and
answers with a `csrf`, which every request that changes something carries as `X-CSRF-Token`.

Money is in tiyn (hundredths of a tenge), instants are milliseconds since 1970 UTC. People are tokens; what stands
behind one is revealed by `POST /api/identities/reveal`, with a reason, and is in the audit log.
"""


def create_app(
    settings: ConsoleSettings,
    store: Store,
    keys: Keyring | None = None,
    *,
    clock: Clock = wall_clock,
    provider: Provider | None = None,
) -> FastAPI:
    """The console over an open store, which the caller closes.

    Raises:
        KeyRefused: no `keys` are given and the environment names none.
        ValueError: no `provider` is given and what the environment says of one will not do.
        TextFault: a text is missing in a language.
    """
    app = FastAPI(
        title=_TITLE,
        description=_DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page loads scripts from another host
        redoc_url=None,
        lifespan=_lifespan,
    )
    keyring, renderer, signing_in = keys or Keyring.load(), Renderer(load()), provider or Provider.configured()
    uses, counting = Uses(store), Counting(clock)
    app.state.house = House(settings, store, keyring, renderer, Attempts(), clock, uses, counting, signing_in)
    app.state.lanes = Lanes()
    for router in routers.PAGES:
        app.include_router(router, include_in_schema=False, dependencies=_at_the_door(router))
    app.state.pages = frozenset(
        route.path
        for router in routers.PAGES
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    )
    for router in routers.API:
        app.include_router(router, responses=PROBLEM_RESPONSES, dependencies=_at_the_door(router))
    app.mount("/static", _Static(directory=STATIC))
    errors.install(app)
    app.add_middleware(Guard, hosts=settings.hosts)
    return app


def _at_the_door(router: APIRouter) -> list[params.Depends]:
    """What every route of a router depends on; a lane is left before the answer is sent, which may be a stream."""
    lane = in_the_long_lane if router in routers.LONG else in_the_quick_lane
    return [Depends(readable), Depends(lane, scope="function")]


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What runs beside the requests, from the first to the last."""
    house: House = app.state.house
    keeper = HeadKeeper(house.store, house.keys.signing, house.settings.audit_heads, house.clock)
    keeper.start()
    house.uses.start()
    yield
    await asyncio.to_thread(house.uses.stop)
    await asyncio.to_thread(keeper.stop)


class _Static(StaticFiles):
    """Files whose address holds their content's hash: they never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        forever = answer.status_code in (200, 304) and scope["query_string"].startswith(b"v=")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if forever else "no-cache"
        return answer
