"""The organisation's configuration file, in the format of ``dpp config apply``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from dpp.adapters.simulation.calendar import days_off
from dpp.adapters.simulation.company import CANCELLED_RESOLUTIONS, CORRELATION_WINDOW, ZONE, Company, JiraProject

Value = str | int | bool | list[str] | dict[str, str]


def configuration_toml(company: Company, *, start: datetime) -> str:
    """Describe the company; days off are listed from the year before ``start`` to three years after it."""
    return "\n".join(_lines(company, start)) + "\n"


def _lines(company: Company, start: datetime) -> Iterator[str]:
    days = sorted(day for year in range(start.year - 1, start.year + 4) for day in days_off(year))
    yield "[platform]"
    yield _pair("time_zone", ZONE.key)
    yield _pair("holidays", [])
    yield _pair("extra_holidays", [day.isoformat() for day in days if day.weekday() < 5])
    yield _pair("correlation_window_minutes", int(CORRELATION_WINDOW.total_seconds()) // 60)
    yield _pair("minimum_contributors", 6)
    for stream in company.delivery_streams:
        yield from _table(
            "delivery_streams", name=stream.name, display_name=stream.display_name, team_size=len(stream.team)
        )
    for tech in company.tech_streams:
        # Where a webhook of the organisation's own sends the deliveries there is no App that could ask.
        asked = {"github_install_id": str(tech.install_id)} if tech.app_installed else {}
        yield from _table(
            "tech_streams", name=tech.name, display_name=tech.display_name, github_org=tech.org, **asked,
            lead_time_method="pr",
        )  # fmt: skip
    for found in company.repositories:
        target = {"deploy_target": found.deploy_target} if found.deploy_target else {}
        yield from _table("repositories", full_name=found.full_name, **target, is_deployable=found.releases != "none")
    for project in company.projects:
        yield from _project(project)
    for project in company.projects:
        yield from _statuses(project)
    for pattern, environment in (("(?i)^prod", "production"), ("(?i)^stag", "staging"), ("(?i)^dev", "dev")):
        yield from _table("environments", pattern=pattern, environment=environment)


def _project(project: JiraProject) -> Iterator[str]:
    stream = {"delivery_stream": project.stream} if project.stream else {}
    yield from _table(
        "jira_projects", key=project.key, delivery_stream_from=list(project.stream_from), **stream,
        fields=asdict(project.fields), cancelled_resolutions=list(CANCELLED_RESOLUTIONS),
    )  # fmt: skip


def _statuses(project: JiraProject) -> Iterator[str]:
    for order, status in enumerate(project.workflow.values(), start=1):
        if status.stage is not None:
            yield from _table(
                "status_mappings", project=project.key, status=status.name, stage=status.stage, active=status.active,
                order=order,
            )  # fmt: skip


def _table(table: str, /, **values: Value) -> Iterator[str]:
    yield ""
    yield f"[[{table}]]"
    for key, value in values.items():
        yield _pair(key, value)


def _pair(key: str, value: Value) -> str:
    """A key and its value. JSON's strings, numbers, booleans and arrays are TOML's as well; tables go inline."""
    if isinstance(value, dict):
        inside = ", ".join(f"{name} = {json.dumps(text)}" for name, text in value.items())
        return f"{key} = {{ {inside} }}"
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"
