"""The tables of an answer as CSV (RFC 4180), found in the shape that it declares: a new endpoint needs no code."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import msgspec
from msgspec import inspect

from dpp.domain.errors import NotFound
from dpp.entrypoints.http.shape_rows import (
    CONFIDENCE,
    FIGURE,
    Path,
    Row,
    at,
    bare,
    is_figure,
    is_table,
    item_of,
    key_name,
    places_of,
    row_of,
    rows_of,
    structures_of,
)

FIGURES = "figures"
SUMMARY = "summary"

#: Spreadsheets take a text that begins so for a formula, or skip to what follows.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Read = Callable[[Any], Iterable[tuple[Row, Any]]]


class UnknownTable(NotFound):
    """The answer has no table of this name."""

    code = "table_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """
    Rows under a header; ``rows`` reads them from an answer's data in plain types.

    A table that stands inside the rows of another one has the first column of those rows in front.
    """

    name: str
    columns: tuple[str, ...]
    rows: Callable[[Any], Iterable[Row]]
    is_inside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """
    The tables of one kind of answer.

    ``names`` has the full names (``flow_efficiency.stage_durations``) and the short ones that mean a single table
    (``stage_durations``, or ``cycle_time_scatter`` for the one table of that figure).
    """

    names: Mapping[str, Table]
    default: Table | None

    def table(self, name: str | None) -> Table:
        """
        Return a table; without a name the first: the figures, where there are some.

        Raises:
            UnknownTable: there is none of this name.
        """
        found = self.default if name is None else self.names.get(name)
        if found is None:
            there_are = f"there are {', '.join(self.names)}" if self.names else "it has none"
            raise UnknownTable(f"table is {name!r}, which is no table of this answer; {there_are}")
        return found


def write(table: Table, data: object) -> bytes:
    """Return a table of an answer's data: UTF-8, a header, lines that end in CR LF, times in ISO 8601."""
    plain = msgspec.to_builtins(data, str_keys=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.rows(plain))
    return text.getvalue().encode()


@lru_cache(maxsize=256)
def tables_of(data: Any, *, name: str) -> Tables:
    """
    Find the tables in the type of an answer's data.

    Args:
        data: the type: a structure of figures, lists and mappings, or a single list or mapping.
        name: what the table of a single list or mapping is called.
    """
    info = bare(inspect.type_info(data))
    if not isinstance(info, inspect.StructType):
        columns, rows = rows_of(info)
        table = Table(name=name, columns=columns, rows=rows)
        inside = _inside(info, (name,), (), lambda plain: [((), plain)])
        return Tables(names={name: table} | {row.name: row for row in inside}, default=table)
    figures, summary, nested = _figures(info), _summary(info), list(_nested(info))
    whole = {table.name: table for table in (*figures, *summary)}
    named = whole | _long(nested) | {table.name: table for table in nested}
    every = named | {short: table for short, table in _short(nested).items() if short not in named}
    return Tables(names=every, default=next(iter(named.values()), None))


def _figures(root: inspect.StructType) -> list[Table]:
    """Every figure of the answer in a row: what all have first, then what single ones have beside it."""
    found = [(path, places_of(info, in_row=False)) for path, info in structures_of(root) if is_figure(info)]
    if not found:
        return []
    places = {place: None for _, flat in found for place in flat}
    first = [place for place in places if place[0] in (*FIGURE, CONFIDENCE)]
    ordered = (*first, *(place for place in places if place not in first))

    def rows(plain: Any) -> Iterator[Row]:
        for path, flat in found:
            figure = at(plain, path)
            yield (".".join(path), *(at(figure, place) if place in flat else None for place in ordered))

    return [Table(name=FIGURES, columns=("metric", *map("_".join, ordered)), rows=rows)]


def _summary(root: inspect.StructType) -> list[Table]:
    """The single values that belong to no figure."""
    inside = [path for path, info in structures_of(root) if is_figure(info)]
    places = [
        place for place in places_of(root, in_row=False) if not any(place[: len(figure)] == figure for figure in inside)
    ]
    if not places:
        return []

    def rows(plain: Any) -> Iterator[Row]:
        return ((".".join(place), at(plain, place)) for place in places)

    return [Table(name=SUMMARY, columns=("name", "value"), rows=rows)]


