"""The truth about tickets, against figures worked out by hand."""

from __future__ import annotations

from datetime import datetime

import pytest

from dpp.adapters.simulation.truth import Point, TrueFigures, true_figures
from tests.unit.adapters.simulation.handmade import PlanByHand, january


def figures(
    hand: PlanByHand, as_of: datetime, *, days: int = 30, stream: str | None = None, tech: str | None = None
) -> TrueFigures:
    """The true figures of a plan made by hand."""
    return true_figures(hand.made(), as_of=as_of, window_days=days, delivery_stream=stream, tech_stream=tech)


def test_cycle_of_one_ticket() -> None:
    """Cycle time runs from the first active status to done; queues are waiting, and the labels add up to it."""
    hand = PlanByHand()
    hand.ticket(
        "PAY-1", january(5, 9),
        (january(5, 12), {"step": "dev_queue"}),
        (january(6, 0), {"step": "dev"}),        # Tuesday 00:00: the clock starts
        (january(7, 12), {"step": "qa_queue"}),  # 1.5 days of development
        (january(9, 12), {"step": "qa"}),        # 2 days of waiting
        (january(12, 12), {"step": "done", "resolution": "Done"}),  # Friday noon to Monday noon: 1 day
    )  # fmt: skip
    found = figures(hand, january(13, 0))
    assert 4.5 == pytest.approx(found.cycle_time_p50)
    assert {"dev": 1.5, "qa": 1.0, "qa_queue": 2.0} == pytest.approx(found.stage_durations)
    assert 2.5 / 4.5 * 100 == pytest.approx(found.flow_efficiency)
    assert (Point(ticket_id="PAY-1", completed_at=january(12, 12), cycle_time_days=4.5),) == found.scatter


def test_percentiles_interpolate() -> None:
    """Of 1, 2 and 4 days the median is 2, p85 is 3.4 and p95 is 3.8; flow is the mean of ratios."""
    hand = PlanByHand()
    for number, done in enumerate((7, 8, 10 + 2), start=1):
        hand.ticket(
            f"PAY-{number}", january(5, 9), (january(6, 0), {"step": "dev"}), (january(done, 0), {"step": "done"})
        )
    found = figures(hand, january(20, 0))
    assert (2.0, 3.4, 3.8) == pytest.approx((found.cycle_time_p50, found.cycle_time_p85, found.cycle_time_p95))
    assert 3 == found.cycle_time_sample
    assert 100.0 == found.flow_efficiency


def test_reopened_item_counts_again_when_done_again() -> None:
    """A ticket that was re-opened is work in progress, and its cycle later spans the time in which it was done."""
    hand = PlanByHand()
    hand.ticket(
        "PAY-1", january(5, 9),
        (january(6, 0), {"step": "dev"}),
        (january(7, 0), {"step": "done", "resolution": "Done"}),
        (january(8, 0), {"step": "dev", "resolution": None}),
        (january(9, 0), {"step": "done", "resolution": "Done"}),
    )  # fmt: skip
    between = figures(hand, january(8, 12))
    assert (1, 0, None) == (between.wip_total, between.cycle_time_sample, between.cycle_time_p50)
    after = figures(hand, january(9, 12))
    assert (0, 3.0) == (after.wip_total, after.cycle_time_p50)
    assert {"dev": 2.0, "done": 1.0} == after.stage_durations


def test_resolution_before_the_status() -> None:
    """A resolution completes a ticket although its status follows later, and it is no longer in progress."""
    hand = PlanByHand()
    hand.ticket(
        "PAY-1", january(5, 9),
        (january(6, 0), {"step": "dev"}),
        (january(7, 0), {"resolution": "Done"}),
        (january(8, 0), {"step": "done"}),
    )  # fmt: skip
    assert (0, january(7, 0)) == (
        figures(hand, january(7, 12)).wip_total,
        figures(hand, january(9, 0)).scatter[0].completed_at,
    )


@pytest.mark.parametrize("step", ["done", "cancelled"])
def test_cancelled_is_not_completed(step: str) -> None:
    """Won't Do completes nothing, by whichever status it is said, and the ticket is not in progress either."""
    hand = PlanByHand()
    hand.ticket(
        "PAY-1",
        january(5, 9),
        (january(6, 0), {"step": "dev"}),
        (january(7, 0), {"step": step, "resolution": "Won't Do"}),
    )
    found = figures(hand, january(8, 0))
    assert (0, 0, {}) == (found.wip_total, found.cycle_time_sample, found.stage_durations)


