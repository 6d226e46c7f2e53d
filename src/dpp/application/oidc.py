"""Signing in by OpenID Connect: the authorisation code flow with PKCE (§3.2.1)."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from dpp.application.access_ports import AuditEntry, Randomness
from dpp.application.arrivals import Arrivals, ArrivalStore, user_id
from dpp.application.id_tokens import Claims, Identity, address, check_claims, identity
from dpp.application.oidc_ports import (
    Client,
    IdentityProvider,
    InvalidIdToken,
    ProviderRefused,
    ProviderUnavailable,
    SignInExpired,
    SignInRefused,
    Tokens,
)
from dpp.application.ports import Clock
from dpp.application.secrets import Secrets
from dpp.application.signin import NewSession, SignIn
from dpp.application.signin_state import LIFETIME, MAX_WANTED, SEED_BYTES, SignInState, opened
from dpp.domain.configuration import Configuration

SESSION_KEY = "session_key"
AUTH_METHOD = "oidc"
#: What only the signed token says; the provider's other answer cannot change it.
_OF_THE_TOKEN = frozenset({"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where to send the browser, and what it keeps meanwhile; ``state`` names that, so that tabs do not collide."""

    url: str
    state: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The parameters of the provider's answer (RFC 6749 §4.1.2, RFC 9207), and what the browser had kept."""

    state: str | None = None
    code: str | None = field(default=None, repr=False)
    error: str | None = None
    issuer: str | None = None
    sealed: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A session, and where the person wanted to go."""

    session: NewSession
    wanted: str


class OpenIdSignIn:
    """Signs people in whom the identity provider vouches for."""

    def __init__(
        self,
        *,
        client: Client,
        provider: IdentityProvider,
        store: ArrivalStore,
        signin: SignIn,
        configuration: Callable[[], Awaitable[Configuration]],
        secrets: Secrets,
        randomness: Randomness,
        clock: Clock,
    ) -> None:
        self._client = client
        self._provider = provider
        self._store = store
        self._signin = signin
        self._arrivals = Arrivals(store=store, configuration=configuration, clock=clock)
        self._secrets = secrets
        self._randomness = randomness
        self._clock = clock

    @property
    def issuer(self) -> str:
        """The provider's name for itself."""
        return self._client.issuer

    async def begin(self, wanted: str) -> Begun:
        """Begin a sign-in.

        Args:
            wanted: a path on this site to go on to; one that is too long for a cookie is forgotten.

        Raises:
            ProviderUnavailable: the provider does not answer.
        """
        state = SignInState(
            seed=self._randomness.token(SEED_BYTES),
            wanted=wanted if len(wanted) <= MAX_WANTED else "/",
            expires_at=self._clock.now() + LIFETIME,
        )
        url = await self._provider.authorization_url(state=state.state, nonce=state.nonce, challenge=state.challenge)
        return Begun(url=url, state=state.state, sealed=state.sealed(self._secrets.get(SESSION_KEY)))

    async def finish(self, returned: Returned) -> Finished:
        """Open a session for the person whom the provider sent back.

        Raises:
            SignInRefused: one of its kinds; no session was opened.
            Unavailable: the provider or the store does not answer.
        """
        actor = "unknown"
        try:
            begun = self._begun(returned)
            person = await self._person(begun, returned)
            actor = f"user:{user_id(person)}"
            user = await self._arrivals.welcome(person)
        except (SignInRefused, ProviderUnavailable) as error:
            log.warning("oidc_sign_in_failed", reason=error.code)
            await self._record(actor, error.code)
            raise
        return Finished(session=await self._signin.open_session(user, auth_method=AUTH_METHOD), wanted=begun.wanted)

    async def sign_out_url(self) -> str | None:
        """Return where the browser can sign out of the provider as well; None when that is not known now."""
        try:
            return await self._provider.sign_out_url()
        except ProviderUnavailable:
            return None

    def _begun(self, returned: Returned) -> SignInState:
        now, keys = self._clock.now(), self._secrets.candidates(SESSION_KEY)
        begun = opened(returned.sealed or "", keys=keys, now=now)
        state = (returned.state or "").encode("utf-8", "replace")
        if begun is None or not hmac.compare_digest(state, begun.state.encode()):
            raise SignInExpired(
                "This sign-in was not begun in this browser, or more than ten minutes ago, or is over already. Begin "
                "again; if it happens again, make sure that the browser accepts cookies of this site"
            )
        return begun

    async def _person(self, begun: SignInState, returned: Returned) -> Identity:
        if returned.issuer is not None and returned.issuer != self._client.issuer:
            raise InvalidIdToken("The answer came from another identity provider than the one configured. Begin again")
        if returned.error is not None or not returned.code:
            raise ProviderRefused(_REFUSALS.get(returned.error or "", _REFUSED))
        tokens = await self._provider.redeem(code=returned.code, verifier=begun.verifier)
        claims = await self._provider.claims(tokens.id_token)
        check_claims(claims, client=self._client, nonce=begun.nonce, now=self._clock.now())
        return identity(await self._completed(claims, tokens), client=self._client)

    async def _completed(self, claims: Claims, tokens: Tokens) -> Claims:
        """Ask for the rest where a provider keeps what describes a person out of its ID tokens."""
        if address(claims) is not None or tokens.access_token is None:
            return claims
        more = await self._provider.userinfo(tokens.access_token)
        if more and more.get("sub") != claims["sub"]:
            raise InvalidIdToken("The identity provider's two answers are about two people. Begin again")
        return {**{name: value for name, value in more.items() if name not in _OF_THE_TOKEN}, **claims}

    async def _record(self, actor: str, reason: str) -> None:
        entry = AuditEntry(
            occurred_at=self._clock.now(), actor=actor, action="sign_in.failed", details={"reason": reason}
        )
        await self._store.record(entry)


_REFUSED = (
    "The identity provider did not sign you in. Begin again; if it happens again, an administrator of the provider can "
    "see in its sign-in log why"
)
#: The provider's words are not shown: anybody can write a link that contains some.
_REFUSALS = {
    "access_denied": "The identity provider, or you yourself, declined the sign-in. Begin again, or ask an "
    "administrator of the provider to give you access to this application",
    "consent_required": "The identity provider wants a consent first. Begin again and give it, or ask an administrator "
    "of the provider to give it for everybody",
    "temporarily_unavailable": "The identity provider is busy. Begin again in a minute",
    "server_error": "The identity provider had an error of its own. Begin again in a minute",
}
