"""The document of the configuration, as it lies in the database."""

from __future__ import annotations

import msgspec

from dpp.adapters.postgres.engine import Connection
from dpp.domain.configuration import Configuration

_decoder = msgspec.json.Decoder(Configuration)


async def current_configuration(connection: Connection) -> Configuration:
    """Read the current configuration; version 0, empty, when nothing was ever configured."""
    cursor = await connection.execute("SELECT document::text FROM configuration_versions ORDER BY version DESC LIMIT 1")
    row = await cursor.fetchone()
    return Configuration() if row is None else _decoder.decode(row[0])
