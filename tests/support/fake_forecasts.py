"""Forecasts over a store in memory, on plain calendars, for tests of what stands in front of them."""

from collections.abc import Iterable, Sequence
from datetime import date

from dpp.adapters.memory.database import MemoryDatabase
from dpp.adapters.memory.forecasting import MemoryForecastReader, MemoryForecasts, MemoryForecastStore
from dpp.adapters.memory.tables import MemoryDerivedTables
from dpp.application.answers import Answers
from dpp.application.calendars import Calendars, Holidays
from dpp.application.forecasts import Forecasts
from dpp.application.readers import MetricsReader
from dpp.domain.configuration import Configuration


class NoHolidays(Holidays):
    """Knows of no holiday."""

    def dates(self, codes: Sequence[str], years: Iterable[int]) -> frozenset[date]:
        """Return none."""
        return frozenset()


def memory_forecasts(
    metrics: MetricsReader,
    *,
    configuration: Configuration | None = None,
    database: MemoryDatabase | None = None,
    tables: MemoryDerivedTables | None = None,
    kept: MemoryForecasts | None = None,
    answers: Answers | None = None,
) -> Forecasts:
    """Return forecasts over these parts, each empty unless given."""
    database, kept = database or MemoryDatabase(), kept or MemoryForecasts()
    tables = tables or MemoryDerivedTables()

    async def current() -> Configuration:
        return configuration or Configuration()

    return Forecasts(
        reader=MemoryForecastReader(database=database, tables=tables, kept=kept),
        store=MemoryForecastStore(database=database, kept=kept),
        metrics=metrics,
        configuration=current,
        calendars=Calendars(NoHolidays()),
        answers=answers,
    )
