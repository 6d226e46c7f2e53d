"""The truth about reviews, deployments, incidents and defects, against figures worked out by hand."""

from __future__ import annotations

import pytest

from dpp.adapters.simulation.people import REVIEW_BOT
from dpp.adapters.simulation.truth import TrueFigures, true_figures
from tests.unit.adapters.simulation.handmade import Happening, PlanByHand, january


def figures(hand: PlanByHand, *, days: int = 7, stream: str | None = None, tech: str | None = None) -> TrueFigures:
    """The true figures at the end of Sunday the 11th."""
    as_of = january(12, 0)
    return true_figures(hand.made(), as_of=as_of, window_days=days, delivery_stream=stream, tech_stream=tech)


def test_first_review_is_by_another_person() -> None:
    """Bots and authors do not review; three hours pass until somebody else does."""
    hand = PlanByHand()
    hand.request(
        "accounts-api", None,
        (january(6, 10), "opened", hand.someone),
        (january(6, 10, 1), "review", REVIEW_BOT),
        (january(6, 11), "review", hand.someone),
        (january(6, 13), "review", hand.other),
        (january(6, 14), "review", hand.third),
        (january(6, 15), "merged", hand.other),
    )  # fmt: skip
    found = figures(hand)
    assert (3.0, 3.0, 1) == (found.review_turnaround_p50, found.review_turnaround_p85, found.review_sample)
    assert 1 == figures(hand, tech="core-api").review_sample
    assert 0 == figures(hand, tech="auth").review_sample
    assert 0 == figures(hand, stream="payments").review_sample


def test_open_pull_requests_do_not_count() -> None:
    """A pull request counts once it has ended; one that was reopened has not."""
    hand = PlanByHand()
    opened: Happening = (january(6, 10), "opened", hand.someone)
    reviewed: Happening = (january(6, 13), "review", hand.other)
    closed: Happening = (january(6, 14), "closed", hand.other)
    hand.request("accounts-api", None, opened, reviewed)
    hand.request("accounts-api", None, opened, reviewed, closed, (january(6, 15), "reopened", hand.other))
    assert 0 == figures(hand).review_sample


def test_frequency_and_lead_time() -> None:
    """Two successes in seven days are two a week; failures, configuration and staging do not count; leads are hours."""
    hand = PlanByHand()
    ticket = hand.ticket("PAY-1", january(5, 9))
    request = hand.request("accounts-api", ticket, (january(6, 10), "opened", hand.someone))
    hand.deployment("accounts-api", january(7, 10), request)
    hand.deployment("accounts-api", january(8, 10), request)
    hand.deployment("accounts-api", january(8, 9), request, "failure")
    hand.deployment("accounts-api", january(8, 8), request, "cancelled")
    hand.deployment("accounts-api", january(8, 11), request, environment="staging")
    hand.deployment("accounts-api", january(8, 12), None, config_only=True)
    found = figures(hand, stream="payments").deployments
    assert (2.0, 3, 0.0) == (found.per_week, found.total, found.change_failure_rate)
    assert (36.0, 24 + 0.85 * 24, 2) == pytest.approx(
        (found.lead_time_p50, found.lead_time_p85, found.lead_time_sample)
    )


def test_change_failure_rate() -> None:
    """A rolled-back deployment and one that an incident is blamed on are failures of four."""
    hand = PlanByHand()
    hand.deployment("accounts-api", january(7, 10), None)
    undone = hand.deployment("accounts-api", january(8, 10), None)
    hand.deployment("accounts-api", january(9, 10), None)
    hand.deployment("identity-service", january(9, 10), None)
    hand.rollback(undone, january(8, 10, 40), named=False)
    hand.incident("accounts-api", january(9, 10, 30), january(9, 11, 10))
    found = figures(hand)
    assert 50.0 == found.deployments.change_failure_rate
    assert 3 == found.deployments.successes
    assert 0.0 == figures(hand, tech="auth").deployments.change_failure_rate


def test_blame_goes_to_the_named_service_first() -> None:
    """The repository that the incident names is blamed before a later deployment of its stream, within the hour."""
    hand = PlanByHand()
    ticket = hand.ticket("PAY-1", january(5, 9))
    request = hand.request("accounts-api", ticket, (january(6, 10), "opened", hand.someone))
    hand.deployment("accounts-api", january(7, 10), request)
    hand.deployment("payments-service", january(7, 10, 20), None)
    hand.incident("ecs:accounts-api", january(7, 10, 50), january(7, 11))
    hand.incident("accounts-api", january(7, 11, 30), january(7, 12, 30))
    assert (1, 10.0) == (figures(hand, stream="payments").restore.sample, figures(hand, stream="payments").restore.mean)
    assert (35.0, 35.0, 2) == (
        figures(hand).restore.median, figures(hand).restore.mean, figures(hand, tech="core-api").restore.sample,
    )  # fmt: skip


def test_open_incident_has_no_time_to_restore() -> None:
    """An incident that is not over, or was over before the window, is in no figure."""
    hand = PlanByHand()
    hand.incident("accounts-api", january(7, 10), None)
    hand.incident("accounts-api", january(4, 10), january(4, 11))
    assert (None, None, 0) == (figures(hand).restore.median, figures(hand).restore.mean, figures(hand).restore.sample)


def test_defects_by_latest_attribution() -> None:
    """Two of four defects escaped; the parent's stage stands in for an empty field, and attribution is the latest."""
    hand = PlanByHand()
    parent = hand.ticket("PAY-1", january(5, 9), (january(6, 9), {"step": "uat"}))
    hand.ticket("PAY-2", january(7, 9), issue_type="Bug", parent=parent)
    hand.ticket("PAY-3", january(7, 9), issue_type="Bug", found_in="Production", introduced_in="DEV")
    hand.ticket("PAY-4", january(7, 9), issue_type="Bug")
    hand.ticket(
        "PAY-5", january(1, 9), (january(2, 9), {"introduced_in": "DEV"}), (january(8, 9), {"introduced_in": "BA"}),
        issue_type="Bug", found_in="QA",
    )  # fmt: skip
    hand.ticket("PAY-6", january(1, 9), issue_type="Bug", found_in="Production")
    found = figures(hand).defects
    assert (50.0, 4, 50.0) == (found.escape_rate, found.sample, found.unattributed_pct)
    assert {("dev", "production"): 1, ("ba", "qa"): 1} == found.matrix
