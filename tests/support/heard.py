"""Sources that were heard last when a test says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dpp.adapters.memory.operations import MemoryOperationsReader
from dpp.application.calendars import Calendars
from dpp.application.freshness import Freshness
from tests.support.fake_forecasts import NoHolidays


@dataclass
class Heard(MemoryOperationsReader):
    """Knows when each door was passed last, and nothing else."""

    last: Mapping[str, datetime] = field(default_factory=dict)

    async def last_event_at(self) -> Mapping[str, datetime]:
        """Return what the test says."""
        return self.last

    def freshness(self) -> Freshness:
        """Return what judges it."""
        return Freshness(reader=self, calendars=Calendars(NoHolidays()))
