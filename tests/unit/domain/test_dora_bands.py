"""Performance bands."""

import pytest

from dpp.domain.dora_bands import Band, band_of


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("deployment_frequency", 7.1, Band.ELITE),
        ("deployment_frequency", 7.0, Band.HIGH),
        ("deployment_frequency", 1.0, Band.HIGH),
        ("deployment_frequency", 0.99, Band.MEDIUM),
        ("deployment_frequency", 0.23, Band.MEDIUM),
        ("deployment_frequency", 0.0, Band.LOW),
        ("lead_time_p50", 23.9, Band.ELITE),
        ("lead_time_p50", 24.0, Band.HIGH),
        ("lead_time_p50", 168.0, Band.HIGH),
        ("lead_time_p50", 730.0, Band.MEDIUM),
        ("lead_time_p50", 731.0, Band.LOW),
        ("change_failure_rate", 5.0, Band.ELITE),
        ("change_failure_rate", 10.0, Band.HIGH),
        ("change_failure_rate", 15.0, Band.MEDIUM),
        ("change_failure_rate", 15.1, Band.LOW),
        ("ttr_median", 59.9, Band.ELITE),
        ("ttr_median", 60.0, Band.HIGH),
        ("failed_deployment_recovery_time", 1440.0, Band.MEDIUM),
        ("failed_deployment_recovery_time", 10080.5, Band.LOW),
    ],
)
def test_a_value_falls_into_the_first_band_that_holds_it(metric: str, value: float, expected: Band) -> None:
    """More deployments are better, and shorter times and lower rates."""
    assert expected is band_of(metric, value)


def test_no_value_and_no_published_band_have_none() -> None:
    """A figure without a sample has no band, nor has one that the survey does not know."""
    assert None is band_of("ttr_median", None)
    assert None is band_of("deployment_rework_rate", 3.0)
