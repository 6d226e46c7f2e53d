"""A platform whose people sign in by way of an identity provider made by hand, all in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from dpp.adapters.identity.oidc import OpenIdProvider
from dpp.adapters.memory.secrets import MemorySecrets
from dpp.application.access_ports import User
from dpp.application.oidc import Begun, Finished, OpenIdSignIn, Returned
from dpp.application.oidc_ports import Client
from dpp.domain.access import Grant, Role
from dpp.domain.configuration import Configuration, DeliveryStream, GroupRole
from tests.support.access import Access
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, EMAIL, ISSUER, REDIRECT_URI, HandmadeProvider

PAYMENTS = UUID(int=501)
VIEWER = Grant(role=Role.VIEWER)
LEAD = Grant(role=Role.STREAM_LEAD, delivery_stream_id=PAYMENTS)
CONFIGURATION = Configuration(
    delivery_streams=(DeliveryStream(stream_id=PAYMENTS, name="payments", display_name="Payments"),),
    group_roles=(
        GroupRole(role="viewer", group="staff"),
        GroupRole(role="stream_lead", pattern="^dpp-(?P<delivery_stream>.+)-leads$"),
    ),
)


@dataclass
class Site:
    """A platform and its provider."""

    group_claim: str = "groups"
    access: Access = field(default_factory=Access)

    def __post_init__(self) -> None:
        self.provider = HandmadeProvider(clock=self.access.clock)
        self.secrets = MemorySecrets({"oidc_client_secret": CLIENT_SECRET.encode(), "session_key": b"k" * 32})
        self.oidc = self.process()

    def process(self) -> OpenIdSignIn:
        """Return a process's share, which has seen nothing yet."""
        client = Client(issuer=ISSUER, client_id=CLIENT_ID, redirect_uri=REDIRECT_URI, group_claim=self.group_claim)

        async def configuration() -> Configuration:
            return CONFIGURATION

        return OpenIdSignIn(
            client=client,
            provider=OpenIdProvider(
                client=client, http=self.provider.http(), secrets=self.secrets, clock=self.access.clock
            ),
            store=self.access.store,
            signin=self.access.signin,
            configuration=configuration,
            secrets=self.secrets,
            randomness=self.access.randomness,
            clock=self.access.clock,
        )

    async def returned(self, begun: Begun | None = None) -> Returned:
        """Go to the provider and come back."""
        begun = begun or await self.oidc.begin("/")
        return Returned(**self.provider.visit(begun.url), sealed=begun.sealed)

    async def sign_in(self) -> Finished:
        """Sign in from the first step to the last."""
        return await self.oidc.finish(await self.returned())

    async def person(self) -> User:
        """Return the person's user."""
        found = await self.access.store.user_by_email(EMAIL)
        assert found is not None
        return found

    async def reasons(self) -> list[object]:
        """Return why sign-ins failed, the last one first."""
        entries = await self.access.store.entries()
        return [entry.details and entry.details["reason"] for entry in entries if entry.action == "sign_in.failed"]
