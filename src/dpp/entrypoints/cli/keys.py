"""``dpp keys create``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter
from dishka import AsyncContainer

from dpp.application.keys import ApiKeys, NewKey
from dpp.application.ports import ConfigurationStore
from dpp.domain.access import StreamScope
from dpp.domain.errors import NotFound
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
        scope = await _scope(wired, stream or [], tech_stream or [])
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


async def _scope(wired: AsyncContainer, streams: list[str], tech_streams: list[str]) -> StreamScope:
    if not streams and not tech_streams:
        return StreamScope.everything()
    configuration = await (await wired.get(ConfigurationStore)).load()
    found = {name: configuration.delivery_stream(name) for name in streams}
    found_tech = {name: configuration.tech_stream(name) for name in tech_streams}
    for name, row in (*found.items(), *found_tech.items()):
        if row is None:
            raise NotFound(f"There is no stream {name!r}")
    return StreamScope(
        delivery_streams=frozenset(row.stream_id for row in found.values() if row),
        tech_streams=frozenset(row.stream_id for row in found_tech.values() if row),
    )
