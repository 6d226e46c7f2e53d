"""Data-quality rates and the confidence that they leave."""

import pytest

from dpp.domain.errors import InvalidInput
from dpp.domain.quality import TARGETS_PCT, Confidence, ConfidenceLevel, QualityRate, Reason, confidence, measure_rate

LINKAGE, TAGGING, PULSE = (
    QualityRate.PR_TICKET_LINKAGE,
    QualityRate.TICKET_STREAM_TAGGING,
    QualityRate.PULSE_RESPONSE,
)


def test_the_targets_are_those_of_the_specification() -> None:
    """The five rates have the targets of §5.6."""
    assert {
        "pr_ticket_linkage_rate": 90,
        "ticket_stream_tagging_rate": 95,
        "defect_origin_attribution_rate": 70,
        "pulse_response_rate": 60,
        "deployment_traceability_rate": 80,
    } == TARGETS_PCT


def test_a_rate_is_a_share_in_percent() -> None:
    """Eighteen of twenty are 90 percent, which is not below the target of 90; seventeen are."""
    rate = measure_rate(LINKAGE, complete=18, total=20)
    assert (90.0, 20, False) == (rate.value, rate.sample_size, rate.below_target)
    assert measure_rate(LINKAGE, complete=17, total=20).below_target


def test_nothing_to_look_at_is_no_fault() -> None:
    """A rate over nothing is null and lies below no target."""
    rate = measure_rate(TAGGING, complete=0, total=0)
    assert (None, False) == (rate.value, rate.below_target)


@pytest.mark.parametrize(("complete", "total"), [(-1, 3), (0, -1), (4, 3)])
def test_impossible_counts_are_refused(complete: int, total: int) -> None:
    """Counts are not negative, and no more are complete than there are."""
    with pytest.raises(InvalidInput):
        measure_rate(LINKAGE, complete=complete, total=total)


def test_answers_may_outnumber_the_team() -> None:
    """A team that has grown since its size was set answers with more than 100 percent."""
    assert 125.0 == measure_rate(PULSE, complete=5, total=4).value


def test_only_the_rates_that_matter_reduce_confidence() -> None:
    """A figure is trusted less for each rate that affects it and misses its target, which is named."""
    measured = {
        rate: measure_rate(rate, complete=complete, total=100)
        for rate, complete in ((LINKAGE, 72), (TAGGING, 95), (PULSE, 1))
    }
    low = confidence((TAGGING, LINKAGE), measured=measured)
    assert Confidence((Reason(rate=LINKAGE, value=72.0, target=90.0),)) == low
    assert ConfidenceLevel.REDUCED is low.level
    assert ConfidenceLevel.FULL is confidence((TAGGING,), measured=measured).level
    assert Confidence() == confidence((QualityRate.DEPLOYMENT_TRACEABILITY,), measured=measured)
