"""What somebody asks to see: streams, a moment, a window; and what they may see of it (decisions 0015, 0016)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dpp.domain.access import StreamScope
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.domain.errors import InvalidInput, NotFound

MAX_WINDOW_DAYS = 1100
"""36 months: how long derived rows are kept at least (§8.3)."""


class UnknownStream(NotFound):
    """No stream of this name or id, or none that the caller may see: the answer is the same."""

    code = "stream_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open span of time, ``[start, end)``."""

    start: datetime
    end: datetime

    @classmethod
    def back_from(cls, end: datetime, *, days: int) -> Window:
        """Return the ``days`` × 24 hours before ``end``.

        Raises:
            InvalidInput: ``days`` is below 1 or above ``MAX_WINDOW_DAYS``.
        """
        if not 1 <= days <= MAX_WINDOW_DAYS:
            raise InvalidInput(f"window must be between 1 and {MAX_WINDOW_DAYS} days, not {days}", field="window")
        return cls(start=end - timedelta(days=days), end=end)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    Which things count.

    ``scope`` is what the caller may see at all; ``delivery_stream_id`` and ``tech_stream_id`` are what they ask for,
    None for any, both together for what belongs to both. ``as_of`` is the moment whose knowledge counts; ``is_live``
    says that it is the present because nobody asked for another one.
    """

    scope: StreamScope
    as_of: datetime
    delivery_stream_id: UUID | None = None
    tech_stream_id: UUID | None = None
    is_live: bool = False

    def shows(self, *, delivery_stream_id: UUID | None, tech_stream_ids: tuple[UUID, ...]) -> bool:
        """Whether a thing that belongs to these streams counts."""
        if self.delivery_stream_id is not None and delivery_stream_id != self.delivery_stream_id:
            return False
        if self.tech_stream_id is not None and self.tech_stream_id not in tech_stream_ids:
            return False
        return self.scope.is_all or self.scope.sees(
            delivery_stream_id=delivery_stream_id, tech_stream_ids=tech_stream_ids
        )


def may_name(stream: DeliveryStream | TechStream, *, scope: StreamScope) -> bool:
    """Whether somebody with this scope may know that the stream exists."""
    return scope.is_all or stream.stream_id in scope.delivery_streams | scope.tech_streams


def view_of(
    *,
    scope: StreamScope,
    configuration: Configuration,
    as_of: datetime,
    stream: str | None = None,
    tech_stream: str | None = None,
    is_live: bool = False,
) -> View:
    """Resolve the streams of a request, by id or by name; ``is_live`` when ``as_of`` is the present unasked.

    Raises:
        UnknownStream: there is none such, or the scope hides it.
        InvalidInput: ``as_of`` has no zone.
    """
    if as_of.tzinfo is None:
        raise InvalidInput("as_of needs a zone, such as 2026-03-01T09:00:00Z", field="as_of")
    return View(
        scope=scope,
        as_of=as_of,
        delivery_stream_id=_delivery(stream, scope=scope, configuration=configuration),
        tech_stream_id=_tech(tech_stream, scope=scope, configuration=configuration),
        is_live=is_live,
    )


def _delivery(name: str | None, *, scope: StreamScope, configuration: Configuration) -> UUID | None:
    if name is None:
        return None
    found = configuration.delivery_stream(name) or next(
        (row for row in configuration.delivery_streams if str(row.stream_id) == name.lower()), None
    )
    if found is None or not may_name(found, scope=scope):
        raise UnknownStream(f"There is no delivery stream {name!r} that you may see (GET /api/v1/streams/delivery)")
    return found.stream_id


def _tech(name: str | None, *, scope: StreamScope, configuration: Configuration) -> UUID | None:
    if name is None:
        return None
    found = configuration.tech_stream(name) or next(
        (row for row in configuration.tech_streams if str(row.stream_id) == name.lower()), None
    )
    if found is None or not may_name(found, scope=scope):
        raise UnknownStream(f"There is no technology stream {name!r} that you may see (GET /api/v1/streams/tech)")
    return found.stream_id
