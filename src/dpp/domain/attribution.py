"""Which streams a ticket belonged to, and when (§5.2.4, §5.2.5, decision 0016)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from dpp.domain.configuration import Configuration
from dpp.domain.events import TicketFields, WorkItemEvent
from dpp.domain.histories import distinct_events, event_order

_NO_FIELDS = TicketFields()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """
    What a ticket was called and whom it belonged to for a while.

    Attributes:
        valid_from: inclusive.
        valid_to: exclusive; None while it holds.
        ticket_id: its key at that time.
        delivery_stream_id: None when nothing names one.
        tech_stream_ids: each once, in order; empty when none is known.
    """

    valid_from: datetime
    valid_to: datetime | None
    ticket_id: str
    delivery_stream_id: UUID | None
    tech_stream_ids: tuple[UUID, ...]


def attributions(
    events: Iterable[WorkItemEvent],
    *,
    configuration: Configuration,
    linked: Sequence[tuple[datetime, UUID]] = (),
) -> tuple[Attribution, ...]:
    """
    Return what a ticket belonged to over time, without gaps from its first event on; empty without events.

    The latest event that brought fields decides with all of them: a field that it lacks is empty. Events without fields
    still tell the key and the project. The order of the events and repeated ones change nothing.

    Args:
        events: of one ticket.
        configuration: what the names in fields mean.
        linked: when each linked pull request was opened, and its technology stream; they count from then on, while the
            ticket's own field names no known stream.
    """
    known = list(events)
    ordered = known if len(known) <= 1 else sorted(distinct_events(known), key=event_order)
    if not ordered:
        return ()
    spans = _spans(ordered, configuration, sorted(linked))
    return tuple(_merged(spans))


def delivery_stream_of(*, project_key: str, fields: TicketFields, configuration: Configuration) -> UUID | None:
    """
    Return the delivery stream of a ticket by the methods of its project, in their order; None when none names one.

    Of several labels, or components, the first that names a stream counts.
    """
    project = configuration.project(project_key)
    names: dict[str, tuple[str | None, ...]] = {
        "field": (fields.delivery_stream,),
        "project": (project.delivery_stream,),
        "label": fields.labels,
        "component": fields.components,
    }
    found = (
        configuration.delivery_stream(name) for method in project.delivery_stream_from for name in names.get(method, ())
    )
    return next((stream.stream_id for stream in found if stream is not None), None)


def tech_streams_named(fields: TicketFields, *, configuration: Configuration) -> tuple[UUID, ...]:
    """Return the technology streams that a ticket's field names, each once, in order; names of none are left out."""
    found = (configuration.tech_stream(name) for name in fields.tech_streams)
    return tuple(sorted({stream.stream_id for stream in found if stream is not None}))


def _spans(
    events: Sequence[WorkItemEvent], configuration: Configuration, linked: Sequence[tuple[datetime, UUID]]
) -> Iterator[Attribution]:
    """Yield one span for each event, cut where a pull request brings a stream; they may be empty or equal."""
    fields = _NO_FIELDS
    for position, event in enumerate(events):
        fields = event.fields or fields
        end = events[position + 1].event_timestamp if position + 1 < len(events) else None
        span = Attribution(
            valid_from=event.event_timestamp,
            valid_to=end,
            ticket_id=event.ticket_id,
            delivery_stream_id=delivery_stream_of(
                project_key=event.project_key, fields=fields, configuration=configuration
            ),
            tech_stream_ids=tech_streams_named(fields, configuration=configuration),
        )
        yield from (span,) if span.tech_stream_ids or not linked else _with_linked(span, linked)


def _with_linked(span: Attribution, linked: Sequence[tuple[datetime, UUID]]) -> Iterator[Attribution]:
    """Yield the parts of a span between the openings of pull requests, which are in the order of time."""
    inside = sorted({opened for opened, _ in linked if _is_inside(opened, span)})
    starts = [span.valid_from, *inside]
    for start, end in zip(starts, [*inside, span.valid_to], strict=True):
        streams = {stream for opened, stream in linked if opened <= start}
        yield replace(span, valid_from=start, valid_to=end, tech_stream_ids=tuple(sorted(streams)))


def _is_inside(moment: datetime, span: Attribution) -> bool:
    return span.valid_from < moment and (span.valid_to is None or moment < span.valid_to)


def _merged(spans: Iterable[Attribution]) -> Iterator[Attribution]:
    """Yield the spans that last, equal neighbours as one."""
    open_span: Attribution | None = None
    for span in spans:
        if span.valid_from == span.valid_to:
            continue
        if open_span is not None and _says(open_span) == _says(span):
            open_span = replace(open_span, valid_to=span.valid_to)
            continue
        if open_span is not None:
            yield open_span
        open_span = span
    if open_span is not None:
        yield open_span


def _says(span: Attribution) -> tuple[object, ...]:
    return (span.ticket_id, span.delivery_stream_id, span.tech_stream_ids)
