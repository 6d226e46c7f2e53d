"""Every figure explains itself: with its own value, from the very things that it was taken from."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from dpp.application.evidence_answers import Evidence, Item, Place, Role
from dpp.application.views import View
from dpp.domain.access import StreamScope
from dpp.domain.catalogue import METRICS
from dpp.domain.companions import COMPANIONS
from dpp.domain.errors import InvalidInput
from dpp.domain.explanations import Input, Remark
from dpp.domain.metric import Metric
from tests.support.derivation import APPS, CORE, LOGISTICS, PAYMENTS, at
from tests.support.explaining import Organisation, view

pytestmark = pytest.mark.anyio

PAYMENTS_ONLY = StreamScope(delivery_streams=frozenset({PAYMENTS}))
VIEWS = {
    "all": view(),
    "now": view(is_live=True),
    "payments": view(delivery_stream_id=PAYMENTS),
    "logistics": view(delivery_stream_id=LOGISTICS),
    "core": view(tech_stream_id=CORE),
    "both": view(delivery_stream_id=PAYMENTS, tech_stream_id=CORE),
    "scoped": view(delivery_stream_id=PAYMENTS, scope=PAYMENTS_ONLY),
    "scoped to a technology": view(scope=StreamScope(tech_streams=frozenset({APPS}))),
    "earlier": view(700),
    "before everything": view(-1),
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
async def organisation() -> Organisation:
    """An organisation whose history nothing changes."""
    found = Organisation()
    await found.begin()
    return found


def counting(evidence: Evidence) -> list[Item]:
    """Return the items that the figure itself was taken from."""
    return [item for item in evidence.found.items if item.counted and item.role is Role.VALUE]


def reckoned(evidence: Evidence) -> float | None:
    """Work a figure out anew from its items, as its formula says, in ways that are not those of the platform."""
    items, name, days = counting(evidence), evidence.metric.name, evidence.found.asked.window_days
    values = [item.value for item in items if item.value is not None]
    if name in {"wip_by_stage", "cycle_time_scatter", "monte_carlo_forecast"}:
        return float(len(items))
    if name == "deployment_frequency":
        return len(items) * 7 / days
    if not values:
        return None
    if isinstance(evidence.metric, Metric) and evidence.metric.percentile is not None:
        return float(np.quantile(values, evidence.metric.percentile / 100))
    return sum(values) / len(values)


REST_ON_MORE = {"sprint_confidence", "reviewer_concentration", "cross_stream_bottleneck"}
"""Figures that follow from more than the values of things; forecasts' values are scopes."""


@pytest.mark.parametrize("looking", VIEWS.values(), ids=list(VIEWS))
async def test_the_value_is_that_of_the_metrics_own_answer(organisation: Organisation, looking: View) -> None:
    """Whatever is asked, evidence and endpoint say the same figure, with its sample, confidence and bounds."""
    answers = await organisation.answers(looking)
    assert set(METRICS) == set(answers)
    for metric, figure in answers.items():
        assert figure == (await organisation.explain(metric, looking)).found.figure, metric


@pytest.mark.parametrize("looking", VIEWS.values(), ids=list(VIEWS))
async def test_the_value_follows_from_the_items_that_count(organisation: Organisation, looking: View) -> None:
    """Who reckons a figure from its evidence by its formula gets it."""
    for metric in sorted(set(METRICS) - REST_ON_MORE):
        evidence = await organisation.explain(metric, looking)
        figure = evidence.found.figure
        if metric == "monte_carlo_forecast" and figure.value is None:
            assert [] == evidence.found.items
            continue
        assert pytest.approx(reckoned(evidence)) == figure.value, metric
        if metric not in {"monte_carlo_forecast", "team_pulse"}:
            assert figure.sample_size == evidence.counted == len(counting(evidence)), metric


@pytest.mark.parametrize("looking", VIEWS.values(), ids=list(VIEWS))
async def test_bounds_are_of_what_is_left_out_for_want_of_a_stream(organisation: Organisation, looking: View) -> None:
    """As many are missing as evidence names; without any there are no bounds."""
    for metric in sorted(set(METRICS) - REST_ON_MORE - {"cycle_time_scatter", "monte_carlo_forecast", "team_pulse"}):
        evidence = await organisation.explain(metric, looking)
        bounds, left_out = evidence.found.figure.bounds, evidence.left_out
        missing = left_out.get(Remark.NO_STREAM, 0) + left_out.get(Remark.NO_TICKET, 0)
        missing += evidence.doubtful.get(Remark.UNKNOWN_FOUND_STAGE, 0)
        assert missing == (0 if bounds is None else bounds.missing), metric
        value = evidence.found.figure.value
        assert bounds is None or value is None or bounds.low <= value <= bounds.high, metric


