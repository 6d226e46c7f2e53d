"""From inputs to derived rows: pure functions of facts and configuration (decision 0003).

The same code derives one ticket and twenty thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple, TypeAlias
from uuid import UUID, uuid5

import numpy as np

from dpp.application.delivery_derivation import ChangeInputs, DeploymentInputs, IncidentInputs
from dpp.application.delivery_rows import ChangeRow, DeploymentRow, IncidentRows
from dpp.application.derivation import Derive, LinkedTicket, PullRequestInputs, TicketInputs
from dpp.application.derive_deliveries import change_rows, deployment_rows, incident_rows
from dpp.application.derived_rows import (
    AttributionRow,
    CycleRow,
    PullRequestCycleRow,
    PullRequestRow,
    PullRequestRows,
    StayRow,
    TicketRows,
    WorkItemRow,
)
from dpp.application.enrich import sprint_uuid
from dpp.application.identities import PullRequestId
from dpp.domain.arrays import BoolArray, FloatArray, IntArray
from dpp.domain.attribution import Attribution, attributions
from dpp.domain.calendar import TICKS_PER_DAY, BusinessCalendar, to_micros
from dpp.domain.configuration import Configuration
from dpp.domain.cycles import fold_histories
from dpp.domain.events import NAMESPACE, TicketFields, WorkItemEvent
from dpp.domain.folded import Completions, CurrentPositions, Stays
from dpp.domain.histories import FOREVER, NEVER, TicketColumns, event_order
from dpp.domain.linking import BranchPattern, Link, LinkMethod, TicketKey, choose
from dpp.domain.positions import DELETED, DONE, IS_ACTIVE, LABELS, STAGE_OF, STAGES
from dpp.domain.reviews import PullRequestState, pull_request_cycle

CalendarOf: TypeAlias = Callable[[Configuration, UUID | None], BusinessCalendar]
"""Finds the calendar of a delivery stream; of None it is the platform's."""

_NO_FIELDS = TicketFields()
_DELETED = LABELS.index(DELETED)


class Derivation(Derive):
    """The calculation of derived rows."""

    def __init__(self, *, calendar_of: CalendarOf) -> None:
        """``calendar_of``: finds the calendar of a delivery stream."""
        self._calendar_of = calendar_of
        self._patterns: dict[str, BranchPattern] = {}

    def tickets(self, inputs: TicketInputs, configuration: Configuration) -> TicketRows:
        """Return all rows of some tickets; the time of a ticket runs on its current delivery stream's calendar."""
        columns = inputs.columns
        lives = [_Life.of(inputs, item, configuration) for item in columns.items]
        calendars, calendar_of = self._calendars(lives, configuration)
        folded = fold_histories(columns, configuration=configuration, calendars=calendars, calendar_of=calendar_of)
        done_at = _counting(folded.completions)
        return TicketRows(
            work_items=list(_work_items(columns, lives, folded.current, done_at)),
            stays=_stay_rows(columns, folded.stays),
            attributions=[row for life in lives for row in life.rows()],
            cycles=list(_cycle_rows(columns, lives, folded.completions)),
        )

    def _calendars(
        self, lives: Sequence[_Life], configuration: Configuration
    ) -> tuple[tuple[BusinessCalendar, ...], IntArray]:
        streams = [life.last.delivery_stream_id for life in lives]
        found = {stream: self._calendar_of(configuration, stream) for stream in {None, *streams}}
        calendars = tuple(dict.fromkeys(found.values()))
        numbers = {stream: calendars.index(calendar) for stream, calendar in found.items()}
        return calendars, np.array([numbers[stream] for stream in streams], dtype=np.int64)

    def links(self, inputs: PullRequestInputs, configuration: Configuration) -> Mapping[PullRequestId, Link]:
        """Return the ticket keys of pull requests: given by hand, or named under the current configuration (§5.3.4)."""
        found: dict[PullRequestId, Link] = {}
        for pull_request, events in inputs.events.items():
            if pull_request in inputs.by_hand:
                key = inputs.by_hand[pull_request]
                if key is not None:
                    found[pull_request] = Link(key=TicketKey(key), method=LinkMethod.MANUAL)
                continue
            state = pull_request_cycle(events)
            stream = _tech_stream(pull_request, state, inputs, configuration)
            link = choose(
                branch=state.branch_name,
                title_keys=map(TicketKey, state.title_keys),
                body_keys=map(TicketKey, state.body_keys),
                pattern=self._pattern(stream, configuration),
                known_projects=configuration.known_projects,
            )
            if link is not None:
                found[pull_request] = link
        return found

    def _pattern(self, stream: UUID | None, configuration: Configuration) -> BranchPattern:
        told = next((known.branch_pattern for known in configuration.tech_streams if known.stream_id == stream), None)
        if told is None:
            return _DEFAULT_PATTERN
        if told not in self._patterns:
            self._patterns[told] = BranchPattern(told)
        return self._patterns[told]

    def pull_requests(
        self,
        inputs: PullRequestInputs,
        configuration: Configuration,
        *,
        links: Mapping[PullRequestId, Link],
        tickets: Mapping[str, LinkedTicket],
    ) -> PullRequestRows:
        """Return all rows of some pull requests; an open one has no cycle (§4.4.3)."""
        rows = PullRequestRows([], [])
        for pull_request, events in inputs.events.items():
            state = pull_request_cycle(events)
            stream = _tech_stream(pull_request, state, inputs, configuration)
            link = links.get(pull_request)
            row = _pull_request_row(pull_request, state, stream, link, tickets.get(link.key) if link else None)
            rows.pull_requests.append(row)
            if state.ended_at is not None:
                rows.cycles.append(_pull_request_cycle_row(row, state))
        return rows

    def deployments(self, inputs: DeploymentInputs, configuration: Configuration) -> list[DeploymentRow]:
        """Return the rows of those of some deployments that have ended (§4.4.4)."""
        return deployment_rows(inputs, configuration)

    def changes(self, inputs: ChangeInputs) -> list[ChangeRow]:
        """Return the rows of some changes."""
        return change_rows(inputs)

    def incidents(self, inputs: IncidentInputs, configuration: Configuration) -> IncidentRows:
        """Return all rows of some incidents."""
        return incident_rows(inputs, configuration)


