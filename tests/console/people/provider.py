"""A small OpenID provider on this machine, strict about what the console has to do right."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Form, Header, HTTPException
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from streams.kafka_ports import free_port

CLIENT, SECRET = "console", "a-secret-of-the-client"


@dataclass
class SmallProvider:
    """Signs in whoever `person` says. What a test changes in `wrong` it does wrongly."""

    address: str
    person: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=dict)  # claims that replace the right ones
    other_key: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self.forger = RSAKey.generate_key(2048, {"kid": "1"})

    def app(self) -> FastAPI:
        """Discovery, authorization, token and keys."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def discovery() -> dict[str, str]:
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return {"issuer": self.address, **{name: f"{self.address}/{path}" for name, path in names.items()}}

        @app.get("/keys")
        def keys() -> Any:
            return KeySet([self.key]).as_dict(private=False)

        @app.get("/authorize")
        def authorize(
            response_type: str,
            client_id: str,
            redirect_uri: str,
            scope: str,
            state: str,
            nonce: str,
            code_challenge: str,
            code_challenge_method: str,
        ) -> RedirectResponse:
            assert (response_type, client_id, code_challenge_method) == ("code", CLIENT, "S256")
            assert "openid" in scope.split()
            code = secrets.token_urlsafe(16)
            self.codes[code] = {"redirect": redirect_uri, "nonce": nonce, "challenge": code_challenge}
            return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code, 'state': state})}")

        @app.post("/token")
        def token(
            grant_type: Annotated[str, Form()],
            code: Annotated[str, Form()],
            redirect_uri: Annotated[str, Form()],
            code_verifier: Annotated[str, Form()],
            authorization: Annotated[str, Header()],
        ) -> dict[str, str]:
            kept = self.codes.pop(code, None)
            digest = hashlib.sha256(code_verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            who = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            if kept is None or kept["challenge"] != challenge or kept["redirect"] != redirect_uri:
                raise HTTPException(400)
            if grant_type != "authorization_code" or who != f"{CLIENT}:{SECRET}":
                raise HTTPException(401)
            now = int(time.time())
            claims = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": kept["nonce"]}
            signer = self.forger if self.other_key else self.key
            id_token = jwt.encode({"alg": "RS256", "kid": "1"}, {**claims, **self.person, **self.wrong}, signer)
            return {"token_type": "Bearer", "access_token": secrets.token_urlsafe(8), "id_token": id_token}

        return app


@contextlib.contextmanager
def running() -> Iterator[SmallProvider]:
    """The provider, listening on this machine."""
    port = free_port()
    provider = SmallProvider(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(provider.app(), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield provider
    server.should_exit = True
    thread.join()
