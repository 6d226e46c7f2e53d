"""How pages say things: numbers with units, stages, rates, moments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from dpp.application.forecast_answers import Reason
from dpp.domain.ageing import AgeBand
from dpp.domain.change_lead_times import Part
from dpp.domain.defects import DefectEscape
from dpp.domain.figures import Figure
from dpp.domain.metric import Unit
from dpp.domain.pulse import Dimension, Period
from dpp.domain.quality import QualityRate
from dpp.domain.stages import UNMAPPED
from dpp.entrypoints.http.dashboard import manner

NO_VALUE = "–"
FIXED_SPACE = "\u00a0"

STAGES: Mapping[str, str] = MappingProxyType(
    {
        "backlog": "Backlog",
        "ba": "Analysis",
        "dev": "Development",
        "code_review": "Code review",
        "qa": "QA",
        "uat": "UAT",
        "done": "Done",
        "cancelled": "Cancelled",
        UNMAPPED: "Unmapped status",
    }
)

#: What each rate of §5.6 counts, to be followed by a percentage.
RATES: Mapping[QualityRate, str] = MappingProxyType(
    {
        QualityRate.PR_TICKET_LINKAGE: "pull requests linked to a ticket",
        QualityRate.TICKET_STREAM_TAGGING: "tickets tagged with a technology stream",
        QualityRate.DEFECT_ORIGIN_ATTRIBUTION: "defects with a known origin",
        QualityRate.DEPLOYMENT_TRACEABILITY: "deployments traced to a ticket",
        QualityRate.PULSE_RESPONSE: "team members who answered the pulse",
    }
)

#: The same in the fewest words, for where there is little room.
SHORT_RATES: Mapping[QualityRate, str] = MappingProxyType(
    {
        QualityRate.PR_TICKET_LINKAGE: "pull requests linked",
        QualityRate.TICKET_STREAM_TAGGING: "tickets tagged",
        QualityRate.DEFECT_ORIGIN_ATTRIBUTION: "defect origins known",
        QualityRate.DEPLOYMENT_TRACEABILITY: "deployments traced",
        QualityRate.PULSE_RESPONSE: "pulse answered",
    }
)

#: What raises each rate, in one sentence.
REMEDIES: Mapping[QualityRate, str] = MappingProxyType(
    {
        QualityRate.PR_TICKET_LINKAGE: "Put the ticket's key into the name of the branch or the title of the change.",
        QualityRate.TICKET_STREAM_TAGGING: "Give open tickets the label, component or field of their technology.",
        QualityRate.DEFECT_ORIGIN_ATTRIBUTION: "Fill in where a defect was made when it is closed.",
        QualityRate.DEPLOYMENT_TRACEABILITY: "Let deployments report the commit or the pull request that they carry.",
        QualityRate.PULSE_RESPONSE: "Tell the team what came of its last answers before asking again.",
    }
)

#: Why there is no confidence and no forecast.
REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.TECH_STREAM: "It exists for delivery streams only. Choose all technology streams to see it.",
        Reason.NO_STREAM: "Each sprint belongs to one delivery stream. Choose one to see its sprint.",
        Reason.NO_SPRINT: "No sprint with a first and a last day runs today. It appears when one is started in Jira.",
        Reason.NO_HISTORY: "No sprint was closed yet to learn a pace from. It appears once the first one is.",
    }
)

#: The same in the fewest words.
SHORT_REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.TECH_STREAM: "of delivery streams only",
        Reason.NO_STREAM: "choose a delivery stream",
        Reason.NO_SPRINT: "no sprint is running",
        Reason.NO_HISTORY: "no closed sprint yet",
    }
)

#: The parts of a change's way.
PARTS: Mapping[Part, str] = MappingProxyType(
    {
        Part.LEAD_TIME: "Opened until with users",
        Part.CODING: "Coding before it was opened",
        Part.PICKUP: "Waiting for review",
        Part.REVIEW: "In review until merged",
        Part.DEPLOY: "Merged until with users",
    }
)

DIMENSIONS: Mapping[Dimension, str] = MappingProxyType(
    {Dimension.PACE: "Pace", Dimension.TOOLING: "Tooling", Dimension.CLARITY: "Clarity"}
)

BANDS: Mapping[AgeBand, str] = MappingProxyType(
    {
        AgeBand.BELOW_P50: "within p50",
        AgeBand.P50_TO_P85: "past p50",
        AgeBand.P85_TO_P95: "past p85",
        AgeBand.ABOVE_P95: "past p95",
    }
)

_UNITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "days": ("day", "days"),
        "hours": ("hour", "hours"),
        "minutes": ("minute", "minutes"),
        "percent": ("%", "%"),
        "count": ("ticket", "tickets"),
        "per_week": ("a week", "a week"),
        "score": ("of 5", "of 5"),
    }
)
#: Where a defect can be found or made beside the stages.
_PLACES: Mapping[str, str] = MappingProxyType({"production": "Production", "unknown": "Not told"})
_MINUTES_PER_HOUR, _MINUTES_PER_DAY = 60, 1440


def number(value: float | None) -> str:
    """Return a number as people read it: whole ones without decimals, others with one; a dash for None."""
    if value is None:
        return NO_VALUE
    # As browsers round, for the charts are theirs and stand beside what is written here.
    rounded = math.floor(value * 10 + 0.5) / 10
    text = f"{rounded:,.0f}" if rounded.is_integer() else f"{rounded:,.1f}"
    return manner.reader().number(text)


def percent(value: float | None) -> str:
    """Return a share; one that is not quite all or nothing never reads as 100 or 0."""
    if value is None:
        return NO_VALUE
    if 99.9 < value < 100:
        return manner.reader().number("99.9")
    if 0 < value < 0.1:
        return manner.reader().number("0.1")
    return number(value)


def unit_word(figure: Figure) -> str:
    """Return the unit that belongs behind a figure, in the number that its value asks for."""
    one, many = _UNITS.get(figure.unit, (figure.unit, figure.unit))
    return one if figure.value is not None and number(figure.value) == "1" else many


def tickets(count: int) -> str:
    """Return how many tickets, in words."""
    return counted(count, "ticket")


def counted(count: int, noun: str) -> str:
    """Return a count of a noun that takes an s."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def days(count: int) -> str:
    """Return a span of whole days, in words."""
    return counted(count, "day")