def test_never_active_is_counted_apart() -> None:
    """A ticket that went straight to done has no cycle time; a job done on a Saturday has 0 and no efficiency."""
    hand = PlanByHand()
    hand.ticket("PAY-1", january(5, 9), (january(6, 0), {"step": "done"}))
    hand.ticket("PAY-2", january(5, 9), (january(10, 9), {"step": "dev"}), (january(10, 12), {"step": "done"}))
    found = figures(hand, january(12, 0))
    assert (1, 1, 0.0) == (found.unstarted, found.cycle_time_sample, found.cycle_time_p50)
    assert (0, None) == (found.flow_sample, found.flow_efficiency)


def test_work_in_progress_by_stage() -> None:
    """Each ticket counts where it is now; backlog, done, cancelled, deleted and unmapped are not in progress."""
    hand = PlanByHand()
    for number, step in enumerate(("todo", "dev_queue", "dev", "qa_queue", "done", "cancelled", "parked", "uat")):
        hand.ticket(f"PAY-{number}", january(5, 9), (january(6, 0), {"step": step}))
    hand.ticket("PAY-9", january(5, 9), (january(6, 0), {"step": "dev"}), deleted=january(7, 0))
    found = figures(hand, january(8, 0))
    assert {"active": 0, "queue": 1} == found.wip["backlog"]
    assert {"active": 1, "queue": 1} == found.wip["dev"]
    assert {"active": 0, "queue": 1} == found.wip["qa"]
    assert {"active": 1, "queue": 0} == found.wip["uat"]
    assert (4, 1) == (found.wip_total, found.unmapped)
    assert 5 == figures(hand, january(6, 12)).wip_total


def test_back_in_the_backlog_and_unmapped_are_waiting() -> None:
    """Time back in the backlog or in an unmapped status belongs to the cycle under labels of its own."""
    hand = PlanByHand()
    hand.ticket(
        "PAY-1", january(5, 9), (january(6, 0), {"step": "dev"}), (january(7, 0), {"step": "todo"}),
        (january(8, 0), {"step": "dev"}), (january(9, 0), {"step": "parked"}), (january(12, 0), {"step": "done"}),
    )  # fmt: skip
    found = figures(hand, january(13, 0))
    assert {"backlog": 1.0, "dev": 2.0, "unmapped": 1.0} == found.stage_durations
    assert 50.0 == found.flow_efficiency


def test_window_is_half_open() -> None:
    """A completion at the window's start is inside, one at its end is not."""
    hand = PlanByHand()
    for number, day in enumerate((7, 12), start=1):
        hand.ticket(
            f"PAY-{number}", january(5, 9), (january(6, 0), {"step": "dev"}), (january(day, 0), {"step": "done"})
        )
    assert 1 == figures(hand, january(12, 0), days=5).flow_sample


def test_delivery_stream_by_each_method() -> None:
    """Project, field (in any spelling), label and component each name the stream; a ticket without any has none."""
    hand = PlanByHand()
    active = (january(6, 0), {"step": "dev"})
    hand.ticket("PAY-1", january(5, 9), active)
    hand.ticket("ONB-1", january(5, 9), active, stream_field="PAYMENTS ")
    hand.ticket("PLT-1", january(5, 9), active, labels=("x", "payments"))
    hand.ticket("PLT-2", january(5, 9), active, components=("Payments",))
    hand.ticket("PLT-3", january(5, 9), active)
    as_of = january(7, 0)
    assert 4 == figures(hand, as_of, stream="payments").wip_total
    assert (0, 5) == (figures(hand, as_of, stream="onboarding").wip_total, figures(hand, as_of).wip_total)


def test_moved_item_is_one_item() -> None:
    """A moved ticket keeps its history, counts for its new stream and is shown under its new key."""
    hand = PlanByHand()
    hand.ticket(
        "PAY-1", january(5, 9), (january(6, 0), {"step": "dev"}), (january(7, 0), {"key": "ONB-5", "project": "ONB"}),
        (january(8, 0), {"step": "done"}),
    )  # fmt: skip
    assert 0 == figures(hand, january(9, 0), stream="payments").cycle_time_sample
    found = figures(hand, january(9, 0), stream="onboarding")
    assert ("ONB-5", 2.0) == (found.scatter[0].ticket_id, found.scatter[0].cycle_time_days)


def test_technology_streams_by_field_else_by_pull_request() -> None:
    """The field wins; without one a ticket counts for the streams of its pull requests once they are opened."""
    hand = PlanByHand()
    active = (january(6, 0), {"step": "dev"})
    hand.ticket("PAY-1", january(5, 9), active, tech_field=("Core API", "auth"))
    bare = hand.ticket("PAY-2", january(5, 9), active)
    hand.request("customer-web", bare, (january(6, 10), "opened", hand.someone))
    assert 1 == figures(hand, january(7, 0), tech="core-api").wip_total
    assert 1 == figures(hand, january(7, 0), tech="auth").wip_total
    assert (0, 1) == tuple(figures(hand, january(6, hour), tech="frontend").wip_total for hour in (9, 11))
