"""Between the values of a configuration file and the fields of a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dpp.application.administration import ChangeProblem
from dpp.application.configuration_changes import WEEKDAYS
from dpp.entrypoints.http.administration.forms import Typed

CALENDAR = ("time_zone", "weekend", "holidays", "extra_holidays")
OWN_CALENDAR = "own_calendar"


class Kind(StrEnum):
    """What is typed into a field."""

    TEXT = "text"
    NUMBER = "number"
    LINES = "lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOf:
    """A field of a form that stands for a key of a table."""

    key: str
    kind: Kind = Kind.TEXT


def values_of(given: Typed, fields: Iterable[FieldOf]) -> dict[str, Any]:
    """Return what was typed as the values of a table; an empty field takes its key away."""
    found: dict[str, Any] = {}
    for one in fields:
        match one.kind:
            case Kind.TEXT:
                found[one.key] = given.text(one.key)
            case Kind.NUMBER:
                found[one.key] = given.number(one.key)
            case Kind.LINES:
                found[one.key] = given.lines(one.key)
    return found


def calendar_of(given: Typed) -> dict[str, Any]:
    """Return the calendar that was typed as a table."""
    return {
        "time_zone": given.text("time_zone") or "",
        "weekend": [day for day in WEEKDAYS if day in given.column("weekend")],
        "holidays": given.lines("holidays"),
        "extra_holidays": given.lines("extra_holidays"),
    }


def filled(table: Mapping[str, Any], *, calendar: Mapping[str, Any] | None = None, **more: str) -> Typed:
    """Return a form that shows a table, and a calendar beside it."""
    values = {key: _shown(value) for key, value in table.items() if not isinstance(value, Mapping)}
    lists: dict[str, Sequence[str]] = {}
    if calendar is not None:
        values |= {key: _shown(calendar.get(key, "")) for key in CALENDAR}
        lists["weekend"] = calendar.get("weekend", ())
    return Typed(values=values | more, lists=lists)


def told(given: Typed, problems: Iterable[ChangeProblem], *, fields: Iterable[str]) -> Typed:
    """Return a form with what is wrong with it, each problem beside the field that it is about."""
    known = set(fields)
    by_field: dict[str, str] = {}
    general: list[str] = []
    for problem in problems:
        field = next((part for part in reversed(problem.place) if part in known), None)
        # Everything that is typed is text; that a file would have it in quotes helps nobody here.
        message = problem.message.replace(", not text in quotes", "")
        if isinstance(field, str):
            by_field[field] = f"{by_field[field]}; {message}" if field in by_field else message
        else:
            general.append(str(problem))
    return given.with_problems(by_field, general)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)
