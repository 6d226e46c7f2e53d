"""``dpp keys create``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter
from dishka import AsyncContainer

from dpp.application.keys import ApiKeys, NewKey
from dpp.application.ports import ConfigurationStore
from dpp.application.scopes import named_scope
from dpp.entrypoints.cli.common import AsJson, DataDir, print_json, run, settings_of


def create(
    name: str,
    /,
    *,
    permission: Annotated[list[str], Parameter(negative=())],
    stream: Annotated[list[str] | None, Parameter(negative=())] = None,
    tech_stream: Annotated[list[str] | None, Parameter(negative=())] = None,
    expires: int | None = None,
    data_dir: DataDir = None,
    json: AsJson = False,
) -> int:
    """Make an API key and print it, once.

    Example: dpp keys create pipeline --permission events:write --expires 365

    Args:
        name: What people call the key.
        permission: events:write, metrics:read, admin:read or admin:write; may be repeated.
        stream: A delivery stream that the key is for; may be repeated. Without any, all.
        tech_stream: A technology stream that the key is for; may be repeated.
        expires: Days that it lasts; without it, for ever.
    """

    async def question(wired: AsyncContainer) -> NewKey:
        configuration = await (await wired.get(ConfigurationStore)).load()
        scope = named_scope(configuration, delivery_streams=stream or [], tech_streams=tech_stream or [])
        return await (await wired.get(ApiKeys)).create(
            name=name,
            permissions=permission,
            scope=scope,
            actor="cli",
            expires_after=None if expires is None else timedelta(days=expires),
        )

    made = run(settings_of(data_dir), question)
    if json:
        print_json({"key_id": str(made.key_id), "key": made.key, "expires_at": made.expires_at})
    else:
        print(made.key)
    return 0
