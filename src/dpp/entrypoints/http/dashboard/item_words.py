"""How the things behind figures are said: what their columns are called, and what stands in them (decision 0026)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dpp.application.evidence_answers import Item, Role
from dpp.domain.explanations import REMARKS, Input
from dpp.domain.figures import Figure
from dpp.domain.metric import Unit
from dpp.entrypoints.http.dashboard import words


class Columns(NamedTuple):
    """
    What the columns of a figure's things are called.

    Attributes:
        at: the moment.
        value: what a thing gives to the figure; None where all give the same, so that there is nothing to tell.
        detail: where it is, or what became of it.
        is_yes_or_no: whether the value is that of a rate, 100 or 0.
    """

    at: str
    value: str | None
    detail: str
    is_yes_or_no: bool = False


_IN_PROGRESS = Columns("There since", "Working days there", "Where")
_FINISHED = Columns("Done", "Working days", "Where")
_DEPLOYED = Columns("Deployed", None, "What became of it")
_REVIEWED = Columns("Merged or closed", "To the first review", "Ticket")
_RESTORED = Columns("Ended", "Lasted", "Severity and service")
_LED = Columns("Deployed", "Lead time", "What became of it")

COLUMNS: Mapping[str, Columns] = MappingProxyType(
    {
        **dict.fromkeys(("wip_by_stage", "sprint_confidence", "monte_carlo_forecast", "cumulative_flow"), _IN_PROGRESS),
        **dict.fromkeys(("cycle_time_p50", "cycle_time_p85", "cycle_time_p95", "cycle_time_scatter"), _FINISHED),
        "flow_efficiency": Columns("Done", "Share of work", "Where"),
        "defect_escape_rate": Columns("Told last", "Escaped", "Made in → found in", is_yes_or_no=True),
        **dict.fromkeys(("review_turnaround_p50", "review_turnaround_p85"), _REVIEWED),
        "reviewer_concentration": Columns("Last review", "Reviews", "Ticket"),
        "deployment_frequency": _DEPLOYED,
        "change_failure_rate": Columns("Deployed", "Did harm", "What became of it", is_yes_or_no=True),
        **dict.fromkeys(("ttr_median", "ttr_mean"), _RESTORED),
        **dict.fromkeys(("lead_time_p50", "lead_time_p85"), _LED),
        "team_pulse": Columns("Closed", "Score", "Answers"),
        "cross_stream_bottleneck": Columns("Blocked", None, "Blocked by"),
        "ageing_work": Columns("Begun", "Working days", "Where"),
        "arrivals": Columns("Came", None, "What became of it"),
        "blocked_time": Columns("Blocked since", "Working days", "Blocked by"),
        "changes": Columns("Merged", "Waiting for", "Ticket"),
        "technology_impact": Columns("Blocked since", "Working days", "Blocked by"),
    }
)
"""By the names of the figures."""

NOUNS: Mapping[Input, str] = MappingProxyType(
    {
        Input.TICKET: "ticket",
        Input.PULL_REQUEST: "pull request",
        Input.DEPLOYMENT: "deployment",
        Input.INCIDENT: "incident",
        Input.DEFECT: "defect",
        Input.SURVEY: "survey",
    }
)
"""What one thing of a kind is called; all of them take an s."""

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "jira": "Jira",
        "github": "GitHub",
        "jira_history": "Jira, asked",
        "github_history": "GitHub, asked",
        "pagerduty": "PagerDuty",
        "cdevents": "CDEvents",
        "deployment": "Deployments pushed",
        "incident": "Incidents pushed",
        "survey": "Survey",
    }
)
_ARROW = " → "
_BECAME = {"in_progress": "In progress", "finished": "Finished", "left": "Left"}


def value(item: Item, columns: Columns) -> str:
    """Return what a thing gives to the figure, in words; a dash where it gives nothing."""
    if item.value is None or item.unit is None:
        return words.NO_VALUE
    if columns.is_yes_or_no:
        return "yes" if item.value else "no"
    match item.unit:
        case Unit.DAYS | Unit.COUNT:
            return words.number(item.value)
        case Unit.SCORE:
            return f"{words.number(item.value)} of 5"
        case unit:
            return words.said(Figure(value=item.value, unit=unit, sample_size=1))


def detail(item: Item, *, zone: ZoneInfo) -> str:
    """Return where a thing is, or what became of it, as people say it."""
    text = item.detail
    if text in _BECAME:
        return _BECAME[text] if item.until is None else f"{_BECAME[text]} {words.day(item.until, zone=zone)}"
    if not text:
        return words.NO_VALUE
    if item.kind is Input.DEFECT and _ARROW in text:
        return _ARROW.join(words.place(part) for part in text.split(_ARROW))
    if item.kind is Input.TICKET and text.removesuffix("_queue") in words.STAGES:
        return words.label(text)
    return text


def source(name: str) -> str:
    """Return what people call the door that something came through."""
    return SOURCES.get(name, name.replace("_", " ").capitalize())


def counting(item: Item) -> str:
    """Return whether a thing counts, and why not or with what doubt."""
    if item.remark is not None:
        return f"{'yes, with a doubt' if item.counted else 'no'}: {REMARKS[item.remark]}"
    if not item.counted:
        return "no"
    return "in the history" if item.role is Role.SAMPLE else "yes"
