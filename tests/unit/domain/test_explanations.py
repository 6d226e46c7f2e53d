"""The words in which every metric is explained."""

import re

from dpp.domain.catalogue import METRICS
from dpp.domain.companions import COMPANIONS
from dpp.domain.explanations import EXPLANATIONS, REMARKS, Input, Remark

#: Those of the metrics and of the figures beside them.
EVERY = {**EXPLANATIONS, **{name: one.explanation for name, one in COMPANIONS.items()}}


def test_every_metric_is_explained_and_nothing_else_is() -> None:
    """The catalogue and the explanations have the same names, each metric carrying its own."""
    assert list(METRICS) == list(EXPLANATIONS)
    assert all(metric.explanation is EXPLANATIONS[name] for name, metric in METRICS.items())


def test_explanations_are_sentences_in_words() -> None:
    """Definition, formula and what counts are whole sentences without names from the code, and the first two differ."""
    for name, explained in EVERY.items():
        for text in (explained.definition, explained.formula, explained.counted):
            assert re.fullmatch(r"[A-Z].{20,}\.", text), (name, text)
            assert "_" not in text, (name, text)
        assert explained.definition != explained.formula
        assert explained.inputs


def test_percentiles_say_which_one_they_are() -> None:
    """Metrics of one distribution do not share a definition."""
    for name, metric in METRICS.items():
        if name.endswith(f"_p{metric.percentile}"):
            assert f"{metric.percentile} of 100" in metric.explanation.definition
            assert f"{metric.percentile}th percentile" in metric.explanation.formula


def test_no_figure_has_the_name_of_a_metric() -> None:
    """A name leads to one explanation."""
    assert not set(COMPANIONS) & set(METRICS)
    assert all(name == one.name for name, one in COMPANIONS.items())


def test_every_remark_has_its_words_and_a_figure_that_uses_it() -> None:
    """Nothing is left out for a reason that nobody explains."""
    assert set(Remark) == set(REMARKS)
    assert set(Remark) == {remark for explained in EVERY.values() for remark in explained.remarks}
    assert all(text.endswith(".") for text in REMARKS.values())
    assert set(Input) == {kind for explained in EXPLANATIONS.values() for kind in explained.inputs}
