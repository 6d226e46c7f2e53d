"""Hours in which the platform may read histories (§5.1): others want the same limits by day."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPeak:
    """
    Hours of the day in which histories may be read, local to the platform's zone.

    Attributes:
        start_hour, end_hour: 0 to 24; from 20 to 6 goes over midnight; equal ones are the whole day.
    """

    start_hour: int = 0
    end_hour: int = 0

    def allows(self, hour: int) -> bool:
        """Whether the hour, 0 to 23, is in the window."""
        if self.start_hour == self.end_hour:
            return True
        if self.start_hour < self.end_hour:
            return self.start_hour <= hour < self.end_hour
        return hour >= self.start_hour or hour < self.end_hour