@pytest.mark.parametrize("looking", VIEWS.values(), ids=list(VIEWS))
async def test_figures_beside_the_catalogue_follow_from_their_items(organisation: Organisation, looking: View) -> None:
    """Ages, flow, arrivals and waiting changes count their items; what blocked costs the sum of its parts."""
    flow, configuration = organisation.flow, organisation.configuration
    told = {
        "ageing_work": (await flow.ageing(looking, configuration=configuration, window_days=30)).figure,
        "cumulative_flow": (await flow.cumulative_flow(looking, configuration=configuration, window_days=30)).figure,
        "arrivals": (await flow.arrivals(looking, configuration=configuration, window_days=30)).arrived,
        "blocked_time": (await flow.blocked(looking, configuration=configuration, window_days=30)).figure,
        "changes": (
            await organisation.trends.trends(looking, window_days=30, configuration=configuration)
        ).waiting.count,
    }
    assert set(COMPANIONS) - {"technology_impact"} == set(told)
    for name, figure in told.items():
        evidence = await organisation.explain(name, looking)
        assert figure == evidence.found.figure, name
        parts = [item.value or 0.0 for item in counting(evidence)]
        if name == "blocked_time":
            assert pytest.approx(sum(parts)) == figure.value
        else:
            assert figure.value == evidence.counted == len(parts), name


async def test_the_impact_of_a_technology_names_what_it_blocks(organisation: Organisation) -> None:
    """PAY-42 is blocked by Core; without a technology there is nothing to explain, and the error says so."""
    evidence = await organisation.explain("technology_impact", view(tech_stream_id=CORE))
    assert ["PAY-42"] == [item.name for item in evidence.found.items]
    assert pytest.approx(sum(item.value or 0.0 for item in evidence.found.items)) == evidence.found.figure.value
    with pytest.raises(InvalidInput, match="Choose a technology stream"):
        await organisation.explain("technology_impact", view())


async def test_what_nobody_has_begun_has_no_age(organisation: Organisation) -> None:
    """Each such ticket is named among what is left out, and is as many as the answer says."""
    ageing = await organisation.flow.ageing(view(), configuration=organisation.configuration, window_days=30)
    evidence = await organisation.explain("ageing_work", view())
    assert {Remark.NOT_BEGUN: ageing.unbegun} == evidence.left_out
    assert ageing.unbegun > 0


BOUNDED = {
    "wip_by_stage",
    *(f"cycle_time_p{p}" for p in (50, 85, 95)),
    "flow_efficiency",
    "defect_escape_rate",
    "review_turnaround_p50",
    "review_turnaround_p85",
    "deployment_frequency",
    "change_failure_rate",
    "ttr_median",
    "ttr_mean",
}


async def test_figures_of_a_stream_carry_bounds_and_those_of_a_narrower_scope_do_not(
    organisation: Organisation,
) -> None:
    """Who sees everything learns how far what is of no stream could move payments; others only what payments lack."""
    answers = await organisation.answers(VIEWS["payments"])
    assert BOUNDED <= {metric for metric, figure in answers.items() if figure.bounds is not None}
    scoped = await organisation.answers(VIEWS["scoped"])
    assert {"defect_escape_rate"} == {metric for metric, figure in scoped.items() if figure.bounds is not None}
    whole = await organisation.answers(VIEWS["all"])
    assert {"defect_escape_rate"} == {metric for metric, figure in whole.items() if figure.bounds is not None}


@pytest.mark.parametrize("metric", METRICS)
async def test_every_metric_has_evidence_in_this_history(organisation: Organisation, metric: str) -> None:
    """The history has something of everything, so that the tests above are about something."""
    evidence = await organisation.explain(metric, VIEWS["payments"])
    assert evidence.found.withheld or evidence.found.items
    assert {item.kind for item in evidence.found.items} <= set(evidence.metric.explanation.inputs)


