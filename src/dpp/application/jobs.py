"""Work that is not done at once: by the clock, later, or again after a failure.

Jobs are few: schedules, backfills, what is tried again. What became stale is no job but a member of a set, see
``application/stale.py`` and decision 0020. A job may run more than once (its worker may die after the work and before
it can say so), so every task leaves the same behind however often it runs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol, TypeAlias

Json: TypeAlias = str | int | float | bool | Sequence["Json"] | Mapping[str, "Json"] | None
Arguments: TypeAlias = Mapping[str, Json]

#: A Monday, so that what runs weekly without an offset runs in the night to Monday.
EPOCH = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a job that fails is tried, and the pauses in between: each twice as long as the one before.

    Attributes:
        attempts: in all, 1 or more; 1 is "never again".
        first_pause: after the first failure.
        longest_pause: no pause is longer.
    """

    attempts: int = 5
    first_pause: timedelta = timedelta(seconds=10)
    longest_pause: timedelta = timedelta(hours=1)

    def pause(self, *, failures: int) -> timedelta | None:
        """Return how long to wait after so many failures (1 or more); None when it is not tried again."""
        if failures >= self.attempts:
            return None
        # By then every pause is the longest, and a much larger factor would overflow.
        doubled: int = 2 ** min(failures - 1, 20)
        return min(self.first_pause * doubled, self.longest_pause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a job does: ``run`` takes the job's arguments and returns how much it did, 0 for nothing to do."""

    name: str
    run: Callable[[Arguments], Awaitable[int]]
    retry: Retry = field(default_factory=Retry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A task that is due by the clock.

    It is due at ``offset`` after midnight (UTC) of Monday, 5 January 1970, and every ``every`` before and since:
    ``every=timedelta(days=1), offset=timedelta(hours=2)`` is daily at 02:00 UTC. Due times that pass while nobody runs,
    or while an earlier run still waits, are made up for by one run.

    Attributes:
        name: of the task and of its jobs; ``Jobs.defer(name, key=name)`` runs it out of turn.
        every: one second or more, in whole seconds.
        task: returns how much it did.
    """

    name: str
    every: timedelta
    task: Callable[[], Awaitable[int]]
    offset: timedelta = timedelta(0)
    retry: Retry = field(default_factory=Retry)

    def due(self, *, now: datetime) -> datetime:
        """Return the latest due time that is not after now."""
        start = EPOCH + self.offset
        return start + (now - start) // self.every * self.every

    def as_task(self) -> Task:
        """Return what a job of the schedule does."""

        async def run(_arguments: Arguments) -> int:
            return await self.task()

        return Task(name=self.name, run=run, retry=self.retry)


class TaskState(NamedTuple):
    """The jobs of one task: how many there are, and when one last began, succeeded and failed for good.

    Jobs that have ended are forgotten after a while (``Jobs.forget_finished``): a time of None is "not lately".
    """

    name: str
    waiting: int
    running: int
    failed: int
    last_started: datetime | None
    last_succeeded: datetime | None
    last_failed: datetime | None


class Jobs(Protocol):
    """The queue of jobs. Every method raises ``Unavailable`` when the store does not answer."""

    @abstractmethod
    async def defer(
        self, name: str, *, key: str | None = None, arguments: Arguments | None = None, at: datetime | None = None
    ) -> bool:
        """Queue a job, whether or not anybody runs who knows its task; it waits until somebody does.

        Args:
            name: of its task, 128 characters at most.
            key: of the jobs with the same key at most one waits and at most one runs. A job that will be tried again
                waits, too.
            arguments: for its task; JSON.
            at: not before this moment; None for at once.

        Returns:
            False when one with the key waits already: nothing was queued.
        """

    @abstractmethod
    async def states(self) -> Sequence[TaskState]:
        """Return a row for each task that has jobs, by name."""

    @abstractmethod
    async def forget_finished(self, *, before: datetime) -> int:
        """Remove the jobs that ended, well or not, before a moment; return how many they were."""


class JobRunner(Protocol):
    """Runs jobs; one or more of them, in as many processes as there are."""

    @abstractmethod
    async def run(self, *, schedules: Sequence[Schedule], tasks: Sequence[Task] = ()) -> None:
        """Queue what is due and run the jobs of these schedules and tasks, until cancelled.

        Each due time gives one job, however many runners there are. A job that fails is tried again as its ``Retry``
        says, then it has failed and stays to be seen; while another one with its key waits, that one is the next try.
        A job whose runner died is taken again, as often as it may be tried; one whose runner lives is not, however
        long it takes. A task that works long without awaiting must do so in a thread, or its runner seems dead.

        An absent store is waited for. On cancellation running jobs have a moment to end; what does not is cancelled
        and waits for the next runner.
        """
