"""An identity provider made by hand: answers as httpx's transport does, and says whatever a test wants it to say."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.support.access import HandClock

ISSUER = "https://login.example.org/tenant"
CLIENT_ID, CLIENT_SECRET = "dpp at acme", "a secret: with / signs"
REDIRECT_URI = "https://dpp.example.org/sign-in/oidc/callback"
SUBJECT, EMAIL = "subject-1", "ada@example.org"

Claims = dict[str, Any]


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return a key of a name, the same for all tests: making one takes a while."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Return a key on P-256."""
    del name
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: PrivateKeyTypes, key_id: str | None, **more: str) -> dict[str, Any]:
    """Return the public half as the provider publishes it."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        fields = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        assert isinstance(key, rsa.RSAPrivateKey)
        fields = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**fields, **({} if key_id is None else {"kid": key_id}), **more}


@dataclass
class HandmadeProvider:
    """A provider with one person; ``claims`` and ``token`` change what it says of them, and how."""

    clock: HandClock
    key_id: str | None = "one"
    key: PrivateKeyTypes = field(default_factory=lambda: rsa_key("one"))
    algorithm: str = "RS256"
    published: list[dict[str, Any]] = field(default_factory=list)
    description: dict[str, Any] = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)
    """Claims that differ from those of an ordinary token; None takes one away."""
    userinfo: Claims | None = None
    secrets: tuple[str, ...] = (CLIENT_SECRET,)
    token: Callable[[Claims], str] | None = None
    """Makes the ID token from its claims, in place of signing them."""
    broken: dict[str, httpx.Response | Exception] = field(default_factory=dict)
    """Answers in place of the usual ones, by path."""
    asked: Counter[str] = field(default_factory=Counter)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.published = self.published or [public_jwk(self.key, self.key_id, use="sig", alg="RS256")]

    def http(self) -> httpx.AsyncClient:
        """Return a client that reaches this provider and nothing else."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), follow_redirects=False)

    def visit(self, url: str) -> dict[str, str]:
        """Do what a person's browser and the person do at the provider; return the parameters of the way back."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert ("code", CLIENT_ID, REDIRECT_URI, "S256") == (
            given["response_type"],
            given["client_id"],
            given["redirect_uri"],
            given["code_challenge_method"],
        )
        code = f"code-{len(self.codes)}"
        self.codes[code] = given
        return {"state": given["state"], "code": code}

    def rotate(self, key_id: str, key: PrivateKeyTypes, *, keep: bool = False) -> None:
        """Sign with another key from now on."""
        self.key_id, self.key = key_id, key
        self.algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        self.published = [*(self.published if keep else []), public_jwk(key, key_id)]

    def signed(self, claims: Claims) -> str:
        """Return a token."""
        headers = {} if self.key_id is None else {"kid": self.key_id}
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers=headers)  # type: ignore[arg-type]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked[path] += 1
        if path in self.broken:
            if isinstance(broken := self.broken[path], Exception):
                raise broken
            return broken
        match path:
            case "/tenant/.well-known/openid-configuration":
                return httpx.Response(200, json=self._description())
            case "/keys":
                return httpx.Response(200, json={"keys": self.published})
            case "/token":
                return self._redeem(request)
            case "/userinfo":
                assert "Bearer access-token" == request.headers["authorization"]
                return httpx.Response(200, json=self.userinfo)
        raise AssertionError(f"nothing is at {path}")

    def _description(self) -> dict[str, Any]:
        site = "https://login.example.org"
        usual = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{site}/authorize?tenant=acme",
            "token_endpoint": f"{site}/token",
            "jwks_uri": f"{site}/keys",
            "end_session_endpoint": f"{site}/sign-out",
            **({} if self.userinfo is None else {"userinfo_endpoint": f"{site}/userinfo"}),
        }
        return {name: value for name, value in {**usual, **self.description}.items() if value is not None}

    def _redeem(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if _credentials(request.headers, form) not in {(CLIENT_ID, secret) for secret in self.secrets}:
            return httpx.Response(401, json={"error": "invalid_client"})
        begun = self.codes.pop(form["code"], None)
        digest = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if begun is None or digest != begun["code_challenge"] or form["redirect_uri"] != begun["redirect_uri"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        claims = self._claims(begun["nonce"])
        token = self.signed(claims) if self.token is None else self.token(claims)
        return httpx.Response(200, json={"id_token": token, "access_token": "access-token", "token_type": "Bearer"})

    def _claims(self, nonce: str) -> Claims:
        now = int(self.clock.now().timestamp())
        usual = {
            "iss": ISSUER,
            "sub": SUBJECT,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 3600,
            "nonce": nonce,
            "email": EMAIL,
            "name": "Ada Lovelace",
        }
        return {name: value for name, value in {**usual, **self.claims}.items() if value is not None}


def unsigned(claims: Claims, *, algorithm: str = "none") -> str:
    """Return a token without a signature."""
    return ".".join([_part({"alg": algorithm, "kid": "one"}), _part(claims), ""])


def _part(fields: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


def _credentials(headers: httpx.Headers, form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, pair = headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    id_, _, secret = b64decode(pair).decode().partition(":")
    return unquote_plus(id_), unquote_plus(secret)
