"""Deleting what people answered after twelve months, while what it came to stays for good (§8.3, decision 0035)."""

from __future__ import annotations

from abc import abstractmethod
from calendar import monthrange
from datetime import datetime
from typing import Protocol

from dpp.application.pulse import PulseAggregation
from dpp.domain.configuration import Configuration

KEPT_MONTHS = 12
"""How long a raw answer is kept, by the calendar."""


class RawAnswers(Protocol):
    """Takes raw answers away."""

    @abstractmethod
    async def expire_answers(self, *, before: datetime) -> int:
        """Delete the raw answers of every team and period in which nobody answered at or after a moment.

        The aggregate of such a team and period, where there is one, is final from then on: it counts in the place of
        the answers, and neither a late answer nor aggregating anew changes it. All of a team's answers to a survey go
        at once, so that no difference shows the last ones. A database refuses to delete what is younger than
        ``KEPT_MONTHS`` by its own clock, whatever the moment.

        Returns:
            How many answers were deleted.

        Raises:
            Unavailable: the store does not answer; nothing was deleted.
        """


class SurveyRetention:
    """Runs by the clock; running again deletes nothing more."""

    def __init__(self, *, aggregation: PulseAggregation, answers: RawAnswers) -> None:
        self._aggregation = aggregation
        self._answers = answers

    async def expire(self, *, now: datetime, configuration: Configuration) -> int:
        """Aggregate whatever was not yet, then delete what is old enough; return how many answers that were."""
        await self._aggregation.aggregate(now=now, configuration=configuration)
        return await self._answers.expire_answers(before=kept_since(now))


def kept_since(now: datetime) -> datetime:
    """Return the moment before which raw answers are deleted: the same one a year ago, or that month's last day."""
    years, month = divmod(now.year * 12 + now.month - 1 - KEPT_MONTHS, 12)
    return now.replace(year=years, month=month + 1, day=min(now.day, monthrange(years, month + 1)[1]))
