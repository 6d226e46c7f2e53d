"""Slows down whoever guesses passwords; kept in memory, by process."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

from dpp.domain.errors import Unauthenticated

WINDOW = timedelta(minutes=15)
"""How long a failure counts."""
PER_ACCOUNT = 10
"""Failures for one account within the window."""
PER_ADDRESS = 40
"""Failures from one address, behind which may be a whole office."""
MAX_NAMES = 10_000
"""Accounts and addresses that are kept in mind, each; the one that was quiet for longest is forgotten first."""


class TooManyAttempts(Unauthenticated):
    """Too many sign-ins failed lately; ``retry_after`` says for how many seconds to wait."""

    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        minutes = -(-retry_after // 60)
        super().__init__(f"Too many sign-ins have failed; try again in {minutes} minute{'s' * (minutes != 1)}")
        self.retry_after = retry_after


class _Counter:
    """Times of failures by name."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: OrderedDict[str, deque[datetime]] = OrderedDict()

    def wait(self, name: str, now: datetime) -> timedelta:
        """Return for how long the name must wait; nothing when it need not."""
        times = self._times.get(name)
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if not times or len(times) < self._limit:
            return timedelta()
        return times[0] + WINDOW - now

    def add(self, name: str, now: datetime) -> None:
        self._times.setdefault(name, deque(maxlen=self._limit)).append(now)
        self._times.move_to_end(name)
        if len(self._times) > MAX_NAMES:
            self._times.popitem(last=False)

    def take_back(self, name: str, at: datetime) -> None:
        times = self._times.get(name)
        if times and at in times:
            times.remove(at)

    def forget(self, name: str) -> None:
        self._times.pop(name, None)


class Throttle:
    """Counts failed sign-ins by account and by address, whether the account exists or not."""

    def __init__(self) -> None:
        self._accounts = _Counter(PER_ACCOUNT)
        self._addresses = _Counter(PER_ADDRESS)

    def begin(self, *, account: str, address: str | None, now: datetime) -> None:
        """Count an attempt as failed until it has succeeded, so that many at once gain nothing.

        Raises:
            TooManyAttempts: there were too many; this one is not counted.
        """
        waits = [self._accounts.wait(account, now)]
        if address is not None:
            waits.append(self._addresses.wait(address, now))
        if longest := max(waits):
            raise TooManyAttempts(max(1, -(-longest // timedelta(seconds=1))))
        self._accounts.add(account, now)
        if address is not None:
            self._addresses.add(address, now)

    def succeeded(self, *, account: str, address: str | None, begun: datetime) -> None:
        """Forget the account's failures, and of the address this attempt only: it may be guessing at others."""
        self._accounts.forget(account)
        if address is not None:
            self._addresses.take_back(address, begun)

    def not_tried(self, *, account: str, address: str | None, begun: datetime) -> None:
        """Take back an attempt that came to no answer."""
        self._accounts.take_back(account, begun)
        if address is not None:
            self._addresses.take_back(address, begun)