_DEFAULT_PATTERN = BranchPattern()


class _Attributes(NamedTuple):
    """What a ticket's fields say from an instant on."""

    since: int
    project_key: str
    fields: TicketFields


class _Life(NamedTuple):
    """What a ticket was called, whom it belonged to and what its fields said, over time."""

    item: str
    attributions: tuple[Attribution, ...]
    attributes: list[_Attributes]

    @classmethod
    def of(cls, inputs: TicketInputs, item: str, configuration: Configuration) -> _Life:
        changes = inputs.changes[item]
        linked = inputs.linked.get(item, ())
        return cls(item, attributions(changes, configuration=configuration, linked=linked), list(_attributes(changes)))

    @property
    def last(self) -> Attribution:
        return self.attributions[-1]

    def rows(self) -> Iterator[AttributionRow]:
        for span in self.attributions:
            yield AttributionRow(
                self.item,
                span.ticket_id,
                span.delivery_stream_id,
                span.tech_stream_ids,
                to_micros(span.valid_from),
                FOREVER if span.valid_to is None else to_micros(span.valid_to),
            )

    def attribution_before(self, end: int) -> Attribution:
        """Return what held just before an instant; the first if nothing did."""
        if end == FOREVER or len(self.attributions) == 1:
            return self.attributions[-1]
        held = [span for span in self.attributions if to_micros(span.valid_from) < end]
        return held[-1] if held else self.attributions[0]

    def attributes_before(self, end: int) -> TicketFields:
        """Return what the fields said just before an instant."""
        if end == FOREVER or len(self.attributes) == 1:
            return self.attributes[-1].fields
        held = [known for known in self.attributes if known.since < end]
        return (held[-1] if held else self.attributes[0]).fields


def _attributes(changes: Sequence[WorkItemEvent]) -> Iterator[_Attributes]:
    fields = _NO_FIELDS
    for event in _in_order(changes):
        fields = event.fields or fields
        yield _Attributes(to_micros(event.event_timestamp), event.project_key, fields)