def _nested(info: inspect.StructType, path: Path = (), figure: Path | None = None) -> Iterator[Table]:
    """Yield the lists and mappings of a structure; values of a figure's rows have the figure's unit."""
    if is_figure(info):
        figure = path
    for field in info.fields:
        kind = bare(field.type)
        place = (*path, field.encode_name)
        if isinstance(kind, inspect.StructType):
            yield from _nested(kind, place, figure)
        elif is_table(kind) and CONFIDENCE not in place:
            yield _nested_table(kind, place, figure)
            yield from _inside(kind, place, (), partial(_only, place=place))


def _nested_table(kind: inspect.Type, place: Path, figure: Path | None) -> Table:
    columns, rows = rows_of(kind)
    has_unit = figure is not None and row_of(kind) is not None and "value" in columns and "unit" not in columns

    def placed(plain: Any) -> Iterable[Row]:
        found = rows(at(plain, place))
        if not has_unit:
            return found
        unit = at(plain, (*(figure or ()), "unit"))
        return ((*row, unit) for row in found)

    return Table(name=".".join(place), columns=(*columns, "unit") if has_unit else columns, rows=placed)


def _only(plain: Any, *, place: Path) -> list[tuple[Row, Any]]:
    return [((), at(plain, place))]


def _inside(kind: inspect.Type, place: Path, heads: tuple[str, ...], read: Read) -> Iterator[Table]:
    """Yield the tables inside the rows of a table; ``read`` gives that table's parts, and what leads to each."""
    item = item_of(kind)
    if item is None:
        return
    first = next(iter(places_of(item, in_row=True)), ())
    heads = (*heads, key_name(kind.value_type) if isinstance(kind, inspect.DictType) else "_".join(first))

    def elements(plain: Any) -> Iterator[tuple[Row, Any]]:
        for keys, part in read(plain):
            if isinstance(part, dict):
                yield from (((*keys, key), element) for key, element in part.items())
            else:
                yield from (((*keys, at(element, first)), element) for element in part or ())

    for field in item.fields:
        inner = bare(field.type)
        if is_table(inner) and field.encode_name != CONFIDENCE:
            parts = partial(_parts, elements=elements, name=field.encode_name)
            yield _inside_table(inner, (*place, field.encode_name), heads, parts)
            yield from _inside(inner, (*place, field.encode_name), heads, parts)


def _parts(plain: Any, *, elements: Read, name: str) -> Iterator[tuple[Row, Any]]:
    return ((keys, at(element, (name,))) for keys, element in elements(plain))


def _inside_table(kind: inspect.Type, place: Path, heads: tuple[str, ...], parts: Read) -> Table:
    columns, rows = rows_of(kind)

    def placed(plain: Any) -> Iterator[Row]:
        return ((*keys, *row) for keys, part in parts(plain) for row in rows(part))

    columns = (*heads, *(f"{column}_2" if column in heads else column for column in columns))
    return Table(name=".".join(place), columns=columns, rows=placed, is_inside=True)


def _long(tables: list[Table]) -> dict[str, Table]:
    """Put tables of one last name and the same columns, such as all series, below each other."""
    last = Counter(table.name.rpartition(".")[2] for table in tables)
    result: dict[str, Table] = {}
    for name in (name for name, count in last.items() if count > 1):
        alike = [table for table in tables if table.name.endswith(f".{name}")]
        if len({table.columns for table in alike}) == 1:
            result[name] = _stacked(name, alike)
    return result


def _stacked(name: str, tables: list[Table]) -> Table:
    def rows(plain: Any) -> Iterator[Row]:
        return ((table.name.rpartition(".")[0], *row) for table in tables for row in table.rows(plain))

    return Table(name=name, columns=("metric", *tables[0].columns), rows=rows)


def _short(tables: list[Table]) -> dict[str, Table]:
    """Name tables by what holds them, or by their last name, where that means one table."""
    last = [(table.name.rpartition(".")[2], table) for table in tables]
    first = [(table.name.split(".")[0], table) for table in tables if not table.is_inside]
    short = {(word, table.name): (word, table) for word, table in (*last, *first)}.values()
    count = Counter(word for word, _ in short)
    return {word: table for word, table in sorted(short, key=lambda pair: pair[0]) if count[word] == 1}


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value != value:  # noqa: PLR0124 - nothing and not-a-number are both no value
        return ""
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        value = "; ".join(str(_cell(item)) for item in value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
