"""The keys that an identity provider signs with, and the signatures made with them (RFC 7515, RFC 7517)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from dpp.application.oidc_ports import InvalidIdToken
from dpp.application.ports import Clock

COOL_DOWN = timedelta(seconds=10)
"""After a look at the provider's keys, how long unknown ones are refused without another look."""
LIFETIME = timedelta(hours=1)
"""How long keys are believed without a look: a key that was withdrawn counts no longer than this."""
MAX_TOKEN = 64 * 1024
MIN_RSA_BITS = 2048

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
#: By type and curve of a key. Only these: no ``none``, and no HS*, which would take a public key for a password.
ALGORITHMS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("RSA", None): _RSA,
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
ALLOWED = tuple(sorted({name for names in ALGORITHMS.values() for name in names}))
#: Claims are checked where the clock and the sign-in are known (``application/id_tokens.py``).
_SIGNATURE_ONLY = ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub", "verify_jti")

Key = Mapping[str, object]
Fetch = Callable[[], Awaitable[Sequence[Key]]]


class SigningKeys:
    """The keys of one provider, looked up when one is needed that is not at hand.

    A token that names an unknown key makes us look once; however many such tokens come, the next look is
    ``COOL_DOWN`` later.
    """

    def __init__(self, fetch: Fetch, *, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Sequence[Key] = ()
        self._fetched_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._one_at_a_time = asyncio.Lock()

    async def verified(self, token: str) -> Mapping[str, object]:
        """Return the claims of a token that one of the keys has signed; the claims themselves are not checked.

        Raises:
            InvalidIdToken: it is no signed token, its algorithm is not allowed, or the signature is not the provider's.
            ProviderUnavailable: the keys are needed and cannot be had.
        """
        algorithm, key_id = _header(token)
        key = await self._key(algorithm, key_id)
        try:
            public = jwt.PyJWK(dict(key), algorithm=algorithm)
            if isinstance(public.key, RSAPublicKey) and public.key.key_size < MIN_RSA_BITS:
                raise _refusal("its key is too short")
            options = dict.fromkeys(_SIGNATURE_ONLY, False)
            claims = jwt.decode(token, public, algorithms=[algorithm], options=options)  # type: ignore[arg-type]
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _refusal("its signature is not the provider's") from error
        return claims

    async def _key(self, algorithm: str, key_id: str | None) -> Key:
        now = self._clock.now()
        async with self._one_at_a_time:
            if _is_older(self._fetched_at, LIFETIME, now):
                await self._look(now)
            found = self._matching(algorithm, key_id)
            if not found and _is_older(self._looked_at, COOL_DOWN, now):
                await self._look(now)
                found = self._matching(algorithm, key_id)
        if not found:
            raise _refusal("it is signed with a key that the provider does not publish")
        if len(found) > 1:
            raise _refusal("it does not say which of the provider's keys it is signed with")
        return found[0]

    async def _look(self, now: datetime) -> None:
        # Before the attempt: a provider that does not answer is not asked anew for each unknown key either.
        self._looked_at = now
        self._keys = await self._fetch()
        self._fetched_at = now

    def _matching(self, algorithm: str, key_id: str | None) -> list[Key]:
        return [
            key
            for key in self._keys
            if (key_id is None or key.get("kid") == key_id)
            and algorithm in _algorithms(key)
            and key.get("use", "sig") == "sig"
        ]


def _is_older(moment: datetime | None, than: timedelta, now: datetime) -> bool:
    return moment is None or now - moment >= than


def _algorithms(key: Key) -> tuple[str, ...]:
    """Return what a key may be used with: by its kind, and by its own word if it gives one."""
    kind, curve, own = key.get("kty"), key.get("crv"), key.get("alg")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return ()
    names = ALGORITHMS.get((kind, curve), ())
    return names if own is None else tuple(name for name in names if name == own)


def _header(token: str) -> tuple[str, str | None]:
    """Return a token's algorithm, which is one of those allowed, and the id of its key."""
    if len(token) > MAX_TOKEN:
        raise _refusal("it is too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as error:
        raise _refusal("it is no signed token") from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALLOWED:
        raise _refusal("its algorithm is not allowed; use an asymmetric one, such as RS256")
    if "crit" in header or not isinstance(key_id, str | None):
        raise _refusal("its header asks for what is not understood")
    return algorithm, key_id


def _refusal(why: str) -> InvalidIdToken:
    return InvalidIdToken(
        f"The identity provider's token was not accepted: {why}. Sign in again; if it happens again, tell an "
        "administrator of the platform"
    )
