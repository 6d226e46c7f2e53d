"""Moments as Jira writes them: numbers since 1970 in several units, and ISO 8601 with zones in several spellings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A number below the bound is in that unit: 1e11 s is the year 5138, 1e11 ms is 1973, and so on up by thousands.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6))
_NANOSECONDS = 1e9


def moment(value: str | float | bool | None) -> datetime | None:
    """
    Return the moment that a source wrote, in UTC; None when it wrote none.

    None also stands for zero dates (before 1971, "not yet"), for times without a zone, which would have to be guessed,
    and for what is no time at all.

    Args:
        value: seconds, milliseconds, microseconds or nanoseconds since 1970 (told apart by magnitude) as number or
            digits; or an ISO 8601 text.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        found = _of_number(float(value)) if _is_number(value) else _of_text(str(value))
    except (ValueError, OverflowError):
        return None
    return found if found and found.year > 1970 else None


def day(value: object) -> date | None:
    """Return the date of an ISO 8601 text as it stands there, in its own zone; None for zero dates and for no date."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip()).date()
    except ValueError:
        return None
    return found if found.year > 1970 else None


def _is_number(value: str | float) -> bool:
    return not isinstance(value, str) or (value.isascii() and value.strip().replace(".", "", 1).isdigit())


def _of_number(number: float) -> datetime:
    per_second = next((unit for bound, unit in _UNITS if number < bound), _NANOSECONDS)
    return _EPOCH + timedelta(microseconds=round(number / per_second * 1e6))


def _of_text(text: str) -> datetime | None:
    found = datetime.fromisoformat(text.strip())
    return found.astimezone(UTC) if found.tzinfo else None