@pytest.mark.parametrize("looking", VIEWS.values(), ids=list(VIEWS))
async def test_every_remark_is_one_that_the_metric_explains(organisation: Organisation, looking: View) -> None:
    """What is left out has a reason, and every remark is counted, under the words of the metric."""
    for metric in METRICS:
        evidence = await organisation.explain(metric, looking)
        items = evidence.found.items
        assert all(item.remark is not None for item in items if not item.counted), metric
        for counted, told in ((False, evidence.left_out), (True, evidence.doubtful)):
            remarks = Counter(item.remark for item in items if item.counted is counted and item.remark is not None)
            assert dict(remarks) == dict(told), metric


@pytest.mark.parametrize(
    ("metric", "left_out", "doubtful"),
    [
        ("wip_by_stage", {Remark.IN_BACKLOG: 5, Remark.STATUS_NOT_MAPPED: 1, Remark.NO_STREAM: 1}, {}),
        (
            "cycle_time_p85",
            {Remark.NEVER_WORKED_ON: 1, Remark.CANCELLED: 1, Remark.REOPENED: 1, Remark.NO_STREAM: 6},
            {},
        ),
        ("defect_escape_rate", {Remark.NO_STREAM: 1}, {Remark.UNKNOWN_FOUND_STAGE: 1, Remark.UNKNOWN_ORIGIN: 1}),
        ("review_turnaround_p50", {Remark.NO_REVIEW: 1, Remark.NO_PEER_REVIEW: 1, Remark.NO_TICKET: 4}, {}),
        ("team_pulse", {Remark.EARLIER_SURVEY: 1, Remark.SURVEY_OPEN: 1, Remark.TOO_FEW_ANSWERS: 1}, {}),
    ],
)
async def test_what_is_left_out_of_a_stream_is_told_with_the_reason(
    organisation: Organisation, metric: str, left_out: dict[Remark, int], doubtful: dict[Remark, int]
) -> None:
    """The history has one or a few of each exclusion, counted by hand."""
    evidence = await organisation.explain(metric, VIEWS["payments"])
    assert left_out == evidence.left_out
    assert doubtful == evidence.doubtful


async def test_deployments_are_left_out_each_for_its_first_reason(organisation: Organisation) -> None:
    """What is left out of the frequency counts for the failure rate if it reached production or failed to."""
    frequency = await organisation.explain("deployment_frequency", view())
    assert {
        Remark.FAILED: 1,
        Remark.ROLLED_BACK: 1,
        Remark.CONFIGURATION_ONLY: 1,
        Remark.OTHER_ENVIRONMENT: 1,
    } == frequency.left_out
    failures = await organisation.explain("change_failure_rate", view())
    assert {Remark.CONFIGURATION_ONLY: 1, Remark.OTHER_ENVIRONMENT: 1} == failures.left_out
    harmful = [item for item in counting(failures) if item.value == 100]
    assert "rolled back" in {item.detail for item in harmful}
    assert any("INC-" in str(item.detail) for item in harmful)
    lead = await organisation.explain("lead_time_p50", view())
    assert 1 == lead.left_out[Remark.NO_LEAD_TIME]
    incidents = await organisation.explain("ttr_mean", view())
    assert {Remark.UNRESOLVED: 1, Remark.FAULTY_REPORTS: 1} == incidents.left_out


@pytest.mark.parametrize("metric", METRICS)
async def test_a_scope_hears_of_nothing_but_its_own(organisation: Organisation, metric: str) -> None:
    """Who may see payments is told of no ticket of another project, of none without a stream and of no remark on it."""
    evidence = await organisation.explain(metric, view(scope=PAYMENTS_ONLY))
    names = [item.name for item in evidence.found.items if item.kind in {Input.TICKET, Input.DEFECT}]
    assert all(name.startswith("PAY-") for name in names)
    assert Remark.NO_STREAM not in evidence.left_out
    assert Remark.NO_TICKET not in {*evidence.left_out, *evidence.doubtful}


async def test_a_small_team_is_told_of_no_review(organisation: Organisation) -> None:
    """Below the minimum evidence of the concentration is withheld; the turnaround names pull requests, not people."""
    concentration = await organisation.explain("reviewer_concentration", VIEWS["now"])
    assert (True, []) == (concentration.found.withheld, list(concentration.found.items))
    turnaround = await organisation.explain("review_turnaround_p50", VIEWS["now"])
    assert not any("reviewer" in str(item) or "author" in str(item) for item in turnaround.found.items)


