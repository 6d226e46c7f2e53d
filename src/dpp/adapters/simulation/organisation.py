"""The simulated organisation as the rest of the program sees it: deliveries, configuration and truth of one plan."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

from dpp.adapters.simulation.configuration import configuration_toml
from dpp.adapters.simulation.deliveries import Delivery, Moment, moments_of_week
from dpp.adapters.simulation.people import Person
from dpp.adapters.simulation.plan import WEEK, Plan
from dpp.adapters.simulation.rates import Rates, Size
from dpp.adapters.simulation.truth import TrueFigures, true_figures


class SimulatedOrganisation:
    """A software organisation whose every week follows from a seed.

    Args:
        seed: the same seed gives the same bytes.
        start: aware; the first moment of the first week.
        weeks: how long a history ``deliveries`` tells; live operation goes on from there.
        size: new tickets a week.
        rates: how often things go otherwise than planned.

    Raises:
        ValueError: ``start`` has no time zone or ``weeks`` is not positive.
    """

    def __init__(self, seed: int, *, start: datetime, weeks: int, size: Size, rates: Rates | None = None) -> None:
        if start.tzinfo is None:
            raise ValueError("start needs a time zone")
        if weeks < 1:
            raise ValueError("weeks must be 1 or more")
        self.seed = seed
        self.start = start.astimezone(UTC)
        self.end = self.start + weeks * WEEK
        self.plan = Plan.make(seed=seed, start=self.start, size=size, rates=rates or Rates())
        self.plan.extend(weeks=weeks)

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody who works there, with every name that appears in the payloads."""
        return self.plan.company.people

    def configuration_toml(self) -> str:
        """The file for ``dpp config apply`` that describes this organisation."""
        return configuration_toml(self.plan.company, start=self.start)

    def deliveries(self) -> Iterator[Delivery]:
        """Everything that happened from ``start`` until before ``end``, in the order in which it was sent."""
        planned = itertools.chain.from_iterable(
            moments_of_week(self.plan, week) for week in self.plan.weeks if week.start < self.end
        )
        told = [numbered for numbered in enumerate(planned) if numbered[1].happened < self.end]
        told.sort(key=lambda numbered: (numbered[1].at, numbered[0]))
        return self._encoded(iter(told))

    def live(self, *, since: datetime | None = None) -> Iterator[Delivery]:
        """What comes after ``since`` (default: the end of the history), without end, in the order of sending."""
        after = self.end if since is None else since
        return self._encoded(numbered for numbered in self._moments() if numbered[1].happened >= after)

    def truth(
        self,
        *,
        as_of: datetime,
        window_days: int = 30,
        delivery_stream: str | None = None,
        tech_stream: str | None = None,
    ) -> TrueFigures:
        """The figures that the platform should show, from what happened before ``as_of``; streams by name."""
        self.plan.extend(weeks=-((self.start - as_of) // WEEK))
        return true_figures(
            self.plan, as_of=as_of, window_days=window_days, delivery_stream=delivery_stream, tech_stream=tech_stream
        )

    def _encoded(self, moments: Iterator[tuple[int, Moment]]) -> Iterator[Delivery]:
        return (moment.delivery(number=number, seed=self.seed) for number, moment in moments)

    def _moments(self) -> Iterator[tuple[int, Moment]]:
        """All moments with their numbers in order of sending; the plan grows as they are taken."""
        waiting: list[tuple[datetime, int, Moment]] = []
        number = 0
        for week in itertools.count():
            self.plan.extend(weeks=week + 1)
            for moment in moments_of_week(self.plan, self.plan.weeks[week]):
                heapq.heappush(waiting, (moment.at, number, moment))
                number += 1
            border = self.start + (week + 1) * WEEK
            while waiting and waiting[0][0] < border:
                _, found, moment = heapq.heappop(waiting)
                yield found, moment
