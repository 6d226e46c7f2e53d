"""Run by alembic: applies the migrations on the connection that it is given, in its transaction."""

from __future__ import annotations

from alembic import context

from dpp.adapters.postgres.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