async def test_a_large_enough_team_sees_how_many_reviews_each_pull_request_got(organisation: Organisation) -> None:
    """Where shares are told, so are pull requests with their numbers of reviews, which add up; still no person is."""
    bold = replace(
        organisation.configuration,
        version=99,
        platform=replace(organisation.configuration.platform, minimum_contributors=1),
    )
    bolder = Organisation(configuration=bold, stores=organisation.stores, surveys=organisation.surveys)
    evidence = await bolder.explain("reviewer_concentration", VIEWS["now"])
    assert not evidence.found.withheld
    assert evidence.found.figure.sample_size == sum(item.value or 0 for item in evidence.found.items) > 0
    assert not any("reviewer-" in str(item) or "author" in str(item) for item in evidence.found.items)


async def test_items_know_their_places_in_the_sources(organisation: Organisation) -> None:
    """Tickets by their keys, pull requests by repository and number, deployments by what they brought."""
    (ticket, *_) = (await organisation.explain("cycle_time_p50", VIEWS["payments"])).found.items
    assert Place(ticket_id=ticket.name) == ticket.place
    (request, *_) = (await organisation.explain("review_turnaround_p50", VIEWS["payments"])).found.items
    repository, _, number = request.name.partition("#")
    assert Place(repository=repository, pr_number=int(number)) == request.place
    deployments = (await organisation.explain("lead_time_p50", view())).found.items
    assert {True, False} == {item.place.pr_number is not None for item in deployments}


async def test_a_forecast_shows_scope_and_history_apart(organisation: Organisation) -> None:
    """The scope's tickets are its value; those finished in the sample's weeks add up to the sample."""
    forecast = await organisation.forecasts.forecast(VIEWS["payments"])
    evidence = await organisation.explain("monte_carlo_forecast", VIEWS["payments"])
    samples = [item for item in evidence.found.items if item.role is Role.SAMPLE]
    assert forecast.forecast is not None
    assert sum(forecast.forecast.sample) == len(samples) > 0
    assert forecast.figure.value == evidence.counted


async def test_a_sprint_shows_what_remains_and_the_days_before(organisation: Organisation) -> None:
    """Four tickets remain in the running sprint, and each completion of the sample is there."""
    confidence = await organisation.forecasts.sprint_confidence(VIEWS["payments"])
    evidence = await organisation.explain("sprint_confidence", VIEWS["payments"])
    assert confidence.remaining is not None
    assert 4 == confidence.remaining.items == evidence.counted
    assert [item for item in evidence.found.items if item.role is Role.SAMPLE]


async def test_blocks_name_what_blocked_if_it_may_be_named(organisation: Organisation) -> None:
    """A block by core is counted for who may name core; who may not sees that something blocked."""
    seen = (await organisation.explain("cross_stream_bottleneck", VIEWS["payments"])).found.items
    assert [("PAY-42", "Core", None)] == [(item.name, item.detail, item.remark) for item in seen]
    hidden = (await organisation.explain("cross_stream_bottleneck", VIEWS["scoped"])).found.items
    assert [("PAY-42", None, Remark.BLOCKER_NOT_TOLD)] == [(item.name, item.detail, item.remark) for item in hidden]


async def test_the_window_is_that_of_the_figure(organisation: Organisation) -> None:
    """Cycle times have the configured window whatever is asked, trends the one asked for, work in progress none."""
    asked: dict[str, int | None] = {"cycle_time_p50": 30, "lead_time_p50": 10, "wip_by_stage": None}
    for metric, days in asked.items():
        window = (await organisation.explain(metric, view(), window_days=10)).found.window
        assert days == (None if window is None else (window.end - window.start).days)
        assert window is None or at(938) == window.end


async def test_unknown_streams_have_no_evidence(organisation: Organisation) -> None:
    """A stream in which nothing ever happened leaves only what is of no stream."""
    evidence = await organisation.explain("cycle_time_p50", view(delivery_stream_id=UUID(int=404)))
    assert 0 == evidence.counted
    assert {Remark.NO_STREAM} == set(evidence.left_out)
