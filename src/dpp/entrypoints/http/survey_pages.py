"""The form of the monthly survey (§5.5): three questions, a free text, one team."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from dpp.application.survey import GivenAnswer, NotYourTeam, Survey, SurveyClosed, shown_from
from dpp.domain.access import Permission, Principal
from dpp.domain.errors import InvalidInput
from dpp.domain.pulse import HIGHEST_SCORE, LOWEST_SCORE, Dimension
from dpp.domain.survey import MAX_FREE_TEXT
from dpp.entrypoints.http.auth import CSRF_FIELD, CSRF_IN_FORM, Gate
from dpp.entrypoints.http.dashboard import problems
from dpp.entrypoints.http.dashboard.rendering import page

PATH = "/survey"
#: A free text of four bytes a character, each written as three.
BODY_BYTES = 64 * 1024
NO_STORE = {"cache-control": "no-store"}
#: The team that somebody answered for last, in their own browser: the platform does not note who is in which team.
TEAM_COOKIE = "dpp_team"
REMEMBERED = timedelta(days=400)
EXPIRED = "This form had expired. Please send it once more."
CHOOSE_TEAM = "Choose the team that you answer for."
SCORES = range(LOWEST_SCORE, HIGHEST_SCORE + 1)

AnyRequest = Request[Any, Any, Any]


class Question(NamedTuple):
    """A question as the specification words it (§5.5.2), what is meant by it, and what the ends of its scale mean."""

    field: str
    text: str
    meaning: str
    lowest: str
    highest: str


QUESTIONS: Mapping[Dimension, Question] = MappingProxyType(
    {
        Dimension.PACE: Question(
            "pace_score",
            "How sustainable does the current pace of work feel?",
            "Whether you could go on working like this: load, overtime, too much promised at once.",
            "Not for another month",
            "For years",
        ),
        Dimension.TOOLING: Question(
            "tooling_score",
            "How much do your tools and processes help (vs hinder) your work?",
            "What stands between you and the work itself: builds, environments, reviews, meetings, approvals.",
            "They mostly hinder",
            "They mostly help",
        ),
        Dimension.CLARITY: Question(
            "clarity_score",
            "How clear are the current priorities and what you should be working on?",
            "Whether you know what comes first, why, and what it takes for it to be done.",
            "I have to guess",
            "Entirely clear",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveying:
    """What the pages need."""

    survey: Survey
    gate: Gate


def routes(surveying: Callable[[], Surveying]) -> list[HTTPRouteHandler]:
    """Build the routes; ``surveying`` gives what they need once the platform has started."""
    handlers = problems.handlers(lambda: surveying().gate)
    permission = {"permission": Permission.SURVEY_SUBMIT}

    @get(PATH, exception_handlers=handlers, opt=permission, include_in_schema=False)
    async def form(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Show the form, or say when the next survey opens."""
        return _form(request, surveying(), principal, is_kept="kept" in request.query_params)

    @post(
        PATH,
        exception_handlers=handlers,
        opt={**permission, CSRF_IN_FORM: True},
        include_in_schema=False,
        request_max_body_size=BODY_BYTES,
    )
    async def submit(request: AnyRequest, principal: NamedDependency[Principal]) -> Response[Any]:
        """Keep an answer and say so; what cannot be used is shown again as it was typed, with what to mend."""
        to, fields = surveying(), await _fields(request)
        if not to.gate.is_own_form(request, token=fields.get(CSRF_FIELD, "")):
            return _form(request, to, principal, fields=fields, problems=[EXPIRED], status=403)
        answer, faults = _read(fields)
        if answer is None:
            return _form(request, to, principal, fields=fields, problems=faults, status=422)
        try:
            await to.survey.submit(principal, answer)
        except SurveyClosed:
            return _form(request, to, principal, status=409)
        except (InvalidInput, NotYourTeam) as error:
            fault = CHOOSE_TEAM if isinstance(error, NotYourTeam) else _in_words(error)
            return _form(request, to, principal, fields=fields, problems=[fault], status=422)
        response = Redirect(f"{PATH}?kept=1", status_code=303, headers=NO_STORE)
        response.set_cookie(_team_cookie(request, to, answer.delivery_stream_id))
        return response

    return [form, submit]


async def _fields(request: AnyRequest) -> dict[str, str]:
    given = await request.form()
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _read(fields: Mapping[str, str]) -> tuple[GivenAnswer | None, list[str]]:
    """Return what was filled in, or else what is missing."""
    team = _team(fields.get("team"))
    scores = {dimension: _score(fields.get(question.field)) for dimension, question in QUESTIONS.items()}
    told = {dimension: score for dimension, score in scores.items() if score is not None}
    faults = [] if team is not None else [CHOOSE_TEAM]
    faults += [f"Choose from 1 to 5: {QUESTIONS[dimension].text}" for dimension in QUESTIONS if dimension not in told]
    if team is None or faults:
        return None, faults
    return GivenAnswer(delivery_stream_id=team, scores=told, free_text=fields.get("free_text")), []


def _team(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _score(text: str | None) -> int | None:
    return next((score for score in SCORES if text == str(score)), None)


def _in_words(error: InvalidInput) -> str:
    return str(error).replace("free_text has", "Your text has", 1).replace(": give at most", "; shorten it to", 1) + "."


def _form(
    request: AnyRequest,
    to: Surveying,
    principal: Principal,
    *,
    fields: Mapping[str, str] | None = None,
    problems: list[str] | None = None,
    is_kept: bool = False,
    status: int = 200,
) -> Response[bytes]:
    teams = to.survey.teams(principal)
    given = fields or {}
    chosen = _team(given.get("team") if fields is not None else to.gate.cookies.read(request, TEAM_COOKIE, path=PATH))
    context = {
        "window": to.survey.window(),
        "teams": list(teams),
        "chosen": next(iter(teams)).stream_id if len(teams) == 1 else chosen,
        "shown_from": shown_from(teams),
        "questions": QUESTIONS.values(),
        "scores": SCORES,
        "given": given,
        "problems": problems or [],
        "is_kept": is_kept,
        "max_free_text": MAX_FREE_TEXT,
        "signed_in_as": principal.name,
        "csrf_field": CSRF_FIELD,
        "csrf_token": to.gate.form_token(request),
    }
    return page(request, "survey.html", context, status=status, headers=NO_STORE)


def _team_cookie(request: AnyRequest, to: Surveying, stream_id: UUID) -> Cookie:
    seconds = int(REMEMBERED.total_seconds())
    return to.gate.cookies.write(request, TEAM_COOKIE, str(stream_id), max_age=seconds, path=PATH, samesite="strict")
