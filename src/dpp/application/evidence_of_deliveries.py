"""The deployments and incidents behind figures of delivery (§6.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dpp.application.evidence_answers import Found, Item, Place, Question
from dpp.application.evidence_of_tickets import at_moment, missing
from dpp.application.evidence_reader import Among, EndedDeployment, EvidenceReader, IncidentInWindow
from dpp.application.trends import DeliveryTrends, Trends
from dpp.application.views import Window
from dpp.domain.deployments import PRODUCTION
from dpp.domain.explanations import Input, Remark
from dpp.domain.metric import Unit


class DeliveryEvidence:
    """Names deployments and incidents.

    Args:
        trends: has the figures.
        reader: names what is behind them.
    """

    def __init__(self, *, trends: Trends, reader: EvidenceReader) -> None:
        self._trends = trends
        self._reader = reader

    async def deployment_frequency(self, question: Question) -> Found:
        """Return the deployments of the window; each that counts is one."""
        return await self._deployments(question, _release_item)

    async def change_failure_rate(self, question: Question) -> Found:
        """Return the deployments of the window; those that did harm give 100."""
        return await self._deployments(question, _risk_item)

    async def lead_time(self, question: Question) -> Found:
        """Return the deployments of the window with their lead times."""
        return await self._deployments(question, _lead_item)

    async def time_to_restore(self, question: Question) -> Found:
        """Return the incidents of the window, with the minutes that those lasted that ended."""
        answer, window = await self._answered(question)
        view = at_moment(question.view, answer.asked)
        shown = [_incident_item(row) for row in await self._reader.incidents(view, window=window)]
        unplaced = await self._reader.incidents(view, window=window, among=Among.UNPLACED)
        return _found(question, answer, window, [*shown, *missing(map(_incident_item, unplaced))])

    async def _deployments(self, question: Question, as_item: Callable[[EndedDeployment, Item], Item]) -> Found:
        answer, window = await self._answered(question)
        view = at_moment(question.view, answer.asked)
        shown = await self._reader.deployments(view, window=window)
        unplaced = await self._reader.deployments(view, window=window, among=Among.UNPLACED)
        items = [
            *(as_item(row, _deployment_item(row)) for row in shown),
            *missing(as_item(row, _deployment_item(row)) for row in unplaced),
        ]
        return _found(question, answer, window, items)

    async def _answered(self, question: Question) -> tuple[DeliveryTrends, Window]:
        answer = await self._trends.trends(
            question.view, window_days=question.window_days, configuration=question.configuration
        )
        return answer, Window.back_from(answer.asked.as_of, days=answer.asked.window_days)


def _found(question: Question, answer: DeliveryTrends, window: Window, items: list[Item]) -> Found:
    figure = answer.trends[question.metric.name].figure
    return Found(asked=answer.asked, figure=figure, window=window, items=items)


def _deployment_item(row: EndedDeployment) -> Item:
    """Return a deployment that counts unless it went elsewhere."""
    elsewhere = row.environment != PRODUCTION
    return Item(
        kind=Input.DEPLOYMENT,
        name=f"{row.repository or row.pipeline_id} {row.pipeline_run_id}",
        at=row.deployed_at,
        detail=_became(row),
        place=Place(repository=row.repository, pr_number=row.pr_number, commit_sha=row.commit_sha),
        counted=not elsewhere,
        remark=Remark.OTHER_ENVIRONMENT if elsewhere else None,
    )


def _became(row: EndedDeployment) -> str:
    if row.environment != PRODUCTION:
        return row.environment
    if not row.has_succeeded:
        return "failed"
    caused = f"caused {', '.join(row.incidents)}" if row.incidents else None
    return "; ".join(filter(None, ("rolled back" if row.rolled_back_at else "success", caused)))


def _release_item(row: EndedDeployment, item: Item) -> Item:
    if row.is_config_only:
        return _left_out(item, Remark.CONFIGURATION_ONLY)
    if not row.has_succeeded:
        return _left_out(item, Remark.FAILED)
    if row.rolled_back_at is not None:
        return _left_out(item, Remark.ROLLED_BACK)
    return replace(item, value=1.0, unit=Unit.COUNT)


def _risk_item(row: EndedDeployment, item: Item) -> Item:
    if row.is_config_only:
        return _left_out(item, Remark.CONFIGURATION_ONLY)
    return replace(item, value=100.0 if row.did_harm else 0.0, unit=Unit.PERCENT)


def _lead_item(row: EndedDeployment, item: Item) -> Item:
    if not row.has_succeeded:
        return _left_out(item, Remark.FAILED)
    if row.lead_time_hrs is None:
        return _left_out(item, Remark.NO_LEAD_TIME)
    return replace(item, value=row.lead_time_hrs, unit=Unit.HOURS)


def _left_out(item: Item, remark: Remark) -> Item:
    """Leave a deployment out, unless it is left out already."""
    return replace(item, counted=False, remark=item.remark or remark)


def _incident_item(row: IncidentInWindow) -> Item:
    remark = None
    if row.minutes is None:
        remark = Remark.FAULTY_REPORTS if row.is_faulty else Remark.UNRESOLVED
    return Item(
        kind=Input.INCIDENT,
        name=row.incident_id,
        at=row.at,
        value=row.minutes,
        unit=Unit.MINUTES,
        detail=": ".join(filter(None, (row.severity, row.service_name))),
        counted=remark is None,
        remark=remark,
    )
