"""What a browser keeps between the start of a sign-in at an identity provider and its return."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

LIFETIME = timedelta(minutes=10)
"""How long a person may take at the provider, a second factor included."""
SEED_BYTES = 32
MAX_SEALED = 4000
MAX_WANTED = 1024
_PURPOSE = b"oidc state\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInState:
    """One sign-in under way.

    Everything that binds it to its browser is derived from ``seed``, 32 random bytes: ``state`` comes back in the
    address, ``nonce`` in the token, and the provider wants to see ``verifier`` when the code is redeemed. ``wanted`` is
    where the person wanted to go.
    """

    seed: bytes = field(repr=False)
    wanted: str
    expires_at: datetime

    @property
    def state(self) -> str:
        """The parameter of that name (RFC 6749 §10.12)."""
        return self._derived(b"state")

    @property
    def nonce(self) -> str:
        """The parameter and claim of that name (OpenID Connect Core §3.1.2.1)."""
        return self._derived(b"nonce")

    @property
    def verifier(self) -> str:
        """The code verifier (RFC 7636 §4.1), 43 characters."""
        return self._derived(b"verifier")

    @property
    def challenge(self) -> str:
        """The S256 code challenge of the verifier (RFC 7636 §4.2)."""
        return _text(sha256(self.verifier.encode()).digest())

    def sealed(self, key: bytes) -> str:
        """Return the state as a text that nobody without the key can make or change; letters that a cookie may hold."""
        fields = {"seed": _text(self.seed), "wanted": self.wanted, "until": int(self.expires_at.timestamp())}
        body = _text(json.dumps(fields, separators=(",", ":")).encode())
        return f"{body}.{_mark(body, key)}"

    def _derived(self, what: bytes) -> str:
        return _text(hmac.new(self.seed, what, sha256).digest())


def opened(text: str, *, keys: Iterable[bytes], now: datetime) -> SignInState | None:
    """Return a sealed state; None when it is not ours, or older than ``LIFETIME``.

    Args:
        text: at most ``MAX_SEALED`` characters; longer ones are not ours.
        keys: the present one, and one that is being rotated out.
        now: aware.
    """
    body, _, mark = text.partition(".")
    if len(text) > MAX_SEALED or not text.isascii():
        return None
    if not any(hmac.compare_digest(mark, _mark(body, key)) for key in keys):
        return None
    fields = json.loads(_bytes(body))
    expires_at = datetime.fromtimestamp(fields["until"], UTC)
    if now >= expires_at:
        return None
    return SignInState(seed=_bytes(fields["seed"]), wanted=fields["wanted"], expires_at=expires_at)


def _mark(body: str, key: bytes) -> str:
    return _text(hmac.new(key, _PURPOSE + body.encode(), sha256).digest())


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
