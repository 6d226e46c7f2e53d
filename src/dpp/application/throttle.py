"""Slows down whoever guesses passwords; kept in memory, by process."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

from dpp.domain.errors import Unauthenticated

WINDOW = timedelta(minutes=15)
"""How long a failure counts."""
PER_ACCOUNT = 10
"""Failures for one account from one address within the window."""
PER_ADDRESS = 40
"""Failures from one address, behind which may be a whole office."""
EVERYWHERE = 100
"""Failures for one account from wherever they come: who guesses from many addresses gets no further either."""
MAX_NAMES = 10_000
"""Accounts, addresses and pairs of them that are kept in mind, each; the one that was quiet for longest is forgotten
first."""


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
    """
    Counts failed sign-ins by account, by address and by both together, whether the account exists or not.

    Who guesses must not shut out whose account it is: somebody who has signed in from an address before is there held
    to their own failures alone, whatever others do to the account from elsewhere, or to other accounts from there.
    """

    def __init__(self) -> None:
        self._pairs = _Counter(PER_ACCOUNT)
        self._accounts = _Counter(EVERYWHERE)
        self._addresses = _Counter(PER_ADDRESS)
        self._known: OrderedDict[str, None] = OrderedDict()

    def begin(self, *, account: str, address: str | None, now: datetime) -> None:
        """Count an attempt as failed until it has succeeded, so that many at once gain nothing.

        Raises:
            TooManyAttempts: there were too many; this one is not counted.
        """
        counters = self._counters(account, address)
        if longest := max(counter.wait(name, now) for counter, name in counters):
            raise TooManyAttempts(max(1, -(-longest // timedelta(seconds=1))))
        for counter, name in counters:
            counter.add(name, now)

    def succeeded(self, *, account: str, address: str | None, begun: datetime) -> None:
        """Forget the account's failures from there; of all else this attempt only: somebody may be guessing."""
        pair = _pair(account, address)
        self.not_tried(account=account, address=address, begun=begun)
        self._pairs.forget(pair)
        self._known[pair] = None
        self._known.move_to_end(pair)
        if len(self._known) > MAX_NAMES:
            self._known.popitem(last=False)

    def not_tried(self, *, account: str, address: str | None, begun: datetime) -> None:
        """Take back an attempt that came to no answer."""
        for counter, name in self._counters(account, address):
            counter.take_back(name, begun)

    def _counters(self, account: str, address: str | None) -> list[tuple[_Counter, str]]:
        """Return what counts for an attempt; from where somebody has signed in before, their own failures there."""
        pair = _pair(account, address)
        counters = [(self._pairs, pair)]
        if pair not in self._known:
            counters.append((self._accounts, account))
            counters += [(self._addresses, address)] if address is not None else []
        return counters


def _pair(account: str, address: str | None) -> str:
    return f"{account}\x1f{address or ''}"
