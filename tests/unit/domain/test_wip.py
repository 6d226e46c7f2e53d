"""Work in progress by stage."""

import pytest

from dpp.domain.calendar import to_micros
from dpp.domain.errors import InvalidInput
from dpp.domain.events import WorkItemEventType
from dpp.domain.stages import Stage
from dpp.domain.wip import REPORTED_STAGES, StageCount, wip_as_of, wip_by_stage
from tests.unit.domain.test_cycles import at, folded, happened


def test_counts_add_up_by_stage() -> None:
    """Backlog and unmapped tickets are told apart and are no part of the total; finished ones are nowhere."""
    wip = wip_by_stage(
        [
            ("backlog", False, 7),
            ("qa", True, 1),
            ("qa", False, 2),
            ("qa", False, 3),
            ("dev", True, 4),
            ("done", False, 50),
            ("cancelled", False, 6),
            ("deleted", False, 1),
            ("unmapped", False, 2),
        ]
    )
    assert StageCount(active=1, queue=5) == wip.stages[Stage.QA]
    assert 6 == wip.stages[Stage.QA].total
    assert (10, 2, 19) == (wip.total, wip.unmapped, wip.unfinished)


def test_nothing_is_counted_as_zeros() -> None:
    """Every reported stage is there with a true 0, in the order of the flow."""
    wip = wip_by_stage([])
    assert ["backlog", "ba", "dev", "code_review", "qa", "uat"] == list(wip.stages) == list(REPORTED_STAGES)
    assert {StageCount()} == set(wip.stages.values())
    assert 0 == wip.unfinished


def test_a_negative_count_is_refused() -> None:
    """There are no fewer than 0 tickets anywhere."""
    with pytest.raises(InvalidInput):
        wip_by_stage([("qa", True, -1)])


def test_the_past_is_counted_as_it_was() -> None:
    """A ticket counts where it stood: from the instant that it came there, until the one at which it left."""
    stays = folded(
        happened("02 00:00", "Backlog", event_type=WorkItemEventType.CREATED),
        happened("03 00:00", "Ready for QA"),
        happened("04 00:00", "Closed"),
        happened("05 00:00", "In Progress"),
        happened("03 00:00", "In Progress", issue_id="2", ticket_id="PAY-2"),
    ).stays

    def counted(when: str) -> tuple[int, StageCount, StageCount]:
        wip = wip_as_of(stays, moment=to_micros(at(when)))
        return wip.total, wip.stages[Stage.QA], wip.stages[Stage.DEV]

    assert (0, StageCount(), StageCount()) == counted("02 23:59")
    assert (2, StageCount(queue=1), StageCount(active=1)) == counted("03 00:00")
    assert (1, StageCount(), StageCount(active=1)) == counted("04 00:00")
    assert (2, StageCount(), StageCount(active=2)) == counted("05 00:00")
