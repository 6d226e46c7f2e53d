"""What every metric means, in words: what it says, how it is reckoned, what counts in it and what is left out and why.

The one home of these texts: the evidence of a figure, its page and the guide all take them from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from dpp.domain.bottlenecks import BLOCK_DAYS
from dpp.domain.forecast import FORECAST_RUNS
from dpp.domain.sprint_confidence import CONFIDENCE_RUNS


class Input(StrEnum):
    """The kinds of things that figures are made of."""

    TICKET = "ticket"
    PULL_REQUEST = "pull_request"
    DEPLOYMENT = "deployment"
    INCIDENT = "incident"
    DEFECT = "defect"
    SURVEY = "survey"


class Remark(StrEnum):
    """Why something does not count in a figure, or counts with a doubt; ``REMARKS`` says it in words."""

    NO_STREAM = "no_stream"
    IN_BACKLOG = "in_backlog"
    STATUS_NOT_MAPPED = "status_not_mapped"
    NEVER_WORKED_ON = "never_worked_on"
    NO_WORKING_TIME = "no_working_time"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    NO_REVIEW = "no_review"
    NO_PEER_REVIEW = "no_peer_review"
    NO_TICKET = "no_ticket"
    UNKNOWN_FOUND_STAGE = "unknown_found_stage"
    UNKNOWN_ORIGIN = "unknown_origin"
    OTHER_ENVIRONMENT = "other_environment"
    CONFIGURATION_ONLY = "configuration_only"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    NO_LEAD_TIME = "no_lead_time"
    UNRESOLVED = "unresolved"
    FAULTY_REPORTS = "faulty_reports"
    EARLIER_SURVEY = "earlier_survey"
    SURVEY_OPEN = "survey_open"
    TOO_FEW_ANSWERS = "too_few_answers"
    BLOCKER_NOT_TOLD = "blocker_not_told"
    NOT_BEGUN = "not_begun"
    CAME_EARLIER = "came_earlier"


REMARKS: Mapping[Remark, str] = MappingProxyType(
    {
        Remark.NO_STREAM: "Nothing tells which stream it belongs to, so that it counts for none.",
        Remark.IN_BACKLOG: "It lies in the backlog.",
        Remark.STATUS_NOT_MAPPED: "It is in a status that nobody has mapped to a stage.",
        Remark.NEVER_WORKED_ON: "It was completed without ever having been in a status of work.",
        Remark.NO_WORKING_TIME: "All of its cycle time lies on days off, so that no share of it can be work.",
        Remark.CANCELLED: "It was cancelled.",
        Remark.REOPENED: "It was done in the window, and has been taken up again since.",
        Remark.NO_REVIEW: "Nobody reviewed it.",
        Remark.NO_PEER_REVIEW: "Only its own author, or a bot, reviewed it.",
        Remark.NO_TICKET: "No ticket is linked to it, so that it belongs to no delivery stream.",
        Remark.UNKNOWN_FOUND_STAGE: "Nothing tells where it was found: it is in the total, and not among the escaped.",
        Remark.UNKNOWN_ORIGIN: "Nothing tells where it was made: it counts, and is in no pair of stages.",
        Remark.OTHER_ENVIRONMENT: "It did not go to production.",
        Remark.CONFIGURATION_ONLY: "It changed configuration alone.",
        Remark.FAILED: "It failed, and never reached production.",
        Remark.ROLLED_BACK: "It was taken back.",
        Remark.NO_LEAD_TIME: "No pull request is known for it, or none that began before it.",
        Remark.UNRESOLVED: "It had not ended.",
        Remark.FAULTY_REPORTS: "Its reports contradict each other: it ends before it starts, or never started.",
        Remark.EARLIER_SURVEY: "A later survey has closed; this one is shown for comparison.",
        Remark.SURVEY_OPEN: "The survey is still open.",
        Remark.TOO_FEW_ANSWERS: "Too few people answered for an average that could not point at one of them.",
        Remark.BLOCKER_NOT_TOLD: "Nothing tells which technology stream blocked it, or it may not be named.",
        Remark.NOT_BEGUN: "Nobody has worked on it yet, so that it has no age.",
        Remark.CAME_EARLIER: (
            "It came into progress before the window, and left it in the window: it is among the departures."
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """
    A metric in words.

    Attributes:
        definition: what it says.
        formula: how it is reckoned.
        counted: what takes part in it.
        inputs: the kinds of things that take part.
        remarks: why things may be left out of it, or count with a doubt.
    """

    definition: str
    formula: str
    counted: str
    inputs: tuple[Input, ...]
    remarks: tuple[Remark, ...]


_LINEAR = "where it falls between two of them, by linear interpolation"
_NOT_FINISHED = (Remark.CANCELLED, Remark.REOPENED, Remark.NO_STREAM)


def _cycle_time(percent: int) -> Explanation:
    return Explanation(
        definition=(
            f"Within so many working days {percent} of 100 finished tickets were done, from the first moment in a "
            "status of work until they were done for the last time."
        ),
        formula=(
            "Working days from the first change into a status of work to completion, weekends and holidays of the "
            f"stream's calendar left out; of all tickets the {percent}th percentile, {_LINEAR}."
        ),
        counted="Tickets that were completed in the window and had been in a status of work.",
        inputs=(Input.TICKET,),
        remarks=(Remark.NEVER_WORKED_ON, *_NOT_FINISHED),
    )


def _review_turnaround(percent: int) -> Explanation:
    return Explanation(
        definition=f"Within so many hours {percent} of 100 pull requests got their first review.",
        formula=(
            "Hours by the clock from opening to the first review by somebody other than the author, and no bot; of all "
            f"pull requests the {percent}th percentile, {_LINEAR}."
        ),
        counted="Pull requests that were merged or closed in the window and had been reviewed.",
        inputs=(Input.PULL_REQUEST,),
        remarks=(Remark.NO_REVIEW, Remark.NO_PEER_REVIEW, Remark.NO_TICKET, Remark.NO_STREAM),
    )


def _lead_time(percent: int) -> Explanation:
    return Explanation(
        definition=(
            f"Within so many hours {percent} of 100 deployments brought users what had been begun: from the pull "
            "request's opening, or from the first push where the technology stream is set so, to production."
        ),
        formula=(
            "Hours by the clock from the beginning of the deployment's own pull request to the end of the deployment; "
            f"of all deployments the {percent}th percentile, {_LINEAR}."
        ),
        counted="Deployments to production of the window that succeeded, taken back later or not, and have one.",
        inputs=(Input.DEPLOYMENT,),
        remarks=(Remark.FAILED, Remark.NO_LEAD_TIME, Remark.OTHER_ENVIRONMENT, Remark.NO_STREAM),
    )


def _restore(kind: str, formula: str) -> Explanation:
    return Explanation(
        definition=f"How many minutes a disturbance lasted {kind} before users were well again.",
        formula=f"Minutes by the clock from an incident's earliest start to its latest end; {formula}.",
        counted="Incidents that ended in the window, each time that one was opened again by itself.",
        inputs=(Input.INCIDENT,),
        remarks=(Remark.UNRESOLVED, Remark.FAULTY_REPORTS, Remark.NO_STREAM),
    )


EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {
        "wip_by_stage": Explanation(
            definition="How many tickets somebody has begun and nobody has finished, by the stage that they are in.",
            formula=(
                "Number of tickets whose latest status belongs to the stages from analysis to acceptance; in each "
                "stage those being worked on, and those waiting."
            ),
            counted="Tickets that are in one of those stages at the moment.",
            inputs=(Input.TICKET,),
            remarks=(Remark.IN_BACKLOG, Remark.STATUS_NOT_MAPPED, Remark.NO_STREAM),
        ),
        "sprint_confidence": Explanation(
            definition="How likely the running sprint is to finish what is left in it by its last day.",
            formula=(
                f"Share of {CONFIDENCE_RUNS:,} simulated sprints in which the working days that are left finish all "
                "remaining tickets, each day drawn from the days of the last closed sprints."
            ),
            counted=(
                "Tickets that remain in the running sprint, and those completed in the closed sprints before it, whose "
                "days the draws are taken from."
            ),
            inputs=(Input.TICKET,),
            remarks=(Remark.NO_STREAM,),
        ),
        "cycle_time_p50": _cycle_time(50),
        "cycle_time_p85": _cycle_time(85),
        "cycle_time_p95": _cycle_time(95),
        "cycle_time_scatter": Explanation(
            definition="Every finished ticket with the working days that it took and the moment at which it was done.",
            formula="Number of finished tickets that have a cycle time; each is a point of its own.",
            counted="Tickets that were completed in the window and had been in a status of work.",
            inputs=(Input.TICKET,),
            remarks=(Remark.NEVER_WORKED_ON, *_NOT_FINISHED),
        ),
        "flow_efficiency": Explanation(
            definition="How much of the time between beginning and end somebody worked on a ticket.",
            formula=(
                "Of each ticket, time in statuses of work over its cycle time, in percent; of these shares the mean, "
                "so that every ticket counts alike."
            ),
            counted="Tickets that were completed in the window with a cycle time above 0.",
            inputs=(Input.TICKET,),
            remarks=(Remark.NEVER_WORKED_ON, Remark.NO_WORKING_TIME, *_NOT_FINISHED),
        ),
        "defect_escape_rate": Explanation(
            definition="How many of 100 defects were found only in acceptance or in production.",
            formula="Defects found in acceptance or production over all defects, in percent.",
            counted="Defects that anything was told of in the window, each by what was told last, cancelled ones too.",
            inputs=(Input.DEFECT,),
            remarks=(Remark.UNKNOWN_FOUND_STAGE, Remark.UNKNOWN_ORIGIN, Remark.NO_STREAM),
        ),
        "review_turnaround_p50": _review_turnaround(50),
        "review_turnaround_p85": _review_turnaround(85),
        "reviewer_concentration": Explanation(
            definition="The share of all reviews that the one person gave who reviewed most.",
            formula="Reviews of that person over all reviews submitted in the window, in percent.",
            counted=(
                "Reviews by people other than the author; in small teams nothing but their number is told, and never "
                "who reviewed what."
            ),
            inputs=(Input.PULL_REQUEST,),
            remarks=(),
        ),
        "deployment_frequency": Explanation(
            definition="How often in a week something new reached users and stayed.",
            formula="Successful deployments to production of the window, times 7, over the days of the window.",
            counted="Deployments to production that succeeded in the window and were not taken back.",
            inputs=(Input.DEPLOYMENT,),
            remarks=(
                *(Remark.FAILED, Remark.ROLLED_BACK, Remark.CONFIGURATION_ONLY, Remark.OTHER_ENVIRONMENT),
                Remark.NO_STREAM,
            ),
        ),
        "change_failure_rate": Explanation(
            definition="How many of 100 deployments had to be taken back or caused an incident.",
            formula=(
                "Deployments that were taken back, or that an incident is blamed on, over all deployments, in percent; "
                "one counts once however many incidents it caused."
            ),
            counted="Deployments to production of the window; those that failed are in the total alone.",
            inputs=(Input.DEPLOYMENT,),
            remarks=(Remark.CONFIGURATION_ONLY, Remark.OTHER_ENVIRONMENT, Remark.NO_STREAM),
        ),
        "ttr_median": _restore("typically", f"of all incidents the median, {_LINEAR}"),
        "ttr_mean": _restore("on average", "of all incidents the mean"),
        "lead_time_p50": _lead_time(50),
        "lead_time_p85": _lead_time(85),
        "monte_carlo_forecast": Explanation(
            definition="How much work is left, and by which dates it will be done with which probability.",
            formula=(
                f"The value is the number of unfinished tickets; the dates come from {FORECAST_RUNS:,} simulated "
                "futures, each week of which is drawn from the last complete weeks, empty ones included."
            ),
            counted=(
                "Tickets of a delivery stream that are neither done nor cancelled, the backlog included, and those "
                "completed in the weeks that the draws are taken from."
            ),
            inputs=(Input.TICKET,),
            remarks=(Remark.NO_STREAM,),
        ),
        "team_pulse": Explanation(
            definition="How the team rates its pace, its tools and the clarity of its work, from 1 to 5.",
            formula="Mean of the averages of the three questions in the latest survey that has closed.",
            counted="Answers to that survey, one a person; never what one person answered.",
            inputs=(Input.SURVEY,),
            remarks=(Remark.EARLIER_SURVEY, Remark.SURVEY_OPEN, Remark.TOO_FEW_ANSWERS),
        ),
        "cross_stream_bottleneck": Explanation(
            definition="How badly the worst shared technology holds deliveries up, from 0 (none) to 4 (critical).",
            formula=(
                "Of each technology stream the severity that the configured table gives for the delivery streams that "
                f"it blocks, its blocks of {BLOCK_DAYS} days, and their sprint confidence; of all the highest."
            ),
            counted=f"Tickets that were flagged as blocked in the last {BLOCK_DAYS} days, each time by itself.",
            inputs=(Input.TICKET,),
            remarks=(Remark.BLOCKER_NOT_TOLD,),
        ),
    }
)
"""By the names of the metrics."""
