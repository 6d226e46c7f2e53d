"""The pull requests and defects behind figures of reviews and of quality (§6.3.2, §6.3.3)."""

from __future__ import annotations

from dataclasses import replace

from dpp.application.diagnostics import Diagnosis, Diagnostics
from dpp.application.evidence_answers import Found, Item, Place, Question
from dpp.application.evidence_of_tickets import at_moment, missing
from dpp.application.evidence_reader import (
    Among,
    DefectInWindow,
    EndedPullRequest,
    EvidenceReader,
    ReviewedPullRequest,
)
from dpp.application.views import Window
from dpp.domain.defects import ESCAPED_TO, UNKNOWN_STAGE
from dpp.domain.explanations import Input, Remark
from dpp.domain.metric import Unit
from dpp.domain.reviews import SuppressedConcentration


class ChangeEvidence:
    """Names pull requests and defects, and never who wrote or reviewed them.

    Args:
        diagnostics: has the figures.
        reader: names what is behind them.
    """

    def __init__(self, *, diagnostics: Diagnostics, reader: EvidenceReader) -> None:
        self._diagnostics = diagnostics
        self._reader = reader

    async def review_turnaround(self, question: Question) -> Found:
        """Return the pull requests that ended in the window, with the hours to their first review."""
        answer, window = await self._diagnosed(question)
        view = at_moment(question.view, answer.asked)
        shown = [_request_item(row) for row in await self._reader.pull_requests(view, window=window)]
        unplaced = await self._reader.pull_requests(view, window=window, among=Among.UNPLACED)
        # The commonest reason to be of no stream has a name of its own.
        unlinked = (_request_item(row) for row in unplaced if row.ticket_id is None)
        strays = (_request_item(row) for row in unplaced if row.ticket_id is not None)
        items = [
            *shown,
            *(replace(item, remark=Remark.NO_TICKET) for item in missing(unlinked)),
            *missing(strays),
        ]
        figure = answer.review_turnaround[question.metric.name]
        return Found(asked=answer.asked, figure=figure, window=window, items=items)

    async def reviewer_concentration(self, question: Question) -> Found:
        """Return the pull requests that were reviewed, with the number of reviews; of a withheld breakdown nothing."""
        answer, window = await self._diagnosed(question)
        reviewing, withheld = answer.reviewing, isinstance(answer.reviewing.concentration, SuppressedConcentration)
        view = at_moment(question.view, answer.asked)
        rows = [] if withheld else await self._reader.reviewed(view, window=window)
        items = [_reviewed_item(row) for row in rows]
        return Found(asked=answer.asked, figure=reviewing.figure, window=window, items=items, withheld=withheld)

    async def defect_escape_rate(self, question: Question) -> Found:
        """Return the defects of the window; those that escaped give 100."""
        answer, window = await self._diagnosed(question)
        view = at_moment(question.view, answer.asked)
        shown = [_defect_item(row) for row in await self._reader.defects(view, window=window)]
        unplaced = await self._reader.defects(view, window=window, among=Among.UNPLACED)
        items = [*shown, *missing(_defect_item(row) for row in unplaced)]
        return Found(asked=answer.asked, figure=answer.defects.rate, window=window, items=items)

    async def _diagnosed(self, question: Question) -> tuple[Diagnosis, Window]:
        answer = await self._diagnostics.diagnose(
            question.view, window_days=question.window_days, configuration=question.configuration
        )
        return answer, Window.back_from(answer.asked.as_of, days=answer.asked.window_days)


def _request_item(row: EndedPullRequest) -> Item:
    remark = None
    if row.hours is None:
        remark = Remark.NO_PEER_REVIEW if row.has_other_reviews else Remark.NO_REVIEW
    elif row.ticket_id is None:
        remark = Remark.NO_TICKET
    return Item(
        kind=Input.PULL_REQUEST,
        name=f"{row.repository}#{row.pr_number}",
        at=row.ended_at,
        value=row.hours,
        unit=Unit.HOURS,
        detail=row.ticket_id,
        place=Place(repository=row.repository, pr_number=row.pr_number),
        counted=row.hours is not None,
        remark=remark,
    )


def _reviewed_item(row: ReviewedPullRequest) -> Item:
    return Item(
        kind=Input.PULL_REQUEST,
        name=f"{row.repository}#{row.pr_number}",
        at=row.last_at,
        value=float(row.reviews),
        unit=Unit.COUNT,
        place=Place(repository=row.repository, pr_number=row.pr_number),
    )


def _defect_item(row: DefectInWindow) -> Item:
    remark = None
    if row.found_in_stage == UNKNOWN_STAGE:
        remark = Remark.UNKNOWN_FOUND_STAGE
    elif row.introduced_in_stage is None:
        remark = Remark.UNKNOWN_ORIGIN
    return Item(
        kind=Input.DEFECT,
        name=row.ticket_id,
        at=row.at,
        value=100.0 if row.found_in_stage in ESCAPED_TO else 0.0,
        unit=Unit.PERCENT,
        detail=f"{row.introduced_in_stage or UNKNOWN_STAGE} → {row.found_in_stage}",
        place=Place(ticket_id=row.ticket_id),
        remark=remark,
    )
