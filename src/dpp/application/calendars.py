"""Business calendars from their rules: the public holidays of the codes joined with the dates listed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from dpp.domain.calendar import BusinessCalendar
from dpp.domain.configuration import CalendarRules
from dpp.domain.errors import InvalidInput

#: The years for which holidays are looked up; later public holidays cannot be known.
YEARS = range(1970, 2101)


class UnknownHolidays(InvalidInput):
    """No public holidays are known under a code."""

    code = "unknown_holidays"


class Holidays(Protocol):
    """Knows the public holidays of countries and their parts."""

    @abstractmethod
    def dates(self, codes: Sequence[str], years: Iterable[int]) -> frozenset[date]:
        """Return the public holidays of those years; of several codes all of them together.

        Args:
            codes: ISO 3166 countries (``GB``) or parts of one (``GB-ENG``).
            years: the years wanted.

        Raises:
            UnknownHolidays: a code is not known.
        """


class Calendars:
    """Makes calendars and keeps them; there are a handful of different ones in an organisation."""

    def __init__(self, holidays: Holidays) -> None:
        self._holidays = holidays
        self._made: dict[CalendarRules, BusinessCalendar] = {}

    def of(self, rules: CalendarRules) -> BusinessCalendar:
        """Return the calendar of these rules.

        Raises:
            InvalidInput: the zone, the weekend or a code of the rules cannot be used.
        """
        made = self._made.get(rules)
        if made is None:
            made = BusinessCalendar(
                zone=rules.time_zone,
                weekend=rules.weekend,
                holidays=self._holidays.dates(rules.holidays, YEARS) | frozenset(rules.extra_holidays),
            )
            self._made[rules] = made
        return made
