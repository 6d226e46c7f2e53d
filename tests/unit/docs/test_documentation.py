"""What the documentation says of the code is so."""

import re
from pathlib import Path

import pytest

from dpp.entrypoints.bootstrap.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
NAMED = re.compile(r"`((?:src|tests|docs|benchmarks)/[\w./-]+)`")
LINKED = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_places_exist(page: Path) -> None:
    """Every file and folder that a page names, or links to, exists."""
    text = page.read_text(encoding="utf-8")
    named = [ROOT / place for place in NAMED.findall(text)]
    linked = [page.parent / place for place in LINKED.findall(text)]
    assert [] == [str(place) for place in (*named, *linked) if not place.exists()]


def test_settings_are_documented() -> None:
    """Each variable has its row, with the purpose that the code states."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [] == [row.variable for row in SETTINGS if f"| `{row.variable}` | {row.purpose} |" not in text]


def test_decisions_are_listed() -> None:
    """The index of decisions lists each page once."""
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    pages = sorted(page.name for page in folder.glob("0*.md"))
    assert pages == sorted(re.findall(r"\((0[\w-]+\.md)\)", index))


def test_every_section_is_traced() -> None:
    """Sections 2 to 8 of the specification appear in the traceability table, and none is traced to a test alone."""
    rows = [line.split("|")[1:5] for line in (ROOT / "docs/traceability.md").read_text().splitlines() if "|" in line]
    sections = " ".join(row[0] for row in rows)
    for wanted in ("2.1", "3.2.1", "4.3.2", "5.3.4", "6.2.1", "6.7", "7.3.3", "8.6"):
        assert wanted in sections
    assert all((row[2].strip() == "–") == (row[3].strip() == "–") for row in rows[2:])
