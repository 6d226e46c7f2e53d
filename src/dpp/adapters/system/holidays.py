"""Public holidays from the `holidays` library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from dpp.application.calendars import Holidays, UnknownHolidays


class LibraryHolidays(Holidays):
    """Looks holidays up in the library and keeps what it found.

    The library is imported on first use: it is large, and most processes never ask.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], frozenset[date]] = {}

    def dates(self, codes: Sequence[str], years: Iterable[int]) -> frozenset[date]:
        """Return the public holidays of those years, of all codes together."""
        wanted = frozenset(years)
        for code in codes:
            missing = [year for year in sorted(wanted) if (code, year) not in self._found]
            if missing:
                self._look_up(code, missing)
        return frozenset().union(*(self._found[code, year] for code in codes for year in wanted))

    def _look_up(self, code: str, years: Sequence[int]) -> None:
        import holidays

        country, _, part = code.partition("-")
        try:
            found = holidays.country_holidays(country, subdiv=part or None, years=years, expand=False)
        except NotImplementedError as error:
            raise UnknownHolidays(
                f"no public holidays are known for {code!r}; give a country such as 'GB' or a part of one such as "
                "'GB-ENG', or list the dates in extra_holidays",
                field="holidays",
            ) from error
        by_year: dict[int, set[date]] = {year: set() for year in years}
        for day in found:
            by_year.setdefault(day.year, set()).add(day)
        self._found |= {(code, year): frozenset(by_year[year]) for year in years}
