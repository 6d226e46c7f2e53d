"""What people say of sprints beside Jira: other days, another stream, or that one is none (§4.2.5, decision 0042).

A correction is a fact of its own: it is added, never changed, and the latest one of a sprint counts as a whole. What
Jira reports stays beside it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from dpp.application.access_ports import AuditEntry
from dpp.application.blames import checked_reason
from dpp.application.configuration_authority import Authority
from dpp.application.jobs import Jobs
from dpp.application.ports import Clock, ConfigurationStore, Ids
from dpp.application.views import View
from dpp.domain.access import Principal, StreamScope
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Forbidden, InvalidInput, NotFound

ACTION = "sprint.corrected"
LONGEST = timedelta(days=366)
"""A sprint is shorter than that; something longer is a typing error, or no sprint."""
FOLLOWING = ("snapshot_sprints", "close_sprints")
"""What is worked out of sprints by the clock, and is out of turn after a correction."""


class UnknownSprint(NotFound):
    """There is no such sprint, or none that the caller may know of."""

    code = "sprint_not_found"


class NotYourSprint(Forbidden):
    """A correction would reach streams that the caller does not lead."""

    code = "not_your_sprint"


class SprintCorrection(NamedTuple):
    """
    What somebody says of a sprint.

    Attributes:
        start_date, end_date: in place of those reported; None leaves these.
        delivery_stream_id: whose the sprint is; None leaves it to its tickets.
        is_left_out: whether it counts as no sprint at all.
    """

    correction_id: UUID
    sprint_id: UUID
    start_date: date | None
    end_date: date | None
    delivery_stream_id: UUID | None
    is_left_out: bool
    corrected_at: datetime
    corrected_by: str
    reason: str | None

    @property
    def says_nothing(self) -> bool:
        """Whether it takes back what was said before, and says nothing else."""
        said = (self.start_date, self.end_date, self.delivery_stream_id)
        return not self.is_left_out and all(one is None for one in said)


class ReportedSprint(NamedTuple):
    """
    A sprint as Jira reports it, and what people say of it.

    Attributes:
        streams: those of its tickets, by id.
        stream_id: whose most of its tickets are; of equals the one with the smallest id.
        correction: the latest; None where there is none.
    """

    sprint_id: UUID
    jira_sprint_id: str
    name: str
    state: str
    start_date: date | None
    end_date: date | None
    goal: str | None
    streams: tuple[UUID, ...]
    stream_id: UUID | None
    correction: SprintCorrection | None

    @property
    def counts_for(self) -> UUID | None:
        """The delivery stream that it counts for."""
        given = self.correction.delivery_stream_id if self.correction else None
        return given or self.stream_id


class SprintCorrectionStore(Protocol):
    """Keeps corrections. Every method raises ``Unavailable`` when the store does not answer."""

    @abstractmethod
    async def sprints(self, view: View, *, jira_sprint_id: str | None = None) -> Sequence[ReportedSprint]:
        """Return the reported sprints that count for the view's streams, or the one of a number, the latest first.

        Those that are left out are among them.
        """

    @abstractmethod
    async def add(self, correction: SprintCorrection, *, entry: AuditEntry) -> None:
        """Add a correction and put it on record, and tell whoever shows figures, all of it or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is to be said of a sprint; with nothing given, what was said before is taken back."""

    start_date: date | None = None
    end_date: date | None = None
    delivery_stream_id: UUID | None = None
    is_left_out: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintCorrections:
    """
    Shows sprints to whoever manages them, and takes down what they say.

    Args:
        store: of corrections.
        configuration: knows the streams.
        jobs: have snapshots and closing figures worked out anew.
        clock: tells the time.
        ids: names corrections.
    """

    store: SprintCorrectionStore
    configuration: ConfigurationStore
    jobs: Jobs
    clock: Clock
    ids: Ids

    async def sprints(self, principal: Principal) -> Sequence[ReportedSprint]:
        """Return the sprints that somebody manages, the latest first."""
        return await self.store.sprints(self._view(principal))

    async def sprint(self, principal: Principal, jira_sprint_id: str) -> ReportedSprint:
        """
        Return one.

        Raises:
            UnknownSprint: there is none of that number that they may know of.
        """
        found = await self.store.sprints(self._view(principal), jira_sprint_id=jira_sprint_id)
        if not found:
            raise UnknownSprint(f"There is no sprint {jira_sprint_id!r} of a stream that you manage")
        return found[0]

    async def correct(self, principal: Principal, jira_sprint_id: str, said: Said) -> SprintCorrection:
        """
        Take down what somebody says of a sprint; it counts at once, for every moment.

        Args:
            principal: whoever says so. All streams of the sprint's tickets, and those that it counted for and will,
                must be theirs.
            jira_sprint_id: Jira's number of it.
            said: as a whole, in place of what was said before.

        Raises:
            UnknownSprint: there is none such that they may know of.
            NotYourSprint: it is of other streams as well.
            InvalidInput: the days are in the wrong order or too far apart, there is no such stream, or the reason
                cannot be used.
        """
        sprint = await self.sprint(principal, jira_sprint_id)
        configuration = await self.configuration.load()
        # First whose it is: what is wrong with a stream would tell that it is there.
        _check_theirs(principal, sprint, said)
        _check(said, sprint, configuration)
        now = self.clock.now()
        correction = SprintCorrection(
            correction_id=self.ids.new(),
            sprint_id=sprint.sprint_id,
            start_date=said.start_date,
            end_date=said.end_date,
            delivery_stream_id=said.delivery_stream_id,
            is_left_out=said.is_left_out,
            corrected_at=now,
            corrected_by=principal.actor,
            reason=checked_reason(said.reason),
        )
        entry = AuditEntry(
            occurred_at=now,
            actor=principal.actor,
            action=ACTION,
            subject=f"sprint:{jira_sprint_id}",
            details={"before": _recorded(sprint.correction), "after": _recorded(correction)},
        )
        await self.store.add(correction, entry=entry)
        for name in FOLLOWING:
            await self.jobs.defer(name, key=name)
        return correction

    def _view(self, principal: Principal) -> View:
        authority = Authority.of(principal)
        scope = StreamScope.everything() if authority.reads_all else authority.reads
        return View(scope=scope, as_of=self.clock.now(), is_live=True)


def _check(said: Said, sprint: ReportedSprint, configuration: Configuration) -> None:
    start, end = said.start_date or sprint.start_date, said.end_date or sprint.end_date
    if start is not None and end is not None:
        field = "start_date" if said.end_date is None and said.start_date is not None else "end_date"
        if end < start:
            raise InvalidInput(f"the last day, {end}, is before the first, {start}", field=field)
        if end - start > LONGEST:
            raise InvalidInput(f"from {start} to {end} is more than a year; a sprint is shorter", field=field)
    known = {stream.stream_id for stream in configuration.delivery_streams if stream.is_active}
    if said.delivery_stream_id is not None and said.delivery_stream_id not in known:
        raise InvalidInput("there is no such delivery stream in use", field="delivery_stream_id")


def _check_theirs(principal: Principal, sprint: ReportedSprint, said: Said) -> None:
    concerned = {*sprint.streams, sprint.counts_for, said.delivery_stream_id} - {None}
    scope = Authority.of(principal).changes
    is_theirs = all(scope.sees(delivery_stream_id=stream) for stream in concerned)
    if not scope.is_all and not (concerned and is_theirs):
        raise NotYourSprint(
            "You may correct a sprint whose tickets are all of delivery streams that you lead, and leave it with them. "
            "For any other ask an administrator"
        )


def _recorded(correction: SprintCorrection | None) -> dict[str, object] | None:
    """Return a correction as the audit log has it; None for one that says nothing."""
    if correction is None or correction.says_nothing:
        return None
    stream = correction.delivery_stream_id
    return {
        "start_date": correction.start_date and correction.start_date.isoformat(),
        "end_date": correction.end_date and correction.end_date.isoformat(),
        "delivery_stream_id": stream and str(stream),
        "is_left_out": correction.is_left_out,
        "reason": correction.reason,
    }
