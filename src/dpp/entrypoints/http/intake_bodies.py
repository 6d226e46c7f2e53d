"""The bodies that the intake takes, as published (§5.4.2, §5.5.1); a test holds them against what the doors accept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from litestar.enums import ParamType
from litestar.openapi.spec import OpenAPIFormat, OpenAPIType, Parameter, Reference, Schema

from dpp.application.reading import PushFormat
from dpp.domain.pulse import HIGHEST_SCORE, LOWEST_SCORE
from dpp.domain.survey import MAX_FREE_TEXT

DEPLOYMENT = "/api/v1/events/deployment"
INCIDENT = "/api/v1/events/incident"
PULSE = "/api/v1/events/pulse"
FORMATS = tuple(f"/api/v1/events/{form}" for form in PushFormat)
GITHUB = "/api/v1/webhooks/github"
JIRA = "/api/v1/webhooks/jira"
JIRA_BY_TOKEN = "/api/v1/webhooks/jira/{token}"  # noqa: S105 - an address

MAX_NAME = 512
# Blanks around a name, line breaks included, are left out.
_NO_CONTROLS = r"^\s*[^\x00-\x1f\x7f]*\s*$"
_NAME = r"^\s*[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\s*$"
_REPOSITORY = r"^[^\s/\x00-\x1f\x7f]+/[^\s/\x00-\x1f\x7f]+$"
_YEARS = r"^(19(7[1-9]|[89]\d)|[2-8]\d{3}|9[0-8]\d{2}|99[0-8]\d|999[0-8])-"
_MONTH = r"^(19(7[1-9]|[89]\d)|[2-8]\d{3}|9[0-8]\d{2}|99[0-8]\d|999[0-8])-(0[1-9]|1[0-2])$"
_STATUSES = ("success", "failure", "cancelled")
_ROLLBACKS = ("rollback_initiated", "rollback_completed")
_HAPPENINGS = ("alarm_triggered", "alarm_resolved", "incident_opened", "incident_resolved")
_SEVERITIES = ("critical", "high", "medium", "low")
_OR_NULL = (OpenAPIType.STRING, OpenAPIType.NULL)


def _name(description: str) -> Schema:
    return Schema(type=OpenAPIType.STRING, pattern=_NAME, max_length=MAX_NAME, description=description)


def _optional(description: str) -> Schema:
    return Schema(type=_OR_NULL, pattern=_NO_CONTROLS, max_length=MAX_NAME, description=description)


def _free(description: str) -> Schema:
    return Schema(type=_OR_NULL, description=description)


def _word(words: Iterable[str], description: str) -> Schema:
    return Schema(enum=[*words, "", None], description=f"{description}; empty or null as if it were absent")


def _moment(description: str, *, is_needed: bool = False) -> Schema:
    moment = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME, pattern=_YEARS)
    told = f"{description}; ISO 8601 with a zone, of the years 1971 to 9998"
    return Schema(any_of=[moment] if is_needed else [moment, Schema(enum=["", None])], description=told)


def _score(description: str) -> Schema:
    return Schema(
        type=OpenAPIType.INTEGER, minimum=LOWEST_SCORE, maximum=HIGHEST_SCORE, description=f"{description}; 5 is best"
    )


def _one_or_many(item: Schema) -> Schema:
    """One object, or a list of them, which is taken or refused as a whole."""
    return Schema(any_of=[item, Schema(type=OpenAPIType.ARRAY, items=item, min_items=1)])


def _given(**needed: Schema) -> Schema:
    return Schema(required=[*needed], properties=dict(needed))


_A_TIME = Schema(type=OpenAPIType.STRING, min_length=1)

_DEPLOYMENT = Schema(
    type=OpenAPIType.OBJECT,
    description="A deployment or a rollback; completed_at is not before started_at",
    properties={
        "pipeline_id": _name("The pipeline's name or id"),
        "environment": _name("dev, staging or production, or a name that the configuration maps to one of them"),
        "repo_full_name": Schema(
            type=OpenAPIType.STRING, pattern=_REPOSITORY, max_length=MAX_NAME, description="organisation/repository"
        ),
        "status": _word(_STATUSES, "How it ended"),
        "commit_sha": _optional("The commit that was deployed"),
        "pr_number": Schema(
            type=(OpenAPIType.INTEGER, OpenAPIType.NULL), minimum=1, maximum=2**31 - 1, description="Its pull request"
        ),
        "started_at": _moment("When it began"),
        "completed_at": _moment("When it ended"),
        "trigger_type": _optional("push, merge, manual or schedule"),
        "artefact_version": _optional("What was deployed"),
        "failure_reason": _free("Why it failed"),
        "pipeline_run_id": _optional("The run; without it, the header X-Idempotency-Key or the body's hash"),
        "event_type": _word(_ROLLBACKS, "Only of a rollback"),
        "rollback_of": _optional("pipeline_run_id of the deployment that is undone; goes with event_type"),
        "is_config_only": Schema(type=(OpenAPIType.BOOLEAN, OpenAPIType.NULL), description="Ships no code"),
    },
    required=["pipeline_id", "environment", "repo_full_name"],
    any_of=[
        _given(status=Schema(enum=_STATUSES[:2]), completed_at=_A_TIME),
        _given(status=Schema(const=_STATUSES[2]), started_at=_A_TIME),
        _given(status=Schema(const=_STATUSES[2]), completed_at=_A_TIME),
        _given(event_type=Schema(enum=_ROLLBACKS), started_at=_A_TIME),
        _given(event_type=Schema(enum=_ROLLBACKS), completed_at=_A_TIME),
    ],
    dependent_schemas={
        "rollback_of": Schema(
            any_of=[
                _given(event_type=Schema(enum=_ROLLBACKS)),
                _given(rollback_of=Schema(enum=["", None])),
            ]
        )
    },
)

_INCIDENT = Schema(
    type=OpenAPIType.OBJECT,
    description="The beginning or the end of an alarm or an incident",
    properties={
        "incident_id": _name("Its id in the monitoring system"),
        "event_type": Schema(enum=_HAPPENINGS, description="What happened"),
        "service_name": _name("The deploy_target of a repository, or the part after its colon"),
        "severity": _word(_SEVERITIES, "How bad it is"),
        "description": _free("What people said of it; whoever is addressed in it is left out"),
        "occurred_at": _moment("When it happened", is_needed=True),
    },
    required=["incident_id", "event_type", "service_name", "occurred_at"],
)

_PULSE = Schema(
    type=OpenAPIType.OBJECT,
    description="What one person answered to the survey of a month; a later answer takes the place of an earlier one",
    properties={
        "survey_period": Schema(type=OpenAPIType.STRING, pattern=_MONTH, description="The month, such as 2026-02"),
        "delivery_stream": _name("Name or display name of a delivery stream that is configured"),
        "respondent": _name("An id of the form tool's that stands for the person, the same each month; it is hashed"),
        **{f"{name}_score": _score(f"Of {name}") for name in ("pace", "tooling", "clarity")},
        "free_text": Schema(
            type=_OR_NULL, max_length=MAX_FREE_TEXT, description="For the team alone; kept, and shown nowhere"
        ),
        "submitted_at": _moment("When it was given; without it, when its month began"),
    },
    required=["survey_period", "delivery_stream", "respondent", "pace_score", "tooling_score", "clarity_score"],
)

_WEBHOOK = Schema(
    type=OpenAPIType.OBJECT, description="As the source sends it; what the platform does not know is ignored"
)

BODIES: Mapping[str, Schema] = MappingProxyType(
    {
        DEPLOYMENT: _one_or_many(_DEPLOYMENT),
        INCIDENT: _one_or_many(_INCIDENT),
        PULSE: _one_or_many(_PULSE),
        **dict.fromkeys(FORMATS, _one_or_many(_WEBHOOK)),
        GITHUB: _WEBHOOK,
        JIRA: _WEBHOOK,
        JIRA_BY_TOKEN: _WEBHOOK,
    }
)


def _header(name: str, description: str) -> Parameter:
    return Parameter(
        name=name, param_in=ParamType.HEADER, description=description, schema=Schema(type=OpenAPIType.STRING)
    )


HEADERS: Mapping[str, Sequence[Parameter | Reference]] = MappingProxyType(
    {
        DEPLOYMENT: (
            Parameter(
                name="X-Idempotency-Key",
                param_in=ParamType.HEADER,
                description="The same for each attempt to push the same thing; stands in for pipeline_run_id",
                schema=Schema(type=OpenAPIType.STRING, max_length=MAX_NAME),
            ),
        ),
        GITHUB: (
            _header("X-GitHub-Event", "What the webhook is about"),
            _header("X-GitHub-Delivery", "The delivery's id"),
        ),
    }
)

HOOK_SECURITY: Mapping[str, list[dict[str, list[str]]]] = MappingProxyType(
    {GITHUB: [{"github": []}], JIRA: [{"jira": []}], JIRA_BY_TOKEN: [{}]}
)
