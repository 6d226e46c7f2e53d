"""What tables have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Text, Uuid, text

#: Constraint names are part of the schema: the adapters recognise a violated key by its name.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

NOW = text("now()")
NEW_ID = text("gen_random_uuid()")


def moment(name: str, *, nullable: bool = True, default_now: bool = False, primary_key: bool = False) -> Column[Any]:
    """A point in time, always with its zone (§4.1)."""
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable and not default_now,
        server_default=NOW if default_now else None,
        primary_key=primary_key,
    )


def words(name: str, *, nullable: bool = False) -> Column[Any]:
    """Text of any length: PostgreSQL stores a limited VARCHAR no better, and sources know no limits."""
    return Column(name, Text, nullable=nullable)


def reference(name: str, target: str, *, nullable: bool = True) -> Column[Any]:
    """A foreign key by id."""
    return Column(name, Uuid, ForeignKey(target), nullable=nullable)