def _in_order(changes: Sequence[WorkItemEvent]) -> Sequence[WorkItemEvent]:
    """Return events of one ticket, each fact once, as they happened."""
    if len(changes) == 1:
        return changes
    if len({event.event_timestamp for event in changes}) == len(changes):
        # The full order looks at everything that an event tells, and is needed only where the time does not decide.
        return sorted(changes, key=attrgetter("event_timestamp"))
    return sorted(changes, key=event_order)


def _counting(completions: Completions) -> dict[int, int]:
    """Return when each ticket that is done was completed, by its position."""
    holds = completions.reopened_at == FOREVER
    return dict(zip(completions.item[holds].tolist(), completions.completed_at[holds].tolist(), strict=True))


def _work_items(
    columns: TicketColumns, lives: Sequence[_Life], current: CurrentPositions, done_at: Mapping[int, int]
) -> Iterator[WorkItemRow]:
    places = dict(zip(current.item.tolist(), range(len(current.item)), strict=True))
    position, status = current.position.tolist(), _statuses(columns, current.status_code)
    since, created_at = current.since.tolist(), current.created_at.tolist()
    begun, blocked = _known(current.first_in_progress), _known(current.blocked_since)
    told = columns.told_created_at.tolist()
    for item, life in enumerate(lives):
        place = places.get(item)
        _, project_key, fields = life.attributes[-1]
        stands = None if place is None else position[place]
        yield WorkItemRow(
            issue_id=life.item,
            ticket_id=life.last.ticket_id,
            project_key=project_key,
            ticket_type=fields.ticket_type,
            story_points=fields.story_points,
            priority=fields.priority,
            labels=fields.labels,
            parent_ticket_id=fields.parent_ticket_id,
            delivery_stream_id=life.last.delivery_stream_id,
            tech_stream_ids=life.last.tech_stream_ids,
            sprint_id=_sprint(fields),
            status=None if place is None else status[place],
            stage=None if stands is None else _STAGE[stands],
            is_active_work=None if stands is None else _ACTIVE[stands],
            entered_at=None if place is None else since[place],
            created_at=_began(told[item], life) if place is None else created_at[place],
            first_in_progress=None if place is None else begun[place],
            completed_at=done_at.get(item) if stands == DONE else None,
            blocked_since=None if place is None else blocked[place],
            is_deleted=stands == _DELETED,
        )


_STAGE = [STAGES[code] for code in STAGE_OF.tolist()]
_ACTIVE: list[bool] = IS_ACTIVE.tolist()


def _began(told: int, life: _Life) -> int:
    first = to_micros(life.attributions[0].valid_from)
    return first if told == NEVER else min(told, first)


def _sprint(fields: TicketFields) -> UUID | None:
    return sprint_uuid(fields.jira_sprint_id) if fields.jira_sprint_id else None


def _stay_rows(columns: TicketColumns, stays: Stays) -> list[StayRow]:
    cells = zip(
        map(columns.items.__getitem__, stays.item.tolist()),
        _statuses(columns, stays.status_code),
        map(_STAGE.__getitem__, stays.position.tolist()),
        stays.active.tolist(),
        stays.entered.tolist(),
        stays.left.tolist(),
        strict=True,
    )
    return list(map(StayRow._make, cells))


def _cycle_rows(columns: TicketColumns, lives: Sequence[_Life], completions: Completions) -> Iterator[CycleRow]:
    measured = completions.measured
    times = zip(
        completions.created_at.tolist(),
        _known(completions.first_in_progress),
        completions.completed_at.tolist(),
        (completions.lead_ticks / TICKS_PER_DAY).tolist(),
        _days(completions.cycle_ticks, measured),
        _days(completions.active_ticks, measured),
        _days(completions.wait_ticks, measured),
        _days(completions.blocked_ticks, measured),
        _numbers(completions.flow_efficiency_pct),
        _durations(completions),
        strict=True,
    )
    ends = completions.reopened_at.tolist()
    for item, end, row in zip(completions.item.tolist(), ends, times, strict=True):
        life = lives[item]
        held, fields = life.attribution_before(end), life.attributes_before(end)
        whose = (
            uuid5(NAMESPACE, f"cycle\x1f{life.item}\x1f{row[2]}"),
            life.item,
            held.ticket_id,
            held.delivery_stream_id,
            held.tech_stream_ids,
            fields.ticket_type,
            fields.story_points,
        )
        yield CycleRow._make((*whose, *row, _sprint(fields), end))


