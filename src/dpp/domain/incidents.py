"""Incidents as their reports tell them: how often, how long, and which deployment is blamed (§6.4.3, §5.4.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from uuid import UUID

from dpp.domain.errors import InvalidInput
from dpp.domain.events import IncidentEvent, IncidentEventType

_MINUTE = timedelta(minutes=1)
_ALARM = (IncidentEventType.ALARM_TRIGGERED, IncidentEventType.ALARM_RESOLVED)
_INCIDENT = (IncidentEventType.INCIDENT_OPENED, IncidentEventType.INCIDENT_RESOLVED)


class Fault(StrEnum):
    """What is wrong with the reports of an incident, so that its end is not counted."""

    ENDS_BEFORE_START = "ends_before_start"
    NEVER_STARTED = "never_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """How long an incident lasted as far as was known from ``known_at`` on."""

    started_at: datetime
    resolved_at: datetime
    known_at: datetime

    @property
    def minutes(self) -> float:
        """Time to restore, by the clock."""
        return (self.resolved_at - self.started_at) / _MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """
    One time that an incident happened.

    Attributes:
        number: 1 for the first; an incident that is opened again after its end has another episode.
        started_at: the earliest start; None when only an end was reported.
        restores: what was known of its length, from when on, in that order; empty while it goes on. The last one holds.
        fault: what is wrong with its reports.
    """

    number: int
    started_at: datetime | None
    restores: tuple[Restore, ...]
    fault: Fault | None

    def name(self, incident_id: str) -> str:
        """Return what the episode is called: the incident's own id, and from the second on ``id#2``, ``id#3``, …"""
        return incident_id if self.number == 1 else f"{incident_id}#{self.number}"


@dataclass(frozen=True, slots=True)
class _Span:
    """A start and an end of one kind; one of them may be missing."""

    start: datetime | None
    end: datetime | None

    @property
    def is_complete(self) -> bool:
        return self.start is not None and self.end is not None


def episodes(events: Iterable[IncidentEvent]) -> tuple[Episode, ...]:
    """
    Return the episodes of an incident; they depend on the set of its events alone (decision 0003).

    Alarms and incidents under one id are one thing told twice: the first episode has the first span of each, and lasts
    from the earliest start to the latest end. A start while the span is still open tells nothing new, and so does an
    end when none is open; but an end that only comes before its start is a fault.

    Args:
        events: of one incident, in any order; none gives none.

    Raises:
        InvalidInput: the events are of more than one incident.
    """
    known = list(events)
    if len({event.incident_id for event in known}) > 1:
        raise InvalidInput("the events are of several incidents; give those of one", field="events")
    spans = (_spans(known, *_ALARM), _spans(known, *_INCIDENT))
    return tuple(
        _episode(number, [span for span in pair if span is not None])
        for number, pair in enumerate(zip_longest(*spans), start=1)
    )


def _spans(events: Sequence[IncidentEvent], start: IncidentEventType, end: IncidentEventType) -> list[_Span]:
    told = sorted(
        {(event.event_timestamp, event.event_type is end) for event in events if event.event_type in (start, end)}
    )
    spans: list[_Span] = []
    for at, is_end in told:
        is_open = bool(spans) and spans[-1].start is not None and spans[-1].end is None
        if is_end and is_open:
            spans[-1] = _Span(spans[-1].start, at)
        elif not is_end and not is_open:
            spans.append(_Span(at, None))
        elif is_end and not spans:
            spans.append(_Span(None, at))
    return _reversed_pair_joined(spans)


def _reversed_pair_joined(spans: list[_Span]) -> list[_Span]:
    """Return an end before every start as that of the first start, if that one has no end of its own."""
    if spans and spans[0].start is None and len(spans) > 1 and spans[1].end is None:
        return [_Span(spans[1].start, spans[0].end), *spans[2:]]
    return spans


