"""What sign-in by OpenID Connect needs from the identity provider, and the ways in which it is refused (§3.2.1)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dpp.domain.errors import Unauthenticated, Unavailable


class ProviderUnavailable(Unavailable):
    """The identity provider does not answer, or not with what it must; trying again later is right."""

    code = "identity_provider_unavailable"


class SignInRefused(Unauthenticated):
    """A sign-in by OpenID Connect that opens no session; the message says what to do.

    ``code`` goes to the audit log as the reason. Neither holds anything of the person, of a token or of a secret.
    """

    code = "sign_in_refused"


class SignInExpired(SignInRefused):
    """The provider's answer belongs to no sign-in that this browser began in the last minutes."""

    code = "sign_in_expired"


class ProviderRefused(SignInRefused):
    """The provider itself said no."""

    code = "identity_provider_refused"


class InvalidIdToken(SignInRefused):
    """What the provider says of the person cannot be believed."""

    code = "invalid_id_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """How the platform is known to the provider (§3.2.1)."""

    issuer: str
    client_id: str
    redirect_uri: str
    scopes: str = "openid profile email"
    group_claim: str = "groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a code was redeemed for. Nothing of it is stored."""

    id_token: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)


class IdentityProvider(Protocol):
    """An OpenID Connect provider. Every method raises ``ProviderUnavailable`` when it does not answer as it must."""

    @abstractmethod
    async def authorization_url(self, *, state: str, nonce: str, challenge: str) -> str:
        """Return where to send the browser; ``challenge`` is the S256 one of PKCE (RFC 7636)."""

    @abstractmethod
    async def redeem(self, *, code: str, verifier: str) -> Tokens:
        """Exchange a code, once, for what it stands for.

        Raises:
            ProviderRefused: the code is unknown, used or too old, or was asked for with another verifier.
        """

    @abstractmethod
    async def claims(self, id_token: str) -> Mapping[str, object]:
        """Return the claims of a token that the provider has signed; whether they hold is for the caller to check.

        Raises:
            InvalidIdToken: it is no signed token, signed with another algorithm than those allowed, or not by the
                provider.
        """

    @abstractmethod
    async def userinfo(self, access_token: str) -> Mapping[str, object]:
        """Return the claims that the provider keeps out of its ID tokens; empty when it has no such place.

        Raises:
            ProviderRefused: the token does not open them.
        """

    @abstractmethod
    async def sign_out_url(self) -> str | None:
        """Return where a browser signs out of the provider too; None when it offers no such place."""
