"""What the routes about people and access need, and what they all do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.openapi.datastructures import ResponseSpec

from dpp.application.access_ports import AuditLog, Session
from dpp.application.current import CurrentConfiguration
from dpp.application.keys import ApiKeys
from dpp.application.password_links import PasswordLinks
from dpp.application.ports import Clock
from dpp.application.signin import SignIn
from dpp.application.users import Users
from dpp.domain.access import Permission, Principal, PrincipalKind
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Conflict, Forbidden
from dpp.entrypoints.http.administration.frame import Framing

TAGS = ["People and access"]
#: A change has few words.
BODY_BYTES = 64 * 1024

AnyRequest = Request[Any, Any, Any]


class NoPasswords(Conflict):
    """People sign in by an identity provider, and a password would open nothing."""

    code = "no_passwords"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What the routes need."""

    framing: Framing
    users: Users
    keys: ApiKeys
    signin: SignIn
    links: PasswordLinks
    log: AuditLog
    current: CurrentConfiguration
    clock: Clock
    has_passwords: bool

    @property
    def configuration(self) -> Configuration:
        """The configuration as it is now."""
        return self.current.value

    def check_passwords(self) -> None:
        """Refuse what is about passwords where nobody signs in with one.

        Raises:
            NoPasswords: people sign in by an identity provider.
        """
        if not self.has_passwords:
            raise NoPasswords("People sign in by the identity provider here: add them there")

    async def own_session(self, request: AnyRequest, principal: Principal) -> Session:
        """Return the session by which a person asks.

        Raises:
            Forbidden: a key is asking, which has no session.
        """
        token = self.framing.gate.session_token(request)
        if principal.kind is not PrincipalKind.USER or token is None:
            raise Forbidden("Only people who are signed in have sessions")
        return await self.signin.own_session(token)


def check_whole(principal: Principal) -> None:
    """Refuse whoever may not see everything: people and keys are those of the whole platform.

    Raises:
        Forbidden: the caller, a key for some streams, may not.
    """
    if not principal.scope.is_all:
        raise Forbidden("This is about all streams, and you may see only some; ask an administrator")


def person(principal: Principal) -> UUID | None:
    """Return the id of the person who asks; None for a key."""
    return principal.id if principal.kind is PrincipalKind.USER else None


def changing(
    status: int, envelope: type[Any], what: str, *, permission: Permission = Permission.ADMIN_WRITE
) -> dict[str, Any]:
    """Return the settings of a route of the API that changes something, and answers with ``envelope``."""
    return {
        "opt": {"permission": permission},
        "tags": TAGS,
        "status_code": status,
        "responses": {status: ResponseSpec(data_container=envelope, description=what, generate_examples=False)},
        "request_max_body_size": BODY_BYTES,
    }


Provide = Callable[[], Serving]