def _episode(number: int, spans: Sequence[_Span]) -> Episode:
    sound = [span for span in spans if span.start is not None and (span.end is None or span.end >= span.start)]
    starts = [span.start for span in spans if span.start is not None]
    fault = None
    if not starts:
        fault = Fault.NEVER_STARTED
    elif not sound:
        fault = Fault.ENDS_BEFORE_START
    return Episode(number=number, started_at=min(starts, default=None), restores=tuple(_restores(sound)), fault=fault)


def _restores(spans: Sequence[_Span]) -> Iterable[Restore]:
    complete = sorted((span.end, span.start) for span in spans if span.start is not None and span.end is not None)
    for place, (end, _) in enumerate(complete):
        if place + 1 < len(complete) and complete[place + 1][0] == end:
            continue  # both ends came at once: there is one restore
        start = min(start for _, start in complete[: place + 1])
        yield Restore(started_at=start, resolved_at=end, known_at=end)


class Standing(StrEnum):
    """What is thought of a deployment that may have caused an incident."""

    BLAMED = "blamed"
    """The likeliest; nobody has said otherwise."""
    CONFIRMED = "confirmed"
    """A person says so."""
    CANDIDATE = "candidate"
    """Possible, but another one is likelier."""
    REJECTED = "rejected"
    """A person says that it was not this one, or that it was another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A production deployment of the incident's technology stream, shortly before the incident began.

    ``serves`` says that its repository deploys to the very service of the incident.
    """

    record_id: UUID
    deployed_at: datetime
    serves: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a person said of a deployment's blame at some time."""

    record_id: UUID
    is_confirmed: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """What was thought of a candidate from one moment until before another, None for no end."""

    record_id: UUID
    standing: Standing
    valid_from: datetime
    valid_to: datetime | None


def blames(candidates: Iterable[Candidate], verdicts: Iterable[Verdict], *, started_at: datetime) -> tuple[Blame, ...]:
    """
    Return what was thought of each candidate over time.

    The likeliest is one that serves the incident's service, then the latest (§5.4.4); an incident blames at most one.
    A rejected candidate leaves the blame to the next; a confirmed one keeps it, whichever was likelier.

    Args:
        candidates: distinct deployments; none gives none.
        verdicts: of this incident, in any order; those about other deployments tell nothing.
        started_at: when the incident began: nothing was thought of it before.
    """
    ranked = sorted(candidates, key=lambda one: (one.serves, one.deployed_at, str(one.record_id)), reverse=True)
    said = sorted(verdicts, key=lambda one: (one.decided_at, one.is_confirmed, str(one.record_id)))
    moments = sorted({started_at, *(max(started_at, one.decided_at) for one in said)})
    spans: dict[UUID, list[Blame]] = {one.record_id: [] for one in ranked}
    for at in moments:
        for record_id, standing in _standings(ranked, [one for one in said if one.decided_at <= at]).items():
            _go_on(spans[record_id], record_id, standing, at)
    return tuple(span for one in ranked for span in spans[one.record_id])


def _standings(ranked: Sequence[Candidate], said: Sequence[Verdict]) -> Mapping[UUID, Standing]:
    last = {one.record_id: one.is_confirmed for one in said}
    confirmed = next((one.record_id for one in reversed(said) if one.is_confirmed and last[one.record_id]), None)
    if any(one.record_id == confirmed for one in ranked):
        return {
            one.record_id: Standing.CONFIRMED if one.record_id == confirmed else Standing.REJECTED for one in ranked
        }
    likeliest = next((one.record_id for one in ranked if last.get(one.record_id, True)), None)
    return {
        one.record_id: Standing.BLAMED
        if one.record_id == likeliest
        else (Standing.CANDIDATE if last.get(one.record_id, True) else Standing.REJECTED)
        for one in ranked
    }


def _go_on(spans: list[Blame], record_id: UUID, standing: Standing, at: datetime) -> None:
    """Add what is thought from a moment on, if it is something else than before."""
    if spans and spans[-1].standing is standing:
        return
    if spans:
        before = spans[-1]
        spans[-1] = Blame(record_id=record_id, standing=before.standing, valid_from=before.valid_from, valid_to=at)
    spans.append(Blame(record_id=record_id, standing=standing, valid_from=at, valid_to=None))
