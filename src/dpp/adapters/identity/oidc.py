"""An OpenID Connect provider over HTTP: discovery, the exchange of codes, keys (§3.2.1)."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote_plus, urlencode

import httpx

from dpp.adapters.identity.provider_http import Answer, ProviderHttp, is_protected
from dpp.adapters.identity.signing_keys import SigningKeys
from dpp.application.oidc_ports import Client, IdentityProvider, ProviderRefused, ProviderUnavailable, Tokens
from dpp.application.ports import Clock
from dpp.application.secrets import SecretMissing, Secrets

CLIENT_SECRET = "oidc_client_secret"  # noqa: S105 - the name of one
WELL_KNOWN = "/.well-known/openid-configuration"
LIFETIME = timedelta(hours=1)
"""How long the provider's description is believed without another look."""
MAX_URL = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a provider says of itself (OpenID Connect Discovery §3), as far as it matters here."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    takes_basic: bool


class OpenIdProvider(IdentityProvider):
    """The provider that the client's issuer names."""

    def __init__(self, *, client: Client, http: httpx.AsyncClient, secrets: Secrets, clock: Clock) -> None:
        """``http``: follows no redirects (see ``provider_http.client``)."""
        self._client = client
        self._http = ProviderHttp(http)
        self._secrets = secrets
        self._clock = clock
        self._keys = SigningKeys(self._fetch_keys, clock=clock)
        self._described: tuple[datetime, Description] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def authorization_url(self, *, state: str, nonce: str, challenge: str) -> str:
        """Return where to send the browser."""
        parameters = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with_query((await self._description()).authorization_endpoint, parameters)

    async def redeem(self, *, code: str, verifier: str) -> Tokens:
        """Exchange a code, with the present client secret, or with the one that is being rotated out."""
        described = await self._description()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": verifier,
        }
        for secret in self._client_secrets():
            answer = await self._exchange(described, form, secret.decode("utf-8", "replace"))
            if answer.fields.get("error") != "invalid_client":
                return _tokens(answer)
        raise ProviderUnavailable(
            "The identity provider does not accept the platform's client secret. An administrator of the platform can "
            f"put a valid one into the secret {CLIENT_SECRET}"
        )

    async def claims(self, id_token: str) -> Mapping[str, object]:
        """Return the claims of a token that the provider has signed."""
        return await self._keys.verified(id_token)

    async def userinfo(self, access_token: str) -> Mapping[str, object]:
        """Return the claims that the provider keeps out of its ID tokens."""
        url = (await self._description()).userinfo_endpoint
        if url is None:
            return {}
        headers = {"authorization": f"Bearer {access_token}"}
        answer = await self._http.ask("GET", url, what="description of people", headers=headers)
        if answer.status != httpx.codes.OK:
            raise ProviderRefused("The identity provider does not tell the platform who you are. Sign in again")
        return answer.fields

    async def sign_out_url(self) -> str | None:
        """Return where a browser signs out of the provider too (OpenID Connect RP-Initiated Logout §2)."""
        endpoint = (await self._description()).end_session_endpoint
        return endpoint and _with_query(endpoint, {"client_id": self._client.client_id})

    def _client_secrets(self) -> tuple[bytes, ...]:
        try:
            return self._secrets.candidates(CLIENT_SECRET)
        except SecretMissing as error:
            raise ProviderUnavailable(
                "The platform has no client secret to show to the identity provider. An administrator of the platform "
                f"can put the one that the provider gave out into the secret {CLIENT_SECRET}"
            ) from error

    async def _exchange(self, described: Description, form: Mapping[str, str], secret: str) -> Answer:
        id_, url, what = self._client.client_id, described.token_endpoint, "exchange of codes"
        if described.takes_basic:
            # RFC 6749 §2.3.1: both parts are encoded as in a form before they are joined.
            pair = f"{quote_plus(id_)}:{quote_plus(secret)}".encode()
            headers = {"authorization": f"Basic {b64encode(pair).decode()}"}
            return await self._http.ask("POST", url, what=what, form=form, headers=headers)
        return await self._http.ask("POST", url, what=what, form={**form, "client_id": id_, "client_secret": secret})

    async def _fetch_keys(self) -> Sequence[Mapping[str, object]]:
        found = await self._http.document((await self._description()).jwks_uri, what="list of keys")
        keys = found.get("keys")
        if not isinstance(keys, list):
            raise ProviderUnavailable("The identity provider's list of keys is none")
        return [key for key in keys if isinstance(key, dict)]

    async def _description(self) -> Description:
        now = self._clock.now()
        async with self._one_at_a_time:
            if self._described is None or now - self._described[0] >= LIFETIME:
                self._described = now, await self._discover()
            return self._described[1]

    async def _discover(self) -> Description:
        issuer = self._client.issuer
        if not is_protected(issuer):
            raise ProviderUnavailable(f"OIDC_ISSUER_URL is {issuer!r}; it must begin with https://")
        url = issuer.rstrip("/") + WELL_KNOWN
        fields = await self._http.document(url, what="description")
        if fields.get("issuer") != issuer:
            raise ProviderUnavailable(
                f"The identity provider at {url} calls itself {_shown(fields.get('issuer'))}, not {issuer!r}. Set "
                "OIDC_ISSUER_URL to exactly what it calls itself; for Entra ID that is the address of your own tenant"
            )
        return _description(fields, url)


def _description(fields: Mapping[str, object], url: str) -> Description:
    def endpoint(name: str) -> str | None:
        value = fields.get(name)
        return value if isinstance(value, str) and len(value) <= MAX_URL and is_protected(value) else None

    def needed(name: str) -> str:
        value = endpoint(name)
        if value is None:
            raise ProviderUnavailable(f"The identity provider's description at {url} names no {name} under https://")
        return value

    methods = fields.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Description(
        authorization_endpoint=needed("authorization_endpoint"),
        token_endpoint=needed("token_endpoint"),
        jwks_uri=needed("jwks_uri"),
        userinfo_endpoint=endpoint("userinfo_endpoint"),
        end_session_endpoint=endpoint("end_session_endpoint"),
        takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
    )


def _tokens(answer: Answer) -> Tokens:
    id_token, access_token = answer.fields.get("id_token"), answer.fields.get("access_token")
    if answer.status != httpx.codes.OK:
        raise ProviderRefused(
            "The identity provider did not accept this sign-in: it is over already, or took too long. Begin again"
        )
    if not isinstance(id_token, str):
        raise ProviderRefused(
            "The identity provider sent no ID token. OIDC_SCOPES must hold openid; an administrator of the platform "
            "can set it"
        )
    return Tokens(id_token=id_token, access_token=access_token if isinstance(access_token, str) else None)


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"


def _shown(value: object) -> str:
    return repr(value)[:200]
