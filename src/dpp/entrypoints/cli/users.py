"""``dpp users add``."""

from __future__ import annotations

import secrets as randomness

from dishka import AsyncContainer

from dpp.application.ports import ConfigurationStore
from dpp.application.scopes import named_grants
from dpp.application.users import Users
from dpp.domain.access import Role
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
        grants = named_grants(
            configuration,
            role=role,
            delivery_streams=[stream] if stream else [],
            tech_streams=[tech_stream] if tech_stream else [],
        )
        user = await (await wired.get(Users)).add(email=email, password=chosen, grants=grants, actor="cli")
        return str(user.user_id)

    user_id = run(settings_of(data_dir), question)
    made = {} if password else {"password": chosen}
    if json:
        print_json({"user_id": user_id, "email": email, **made})
    else:
        print(f"added {email}" + (f"; password: {chosen}" if made else ""))
    return 0
