"""``dpp users add``."""

from __future__ import annotations

import secrets as randomness

from dishka import AsyncContainer

from dpp.application.ports import ConfigurationStore
from dpp.application.users import Users
from dpp.domain.access import Grant, Role
from dpp.domain.configuration import Configuration
from dpp.domain.errors import InvalidInput, NotFound
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of

PASSWORD_BYTES = 15


def add(
    email: str,
    /,
    *,
    role: Role,
    stream: str | None = None,
    tech_stream: str | None = None,
    password: str | None = None,
    data_dir: DataDir = None,
    json: AsJson = False,
) -> int:
    """Add a local user; without --password one is made and printed, once.

    Example: dpp users add lead@acme.example --role stream_lead --stream payments

    Args:
        email: What the user signs in with.
        role: viewer, team_member, stream_lead or platform_admin.
        stream: The one delivery stream that the role is for; without it, all.
        tech_stream: The one technology stream that the role is for; without it, all.
        password: 12 characters or more.
    """
    chosen = password or randomness.token_urlsafe(PASSWORD_BYTES)

    async def question(wired: AsyncContainer) -> str:
        configuration = await (await wired.get(ConfigurationStore)).load()
        grant = grant_of(role, stream=stream, tech_stream=tech_stream, configuration=configuration)
        user = await (await wired.get(Users)).add(email=email, password=chosen, grants=(grant,), actor="cli")
        return str(user.user_id)

    user_id = run(settings_of(data_dir), question)
    made = {} if password else {"password": chosen}
    if json:
        print_json({"user_id": user_id, "email": email, **made})
    else:
        print(f"added {email}" + (f"; password: {chosen}" if made else ""))
    return 0


def grant_of(role: Role, *, stream: str | None, tech_stream: str | None, configuration: Configuration) -> Grant:
    """Return a grant with its streams found by name.

    Raises:
        NotFound: there is no such stream.
        InvalidInput: an administrator was to be limited to a stream.
    """
    delivery, tech = configuration.delivery_stream(stream), configuration.tech_stream(tech_stream)
    if stream is not None and delivery is None:
        raise NotFound(f"There is no delivery stream {stream!r}")
    if tech_stream is not None and tech is None:
        raise NotFound(f"There is no technology stream {tech_stream!r}")
    if role is Role.PLATFORM_ADMIN and (delivery or tech):
        raise InvalidInput("platform_admin is for all streams; leave --stream and --tech-stream out", field="role")
    return Grant(
        role=role,
        delivery_stream_id=delivery.stream_id if delivery else None,
        tech_stream_id=tech.stream_id if tech else None,
    )
