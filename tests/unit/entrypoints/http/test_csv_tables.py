"""Tables are found in the shapes of answers, and written so that a spreadsheet and a script both read them."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from dpp.domain.quality import ConfidenceLevel, QualityRate
from dpp.entrypoints.http import shapes
from dpp.entrypoints.http.csv_tables import UnknownTable, tables_of, write

TRUST = shapes.Confidence(level=ConfidenceLevel.FULL, reasons=[])
DOUBT = shapes.Confidence(
    level=ConfidenceLevel.REDUCED,
    reasons=[shapes.Reason(rate=QualityRate.TICKET_STREAM_TAGGING, value=71.5, target=95.0)],
)


class Spot(Struct, frozen=True, kw_only=True):
    day: date
    value: float | None
    sample_size: int


class Trend(shapes.Figure, frozen=True, kw_only=True):
    series: list[Spot]


class Split(shapes.Figure, frozen=True, kw_only=True):
    parts: dict[str, Annotated[float, Meta(extra={"unit": "hours"})]]
    counts: dict[str, int]
    last: datetime | None = None
    samples: list[int] = field(default_factory=list)


class Data(Struct, frozen=True, kw_only=True):
    speed: Trend
    quality: Trend
    split: Split | None
    note: str
    seen: int


class Item(Struct, frozen=True, kw_only=True):
    key: UUID
    title: str
    done: bool
    tags: list[str]
    inner: shapes.Confidence


DATA = Data(
    speed=Trend(
        value=1.5,
        unit="per_day",
        sample_size=3,
        confidence=TRUST,
        bounds=shapes.Bounds(low=1.0, high=2.5, missing=2),
        series=[Spot(day=date(2026, 3, 1), value=2.0, sample_size=2)],
    ),
    quality=Trend(
        value=None,
        unit="percent",
        sample_size=0,
        confidence=DOUBT,
        series=[Spot(day=date(2026, 3, 1), value=None, sample_size=0)],
    ),
    split=Split(
        value=9.0,
        unit="hours",
        sample_size=1,
        confidence=TRUST,
        parts={"coding": 8.5, "review": 0.5},
        counts={"coding": 1},
        last=datetime(2026, 3, 1, 9, tzinfo=UTC),
        samples=[1, 2],
    ),
    note="plain",
    seen=4,
)


def read(table: str | None, data: object = DATA, kind: Any = Data, name: str = "rows") -> list[list[str]]:
    """Return what a reader of CSV makes of a table."""
    text = write(tables_of(kind, name=name).table(table), data).decode()
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_figures_are_a_table_of_a_row_each() -> None:
    """Value, unit, sample and confidence, then what single figures have beside them; it is the table without a name."""
    head = ["metric", "value", "unit", "sample_size", "confidence_level", "confidence_reasons"]
    head += ["bounds_low", "bounds_high", "bounds_missing", "last", "samples"]
    reasons = '[{"rate":"ticket_stream_tagging_rate","value":71.5,"target":95.0}]'
    assert [
        head,
        ["speed", "1.5", "per_day", "3", "full", "", "1.0", "2.5", "2", "", ""],
        ["quality", "", "percent", "0", "reduced", reasons, "", "", "", "", ""],
        ["split", "9.0", "hours", "1", "full", "", "", "", "", "2026-03-01T09:00:00Z", "1; 2"],
    ] == read("figures")
    assert read("figures") == read(None)


def test_a_series_has_the_unit_of_its_figure() -> None:
    """Rows of values say what they are counted in, by the figure's full name or, of its only table, by the figure."""
    expected = [["day", "value", "sample_size", "unit"], ["2026-03-01", "2.0", "2", "per_day"]]
    assert expected == read("speed.series")
    assert expected == read("speed")


def test_tables_of_one_kind_stand_below_each_other() -> None:
    """All series in one table, each row with its metric."""
    assert [
        ["metric", "day", "value", "sample_size", "unit"],
        ["speed", "2026-03-01", "2.0", "2", "per_day"],
        ["quality", "2026-03-01", "", "0", "percent"],
    ] == read("series")


def test_a_mapping_has_a_row_for_each_name() -> None:
    """The unit that the shape states heads the values."""
    assert [["name", "hours"], ["coding", "8.5"], ["review", "0.5"]] == read("parts")
    assert [["name", "value"], ["coding", "1"]] == read("split.counts")


