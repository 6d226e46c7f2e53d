"""What people answer to the monthly survey, through a form tool that pushes each answer when it is given.

Months follow from the seed alone, not from the weeks that are planned, so that the same people answer the same whenever
a history begins. Teams have their ups and downs over the year, and each person leans a little to one side.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dpp.adapters.simulation.company import ZONE, Company, DeliveryStream
from dpp.adapters.simulation.people import Person

#: The survey is open on the first seven days of a month.
LAST_DAY = 7

_TAKES_PART = 0.85
_THINKS_AGAIN = 0.15
_WRITES = 0.25
_LEVEL, _SWING, _LEANING, _MOOD = 3.3, 0.8, 0.5, 0.45
_MONTHS_OF_SWING = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: whose, about which delivery stream, for which month (such as ``2026-02``), and when it was given."""

    person: Person
    stream: str
    month: str
    given_at: datetime
    pace: int
    tooling: int
    clarity: int
    text: str | None
    number: int

    @property
    def respondent(self) -> str:
        """The form tool's id of the person: the same each month, and no name."""
        return "r-" + hashlib.sha256(f"form tool/{self.person.account_id}".encode()).hexdigest()[:16]


def answers_between(company: Company, *, seed: int, start: datetime, end: datetime) -> Iterator[Answer]:
    """Yield the answers given from ``start`` until before ``end`` (aware), month by month and team by team."""
    day = start.astimezone(ZONE).date().replace(day=1)
    while day <= end.astimezone(ZONE).date():
        for stream in company.delivery_streams:
            for answer in _month(stream, seed=seed, year=day.year, month=day.month):
                if start <= answer.given_at < end:
                    yield answer
        day = (day + timedelta(days=31)).replace(day=1)


def _month(stream: DeliveryStream, *, seed: int, year: int, month: int) -> Iterator[Answer]:
    name = f"{year:04}-{month:02}"
    rng = random.Random(f"{seed}/survey/{stream.name}/{name}")
    for person in stream.team:
        if rng.random() >= _TAKES_PART:
            continue
        scores = [
            _score(rng, seed, person, stream, question, months=12 * year + month)
            for question in ("pace", "tooling", "clarity")
        ]
        first = Answer(
            person=person,
            stream=stream.name,
            month=name,
            given_at=_moment(rng, year, month, first_day=1),
            pace=scores[0],
            tooling=scores[1],
            clarity=scores[2],
            text=_text(rng, person),
            number=1,
        )
        yield first
        if rng.random() < _THINKS_AGAIN:
            day = first.given_at.astimezone(ZONE).day
            if day < LAST_DAY:
                again = _moment(rng, year, month, first_day=day + 1)
                yield replace(first, given_at=again, pace=first.pace % 5 + 1, text=None, number=2)


def _score(rng: random.Random, seed: int, person: Person, stream: DeliveryStream, question: str, *, months: int) -> int:
    phase = random.Random(f"{seed}/survey/{stream.name}/{question}").uniform(0, 2 * math.pi)
    leaning = random.Random(f"{seed}/survey/{person.account_id}/{question}").gauss(0, _LEANING)
    level = _LEVEL + _SWING * math.sin(phase + 2 * math.pi * months / _MONTHS_OF_SWING)
    return min(5, max(1, round(level + leaning + rng.gauss(0, _MOOD))))


def _moment(rng: random.Random, year: int, month: int, *, first_day: int) -> datetime:
    day, hour = rng.randint(first_day, LAST_DAY), rng.randint(8, 18)
    return datetime(year, month, day, hour, rng.randrange(60), rng.randrange(60), tzinfo=ZONE)


def _text(rng: random.Random, person: Person) -> str | None:
    """Some write, and some of them address somebody, as people do."""
    if rng.random() >= _WRITES:
        return None
    return rng.choice(
        (
            "The nightly build is slow again.",
            "We start too much at once.",
            f"Whoever mends the test data: write to {person.email}.",
            f"I would pair with @{person.login} more often.",
        )
    )
