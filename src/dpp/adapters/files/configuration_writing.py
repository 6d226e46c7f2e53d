"""A configuration as a file that states all of it, for people to read and to edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from enum import StrEnum
from typing import Any

from dpp.application.configuration_changes import WEEKDAYS
from dpp.domain.configuration import CalendarRules, Configuration

#: Lists of tables, in the order of the file.
LISTS = (
    "delivery_streams",
    "tech_streams",
    "repositories",
    "jira_projects",
    "status_mappings",
    "environments",
    "severities",
    "group_roles",
)


def written(configuration: Configuration) -> str:
    """Return the file; whatever is not set is left out, and an empty section says that it is empty."""
    return "\n".join(_lines(configuration)) + "\n"


def _lines(configuration: Configuration) -> Iterator[str]:
    empty = [f"{name} = []" for name in LISTS if not getattr(configuration, name)]
    yield from [*empty, ""] if empty else []
    platform = configuration.platform
    yield "[platform]"
    yield from _calendar(platform.calendar)
    yield f"correlation_window_minutes = {platform.correlation_window_minutes}"
    yield f"minimum_contributors = {platform.minimum_contributors}"
    yield f"window_days = {platform.window_days}"
    yield f"survey_last_day = {platform.survey_last_day}"
    for name in LISTS:
        for entry in getattr(configuration, name):
            yield ""
            yield f"[[{name}]]"
            yield from _pairs(entry)
            if calendar := getattr(entry, "calendar", None):
                yield f"[{name}.calendar]"
                yield from _calendar(calendar)
    for name in ("github", "jira"):
        yield ""
        yield f"[{name}]"
        yield from _pairs(getattr(configuration, name))


def _calendar(rules: CalendarRules) -> Iterator[str]:
    yield f"time_zone = {_value(rules.time_zone)}"
    yield f"weekend = {_value([WEEKDAYS[day] for day in sorted(rules.weekend)])}"
    yield f"holidays = {_value(rules.holidays)}"
    yield f"extra_holidays = {_value(rules.extra_holidays)}"


def _pairs(entry: Any) -> Iterator[str]:
    for field in fields(entry):
        value = getattr(entry, field.name)
        is_default = field.name == "is_active" and value
        if field.name in ("stream_id", "calendar") or value is None or is_default:
            continue
        if field.name == "fields":
            yield from _inline(value)
        else:
            yield f"{field.name} = {_value(value)}"


def _inline(entry: Any) -> Iterator[str]:
    pairs = ", ".join(_pairs(entry))
    if pairs:
        yield f"fields = {{ {pairs} }}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, StrEnum):
        return _text(value.value)
    if isinstance(value, date):
        return _text(value.isoformat())
    if isinstance(value, str):
        return _text(value)
    return f"[{', '.join(map(_value, value))}]"


def _text(text: str) -> str:
    """Return text in quotes: plain ones for patterns, which are full of backslashes, else TOML's basic string."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    # JSON escapes what TOML wants escaped, in the same way, but for one character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
