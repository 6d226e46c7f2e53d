"""The guide for team leads says of every figure what the catalogue and the pages say, and shows what is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from dpp.domain.catalogue import METRICS
from dpp.domain.companions import COMPANIONS, Companion
from dpp.domain.metric import Metric
from dpp.entrypoints.http.dashboard.beyond import HEATMAP
from dpp.entrypoints.http.dashboard.looking import RESCUE_PCT
from dpp.entrypoints.http.dashboard.wall_page import ROWS
from dpp.entrypoints.http.dashboard.zones import CHOICES

GUIDE = Path(__file__).parents[3] / "docs" / "guide"
PAGE = (GUIDE / "team-leads.md").read_text(encoding="utf-8")
FIGURES: Mapping[str, Metric | Companion] = {**METRICS, **COMPANIONS, "heatmap": HEATMAP}
ROW = re.compile(r"^\| `(\w+)` ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
PARTS = ("**How to read it.**", "**In practice.**", "**What not to conclude.**")
IMAGE_BYTES = 200_000


def sections() -> dict[str, str]:
    """Return the sections of cards by their heading: those that name a figure."""
    found = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
    return {title: text for title, text in found.items() if ROW.search(text)}


def test_every_figure_has_its_section_once() -> None:
    """Every metric of the catalogue and every card beyond it stands in the guide, once, and nothing else does."""
    assert sorted(FIGURES) == sorted(row[0] for row in ROW.findall(PAGE))


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_names_questions_and_actions_are_those_of_the_pages(name: str) -> None:
    """Title, question and action of a figure are, word for word, those that its card shows."""
    (row,) = [row for row in ROW.findall(PAGE) if row[0] == name]
    figure = FIGURES[name]
    assert (name, figure.title, figure.question, figure.action) == row


@pytest.mark.parametrize("title", sorted(sections()))
def test_each_section_says_how_to_read_what_to_do_and_what_not_to_conclude(title: str) -> None:
    """A card's section has its three parts, in this order, each with at least a sentence."""
    text = sections()[title]
    places = [text.index(part) for part in PARTS]
    assert places == sorted(places)
    for part, following in zip(PARTS, (*PARTS[1:], None), strict=True):
        said = text.partition(part)[2].partition(following or "\n\n")[0].strip()
        assert len(said) > 40


def test_zones_are_called_as_on_the_page() -> None:
    """The zones of the dashboard are the headings of the guide, in their order."""
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    zones = [zone.title for zone in CHOICES]
    assert zones == [heading for heading in headings if heading in zones]


def test_numbers_that_the_guide_states_are_those_of_the_code() -> None:
    """The chance at which a sprint counts as rescued, and the streams on one wall screen, are as said."""
    assert f"{RESCUE_PCT:.0f} % and more reads as likely" in PAGE
    assert {10: "ten"}[ROWS] in PAGE.partition("## The wall screen")[2].partition("## On paper")[0]


def test_pictures_are_there_and_small() -> None:
    """Each picture of the guide and of the README exists, has words for who does not see it, and is small."""
    texts = PAGE + (GUIDE.parents[1] / "README.md").read_text(encoding="utf-8").replace("(docs/images", "(../images")
    pictures = re.findall(r"!\[([^\]]*)\]\(\.\./images/([\w.-]+)\)", texts)
    assert len(pictures) >= 5
    for words, name in pictures:
        assert len(words) > 20
        assert (GUIDE.parent / "images" / name).stat().st_size < IMAGE_BYTES