def stage(name: str) -> str:
    """Return what people call a stage."""
    return STAGES.get(name, name.replace("_", " ").capitalize())


def place(name: str) -> str:
    """Return what people call where a defect was made or found."""
    return _PLACES.get(name) or stage(name)


def label(name: str) -> str:
    """Return what people call the time under a label: ``qa`` is work, ``qa_queue`` is waiting (decision 0001)."""
    base = name.removesuffix("_queue")
    return stage(base) if base == name else f"{stage(base)}, waiting"


def clock_time(minutes: float | None) -> str:
    """Return a time by the clock in the unit that people would choose: minutes, hours from two on, days from two on."""
    if minutes is None:
        return NO_VALUE
    if minutes < 2 * _MINUTES_PER_HOUR:
        return counted(round(minutes), "minute")
    if minutes < 2 * _MINUTES_PER_DAY:
        return f"{number(minutes / _MINUTES_PER_HOUR)} hours"
    return f"{number(minutes / _MINUTES_PER_DAY)} days"


def hours(value: float | None) -> str:
    """Return hours by the clock likewise."""
    return clock_time(None if value is None else value * _MINUTES_PER_HOUR)


def said(figure: Figure) -> str:
    """Return a figure with its unit, in the one that people would choose; a dash without a value."""
    return in_unit(figure.value, figure)


def in_unit(value: float | None, figure: Figure) -> str:
    """Return a value as a figure of its unit is said."""
    if value is None:
        return NO_VALUE
    match figure.unit:
        case Unit.PERCENT:
            return f"{percent(value)}{FIXED_SPACE}%"
        case Unit.MINUTES:
            return clock_time(value)
        case Unit.HOURS:
            return hours(value)
        case _:
            return f"{number(value)} {unit_word(replace(figure, value=value, bounds=None))}"


def between(figure: Figure) -> str | None:
    """Return how far what is missing could move a figure; None where nothing is known to be missing."""
    bounds = figure.bounds
    if bounds is None:
        return None
    low, high = in_unit(bounds.low, figure), in_unit(bounds.high, figure)
    things = f"{number(bounds.missing)} {'thing' if bounds.missing == 1 else 'things'}"
    if low == high:
        return f"{things} may belong here and would not change it."
    return (
        f"Between {low} and {high}: {things} may belong here and {'does' if bounds.missing == 1 else 'do'} not say so."
    )


def escapes_between(defects: DefectEscape) -> str | None:
    """Return how far the unknown could move the rate of escaped defects, and what of it is unknown; None for nothing.

    Of some defects nobody has told where they were found; others may be of the same stream and do not say so.
    """
    bounds = defects.rate.bounds
    if bounds is None:
        return None
    unknown, elsewhere = defects.unknown_found, bounds.missing - defects.unknown_found
    told = [
        f"of {counted(unknown, 'defect')} nobody has told where {'it was' if unknown == 1 else 'they were'} found"
        if unknown
        else "",
        f"{counted(elsewhere, 'more defect')} may belong here and {'does' if elsewhere == 1 else 'do'} not say so"
        if elsewhere
        else "",
    ]
    low, high = in_unit(bounds.low, defects.rate), in_unit(bounds.high, defects.rate)
    range_ = f"Between {low} and {high}" if low != high else f"{low} all the same"
    return f"{range_}: {' and '.join(filter(None, told))}."


def signed(value: float | None) -> str:
    """Return a difference with its sign; a dash for None."""
    if value is None:
        return NO_VALUE
    text = number(abs(value))
    return text if text == "0" else f"{'+' if value > 0 else '−'}{text}"


def against_target(value: float | None, target: float) -> str:
    """Return a rate beside the target that it misses."""
    return f"{percent(value)}{FIXED_SPACE}% (target {percent(target)}{FIXED_SPACE}%)"


def moment(when: datetime, *, zone: ZoneInfo) -> str:
    """Return a moment to the minute, in the reader's own zone or else in this one, and says which."""
    return f"{day(when, zone=zone)}, {clock(when, zone=zone)}"


def clock(when: datetime, *, zone: ZoneInfo) -> str:
    """Return the time of day of a moment, likewise."""
    return manner.reader().clock(when.astimezone(manner.zone_of(zone)))


def day(when: datetime, *, zone: ZoneInfo) -> str:
    """Return the day of a moment, likewise."""
    return calendar_day(when.astimezone(manner.zone_of(zone)).date())


def calendar_day(when: date | None) -> str:
    """Return a day as people write it; a dash for None."""
    return NO_VALUE if when is None else manner.reader().day(when)


def month(period: Period) -> str:
    """Return the month of a survey."""
    return f"{date(period.year, period.month, 1):%b %Y}"


def ago(when: datetime, *, now: datetime) -> str:
    """Return how long ago a moment was, in the unit that people would choose."""
    minutes = (now - when).total_seconds() / _MINUTES_PER_HOUR
    return "just now" if minutes < 1 else f"{clock_time(minutes)} ago"
