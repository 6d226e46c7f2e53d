"""How pages say things: numbers with units, stages, rates, moments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from dpp.domain.figures import Figure
from dpp.domain.quality import QualityRate
from dpp.domain.stages import UNMAPPED

NO_VALUE = "–"
FIXED_SPACE = "\u00a0"
NARROW_SPACE = "\u202f"

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

_UNITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"days": ("day", "days"), "hours": ("hour", "hours"), "percent": ("%", "%"), "count": ("ticket", "tickets")}
)


def number(value: float | None) -> str:
    """Return a number as people read it: whole ones without decimals, others with one; a dash for None."""
    if value is None:
        return NO_VALUE
    rounded = round(value, 1)
    text = f"{rounded:,.0f}" if float(rounded).is_integer() else f"{rounded:,.1f}"
    return text.replace(",", NARROW_SPACE)


def percent(value: float | None) -> str:
    """Return a share; one that is not quite all or nothing never reads as 100 or 0."""
    if value is None:
        return NO_VALUE
    if 99.9 < value < 100:
        return "99.9"
    if 0 < value < 0.1:
        return "0.1"
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


def label(name: str) -> str:
    """Return what people call the time under a label: ``qa`` is work, ``qa_queue`` is waiting (decision 0001)."""
    base = name.removesuffix("_queue")
    return stage(base) if base == name else f"{stage(base)}, waiting"


def against_target(value: float | None, target: float) -> str:
    """Return a rate beside the target that it misses."""
    return f"{percent(value)}{FIXED_SPACE}% (target {percent(target)}{FIXED_SPACE}%)"


def moment(when: datetime, *, zone: ZoneInfo) -> str:
    """Return a moment to the minute, with its zone."""
    local = when.astimezone(zone)
    return f"{day(when, zone=zone)}, {local:%H:%M} {local:%Z}"


def day(when: datetime, *, zone: ZoneInfo) -> str:
    """Return the day of a moment in a zone."""
    local = when.astimezone(zone)
    return f"{local.day} {local:%b %Y}"