def test_single_values_are_a_summary() -> None:
    """What belongs to no figure is listed by name."""
    assert [["name", "value"], ["note", "plain"], ["seen", "4"]] == read("summary")


def test_an_absent_part_has_no_rows() -> None:
    """The header stays, so that a script reads the same columns."""
    without = Data(speed=DATA.speed, quality=DATA.quality, split=None, note="", seen=0)
    assert [["name", "hours"]] == read("parts", without)


def test_a_list_is_one_table() -> None:
    """Lists of single values are a cell, inner structures are columns, and an empty list has its header."""
    item = Item(key=UUID(int=1), title='He said "no", twice', done=True, tags=["a", "b"], inner=TRUST)
    head = ["key", "title", "done", "tags", "inner_level", "inner_reasons"]
    assert [head, [str(UUID(int=1)), 'He said "no", twice', "true", "a; b", "full", ""]] == read(
        None, [item], list[Item]
    )
    assert [head] == read("rows", [], list[Item])


def test_a_mapping_of_figures_is_one_table() -> None:
    """As the rates of the quality of data are."""
    assert ["metric", "value", "unit", "sample_size"] == read(None, {}, dict[str, shapes.Rate], "data_quality")[0][:4]


class Line(Struct, frozen=True, kw_only=True):
    day: date
    total: int
    stages: dict[str, shapes.StageCount]
    spots: list[Spot]


class Flow(shapes.Figure, frozen=True, kw_only=True):
    days: list[Line]


class Whole(Struct, frozen=True, kw_only=True):
    flow: Flow


LINES = [
    Line(
        day=date(2026, 3, number),
        total=number,
        stages={"dev": shapes.StageCount(active=number, queue=0)},
        spots=[Spot(day=date(2026, 1, 1), value=0.5, sample_size=1)],
    )
    for number in (1, 2)
]


def test_a_table_inside_rows_is_a_table_of_its_own() -> None:
    """Its rows say first which row they belong to; the rows themselves keep to single values."""
    whole = Whole(flow=Flow(value=1, unit="count", sample_size=1, confidence=TRUST, days=LINES))
    assert [["day", "total"], ["2026-03-01", "1"], ["2026-03-02", "2"]] == read("flow", whole, Whole)
    stages = [["day", "name", "active", "queue"], ["2026-03-01", "dev", "1", "0"], ["2026-03-02", "dev", "2", "0"]]
    assert stages == read("flow.days.stages", whole, Whole)
    assert stages == read("lines.stages", LINES, list[Line], "lines")
    spots = [["day", "day_2", "value", "sample_size"], *[[f"2026-03-0{n}", "2026-01-01", "0.5", "1"] for n in (1, 2)]]
    assert spots == read("spots", whole, Whole)


def test_lines_end_as_the_standard_says() -> None:
    """CR LF, also the last one."""
    assert write(tables_of(Data, name="x").table("parts"), DATA) == b"name,hours\r\ncoding,8.5\r\nreview,0.5\r\n"


def test_an_unknown_table_is_refused_with_those_there_are() -> None:
    """Without a name the first is given."""
    tables = tables_of(Data, name="x")
    with pytest.raises(UnknownTable, match=r"'speeed'.* figures, summary, series, speed\.series"):
        tables.table("speeed")
    with pytest.raises(UnknownTable, match=r"''"):
        tables.table("")
    plain = tables_of(type("Plain", (Struct,), {"__annotations__": {"a": list[Item], "b": list[Item]}}), name="x")
    assert "a" == plain.table(None).name


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), max_size=5))
def test_no_text_is_a_formula_and_none_is_lost(texts: list[str]) -> None:
    """Whatever a title says, no cell begins a formula, and the text is read back behind its guard."""
    rows = read(None, texts, list[str])[1:]
    guarded = [f"'{text}" if text[:1] in tuple("=+-@\t\r\n") and text else text for text in texts]
    assert guarded == [row[0] if row else "" for row in rows]
    assert not any(row and row[0].startswith(tuple("=+-@\t\r\n")) for row in rows)


def test_numbers_below_zero_stay_numbers() -> None:
    """Only texts are guarded."""
    assert [["value"], ["-3.5"]] == read(None, [-3.5], list[float])