def _durations(completions: Completions) -> list[dict[str, float]]:
    """Return the working days under each label that was visited; nothing where there is no cycle."""
    days = completions.label_ticks / TICKS_PER_DAY
    row, label = np.nonzero(completions.visited & completions.measured[:, None])
    durations: list[dict[str, float]] = [{} for _ in range(len(days))]
    for number, name, spent in zip(row.tolist(), label.tolist(), days[row, label].tolist(), strict=True):
        durations[number][LABELS[name]] = spent
    return durations


def _days(ticks: IntArray, measured: BoolArray) -> list[float | None]:
    days = (ticks / TICKS_PER_DAY).astype(object)
    days[~measured] = None
    listed: list[float | None] = days.tolist()
    return listed


def _numbers(values: FloatArray) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - nan is not itself


def _known(instants: IntArray) -> list[int | None]:
    return [None if instant == NEVER else instant for instant in instants.tolist()]


def _statuses(columns: TicketColumns, codes: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> list[str | None]:
    # The code of what is not told is -1, and finds the None at the end.
    names = [*(key.status for key in columns.statuses), None]
    return [names[code] for code in codes.tolist()]


def _tech_stream(
    pull_request: PullRequestId, state: PullRequestState, inputs: PullRequestInputs, configuration: Configuration
) -> UUID | None:
    """Return the technology stream of a pull request's repository: as registered, while there is such a stream."""
    registered = inputs.tech_streams.get(pull_request.repo_id)
    if any(stream.stream_id == registered for stream in configuration.tech_streams):
        return registered
    found = configuration.tech_stream_of(org=state.repository.org, installation_id=state.repository.installation_id)
    return found.stream_id if found else None


def _pull_request_row(
    pull_request: PullRequestId,
    state: PullRequestState,
    stream: UUID | None,
    link: Link | None,
    ticket: LinkedTicket | None,
) -> PullRequestRow:
    return PullRequestRow(
        repo_id=pull_request.repo_id,
        pr_number=pull_request.pr_number,
        tech_stream_id=stream,
        delivery_stream_id=ticket.delivery_stream_id if ticket else None,
        linked_ticket_id=link.key if link else None,
        linked_issue_id=ticket.issue_id if ticket else None,
        link_method=link.method.value if link else None,
        author_hash=state.author_hash,
        author_is_bot=state.author_is_bot,
        state="open" if state.is_open else "merged" if state.merged_at else "closed",
        is_draft=state.is_draft,
        branch_name=state.branch_name,
        base_branch=state.base_branch,
        opened_at=to_micros(state.opened_at),
        closed_at=None if state.ended_at is None else to_micros(state.ended_at),
    )


def _pull_request_cycle_row(row: PullRequestRow, state: PullRequestState) -> PullRequestCycleRow:
    assert row.closed_at is not None
    instants = (state.first_review_at, state.approved_at, state.merged_at)
    first_review_at, approved_at, merged_at = (None if when is None else to_micros(when) for when in instants)
    return PullRequestCycleRow(
        cycle_id=uuid5(NAMESPACE, f"pull_request_cycle\x1f{row.repo_id}\x1f{row.pr_number}"),
        repo_id=row.repo_id,
        tech_stream_id=row.tech_stream_id,
        delivery_stream_id=row.delivery_stream_id,
        pr_number=row.pr_number,
        linked_ticket_id=row.linked_ticket_id,
        author_hash=row.author_hash,
        opened_at=row.opened_at,
        first_review_at=first_review_at,
        approved_at=approved_at,
        merged_at=merged_at,
        closed_at=row.closed_at,
        time_to_first_review_hrs=state.time_to_first_review_hrs,
        time_to_merge_hrs=state.time_to_merge_hrs,
        review_rounds=state.review_rounds,
        reviewer_hashes=state.reviewer_hashes,
        reviewer_count=state.reviewer_count,
        lines_changed=state.lines_changed,
        files_changed=state.files_changed,
    )
