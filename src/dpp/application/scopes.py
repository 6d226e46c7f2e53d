"""From the names of streams that people type to what they open."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from dpp.domain.access import Grant, Role, StreamScope
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.domain.errors import NotFound


def named_scope(
    configuration: Configuration, *, delivery_streams: Iterable[str] = (), tech_streams: Iterable[str] = ()
) -> StreamScope:
    """Return the scope of the streams named; without a name, of all of them.

    Raises:
        NotFound: a name is not that of a stream.
    """
    delivery = frozenset(_delivery(configuration, name) for name in delivery_streams)
    tech = frozenset(_tech(configuration, name) for name in tech_streams)
    return StreamScope(is_all=not (delivery or tech), delivery_streams=delivery, tech_streams=tech)


def named_grants(
    configuration: Configuration,
    *,
    role: Role,
    delivery_streams: Iterable[str] = (),
    tech_streams: Iterable[str] = (),
) -> tuple[Grant, ...]:
    """Return the role for each of the streams named; without a name, for all of them.

    Raises:
        NotFound: a name is not that of a stream.
    """
    grants = [Grant(role=role, delivery_stream_id=_delivery(configuration, name)) for name in delivery_streams]
    grants += [Grant(role=role, tech_stream_id=_tech(configuration, name)) for name in tech_streams]
    return tuple(grants) or (Grant(role=role),)


def _delivery(configuration: Configuration, name: str) -> UUID:
    return _found(configuration.delivery_stream(name), f"There is no delivery stream {name!r}")


def _tech(configuration: Configuration, name: str) -> UUID:
    return _found(configuration.tech_stream(name), f"There is no technology stream {name!r}")


def _found(stream: DeliveryStream | TechStream | None, message: str) -> UUID:
    if stream is None:
        raise NotFound(message)
    return stream.stream_id
