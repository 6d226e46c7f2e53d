"""How often something may be done by one name: a key, a network address. Kept in memory, by process."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from math import ceil

from dpp.domain.errors import DppError

MAX_NAMES = 10_000
"""Names that are kept in mind; the one that was quiet for longest is forgotten first, and may do everything again."""


class TooManyRequests(DppError):
    """It was done too often lately; ``retry_after`` says for how many seconds to wait."""

    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests; try again in {retry_after} second{'s' * (retry_after != 1)}")
        self.retry_after = retry_after


class Allowance:
    """
    So many at once, and so many a second in the long run (a token bucket for each name).

    Whoever uses theirs up waits for as long as one more takes to come, and no longer.

    Args:
        burst: how many at once, >= 1.
        per_second: how many come back in a second, > 0.
    """

    def __init__(self, *, burst: int, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def wait(self, name: str, now: datetime) -> float:
        """Return for how many seconds a name must wait; 0 when it need not."""
        return max(0.0, (1.0 - self._now_left(name, now)) / self._per_second)

    def take(self, name: str, now: datetime) -> None:
        """Take one.

        Raises:
            TooManyRequests: there is none left; nothing was taken.
        """
        self.check(name, now)
        self.use(name, now)

    def check(self, name: str, now: datetime) -> None:
        """Take nothing, and refuse when nothing is left.

        Raises:
            TooManyRequests: there is none left.
        """
        if seconds := self.wait(name, now):
            raise TooManyRequests(max(1, ceil(seconds)))

    def use(self, name: str, now: datetime) -> None:
        """Take one; of none, nothing."""
        self._left[name] = (max(0.0, self._now_left(name, now) - 1.0), now)
        self._left.move_to_end(name)
        if len(self._left) > MAX_NAMES:
            self._left.popitem(last=False)

    def _now_left(self, name: str, now: datetime) -> float:
        left, at = self._left.get(name, (float(self._burst), now))
        return min(self._burst, left + max(0.0, (now - at).total_seconds()) * self._per_second)
