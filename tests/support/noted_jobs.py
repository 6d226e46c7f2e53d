"""A queue of jobs that only notes what was queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dpp.application.jobs import Arguments, Jobs, TaskState


@dataclass
class NotedJobs(Jobs):
    """Runs nothing; ``deferred`` has the names of what was queued, in their order."""

    deferred: list[str] = field(default_factory=list)

    async def defer(
        self, name: str, *, key: str | None = None, arguments: Arguments | None = None, at: datetime | None = None
    ) -> bool:
        """Note a job."""
        self.deferred.append(name)
        return True

    async def states(self) -> Sequence[TaskState]:
        """Return nothing: no task has ever run."""
        return []

    async def forget_finished(self, *, before: datetime) -> int:
        """Forget nothing."""
        return 0
