"""Signing in at the organisation's own provider by OpenID Connect: authorization code with PKCE, checked id token."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from console.people.roles import ROLES, Role

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

_SECONDS: Final = 5.0
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_LEEWAY_SECONDS: Final = 60


class OidcSettings(BaseSettings):
    """Each from ANTIFRAUD_CONSOLE_OIDC_<NAME>; without an issuer nobody signs in this way."""

    model_config = SettingsConfigDict(
        env_prefix="ANTIFRAUD_CONSOLE_OIDC_", secrets_dir=None, frozen=True, populate_by_name=True
    )

    issuer: str = Field(default="", description="https://…, as the provider's tokens name it")
    client_id: str = ""
    client_secret: SecretStr | None = Field(default=None, description="none for a public client")
    address: str = Field(
        default="", description="how browsers reach the console, https://…, where it stands behind a proxy"
    )
    scope: str = "openid profile"
    username_claim: str = "preferred_username"
    name_claim: str = "name"
    role_claim: str = "roles"
    roles: dict[str, Role] = Field(
        default_factory=dict, description="value of the role claim → role here, as JSON; who has none stays outside"
    )


class ProviderRefused(Exception):
    """The provider does not answer, or what it says is not proof enough; the reason is for the log, not for pages."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What must come back with the answer of the provider: kept in the browser, sealed."""

    state: str
    nonce: str
    verifier: str
    onward: str  # where the person was going

    def values(self) -> dict[str, str]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Claims:
    """Who the provider says it is."""

    subject: str
    username: str
    full_name: str
    role: Role


class Provider:
    """The provider of the settings. Its addresses and keys are read when first needed."""

    def __init__(self, settings: OidcSettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._document: dict[str, Any] | None = None

    @classmethod
    def configured(cls, settings: OidcSettings | None = None) -> Self | None:
        """The provider that the environment names, if it names one.

        Raises:
            ValueError: it is not asked over TLS, or maps nobody to a role.
        """
        found = settings or OidcSettings()
        if not found.issuer:
            return None
        address = urlsplit(found.issuer)
        if address.scheme != "https" and address.hostname not in _LOOPBACK:
            raise ValueError("ANTIFRAUD_CONSOLE_OIDC_ISSUER must be an https:// address.")
        if not found.client_id or not found.roles:
            raise ValueError("With an issuer, ANTIFRAUD_CONSOLE_OIDC_CLIENT_ID and _ROLES must be set.")
        return cls(found)

    def begin(self, redirect: str, onward: str) -> tuple[str, Flow]:
        """Where to send the browser, and what to remember until it comes back.

        Raises:
            ProviderRefused: the provider does not answer.
        """
        flow = Flow(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), onward)
        with self._client(redirect) as client:
            address, _ = client.create_authorization_url(
                self._discovered()["authorization_endpoint"],
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
            )
        return str(address), flow

    def finish(self, redirect: str, flow: Flow, answer: Mapping[str, str]) -> Claims:
        """Who it is, by the parameters with which the browser came back.

        Raises:
            ProviderRefused: it is not the answer to this flow, or no proof, or somebody without a role here.
        """
        document = self._discovered()
        # RFC 9207: a provider that names itself must be this one.
        of_this_flow = hmac.compare_digest(answer.get("state", "").encode(), flow.state.encode())
        if not of_this_flow or answer.get("iss", self.settings.issuer) != self.settings.issuer:
            raise ProviderRefused("another flow")
        try:
            with self._client(redirect) as client:
                token = client.fetch_token(document["token_endpoint"], code=answer["code"], code_verifier=flow.verifier)
            claims = self._checked(str(token["id_token"]), flow.nonce)
        except (AuthlibBaseError, JoseError, httpx.HTTPError, KeyError, ValueError) as error:
            raise ProviderRefused(type(error).__name__) from None
        return self._claims(claims)

    def _checked(self, id_token: str, nonce: str) -> Mapping[str, Any]:
        decoded = jwt.decode(id_token, self._keys(), algorithms=list(_ALGORITHMS))
        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        registry.validate(decoded.claims)
        return dict(decoded.claims)

    def _claims(self, claims: Mapping[str, Any]) -> Claims:
        told = claims.get(self.settings.role_claim, [])
        values = told if isinstance(told, list) else [told]
        mapped = {self.settings.roles[value] for value in values if value in self.settings.roles}
        role = next((role for role in ROLES if role in mapped), None)
        username = str(claims.get(self.settings.username_claim, "")).lower()
        if role is None:
            raise ProviderRefused("no role here")
        return Claims(str(claims["sub"]), username, str(claims.get(self.settings.name_claim) or username), role)

    def _client(self, redirect: str) -> OAuth2Client:
        # Only where somebody signs in so: on import it warns that it will use another library one day.
        from authlib.integrations.httpx_client import OAuth2Client

        secret = self.settings.client_secret
        return OAuth2Client(
            self.settings.client_id,
            secret.get_secret_value() if secret else None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=self.settings.scope,
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=_SECONDS,
        )

    def _discovered(self) -> dict[str, Any]:
        with self._lock:
            if self._document is None:
                document = _fetched(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                if document.get("issuer") != self.settings.issuer:
                    raise ProviderRefused("another issuer")
                self._document = document
            return self._document

    def _keys(self) -> KeySet:
        """Asked for at every sign-in, which are few: a key that was withdrawn opens nothing a moment later."""
        return KeySet.import_key_set(_fetched(self._discovered()["jwks_uri"]))


def _fetched(address: str) -> dict[str, Any]:
    try:
        answer = httpx.get(address, timeout=_SECONDS).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderRefused(type(error).__name__) from None
    if not isinstance(answer, dict):
        raise ProviderRefused("no document")
    return answer
