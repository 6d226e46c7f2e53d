"""The tables of an answer as CSV (RFC 4180), found in the shape that it declares: a new endpoint needs no code."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from msgspec import inspect

from dpp.domain.errors import NotFound

FIGURES = "figures"
SUMMARY = "summary"

#: What every figure has; a structure with the first three is one.
_FIGURE = ("value", "unit", "sample_size")
_CONFIDENCE = "confidence"
#: Spreadsheets take a text that begins so for a formula, or skip to what follows.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Path = tuple[str, ...]
Row = tuple[object, ...]


class UnknownTable(NotFound):
    """The answer has no table of this name."""

    code = "table_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a header; ``rows`` reads them from an answer's data in plain types."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[Any], Iterable[Row]]


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
    info = _bare(inspect.type_info(data))
    if not isinstance(info, inspect.StructType):
        columns, rows = _rows(info)
        table = Table(name=name, columns=columns, rows=rows)
        return Tables(names={name: table}, default=table)
    figures, summary, nested = _figures(info), _summary(info), list(_nested(info))
    whole = {table.name: table for table in (*figures, *summary)}
    named = whole | _long(nested) | {table.name: table for table in nested}
    every = named | {short: table for short, table in _short(nested).items() if short not in named}
    return Tables(names=every, default=next(iter(named.values()), None))


def _figures(root: inspect.StructType) -> list[Table]:
    """Every figure of the answer in a row: what all have first, then what single ones have beside it."""
    found = [(path, _flat(info, in_row=False)) for path, info in _structures(root) if _is_figure(info)]
    if not found:
        return []
    places = {place: None for _, flat in found for place in flat}
    first = [place for place in places if place[0] in (*_FIGURE, _CONFIDENCE)]
    ordered = (*first, *(place for place in places if place not in first))

    def rows(plain: Any) -> Iterator[Row]:
        for path, flat in found:
            figure = _at(plain, path)
            yield (".".join(path), *(_at(figure, place) if place in flat else None for place in ordered))

    return [Table(name=FIGURES, columns=("metric", *map("_".join, ordered)), rows=rows)]


def _summary(root: inspect.StructType) -> list[Table]:
    """The single values that belong to no figure."""
    inside = [path for path, info in _structures(root) if _is_figure(info)]
    places = [
        place for place in _flat(root, in_row=False) if not any(place[: len(figure)] == figure for figure in inside)
    ]
    if not places:
        return []

    def rows(plain: Any) -> Iterator[Row]:
        return ((".".join(place), _at(plain, place)) for place in places)

    return [Table(name=SUMMARY, columns=("name", "value"), rows=rows)]


def _nested(info: inspect.StructType, path: Path = (), figure: Path | None = None) -> Iterator[Table]:
    """Yield the lists and mappings of a structure; values of a figure's rows have the figure's unit."""
    if _is_figure(info):
        figure = path
    for field in info.fields:
        kind = _bare(field.type)
        place = (*path, field.encode_name)
        if isinstance(kind, inspect.StructType):
            yield from _nested(kind, place, figure)
        elif _is_table(kind) and _CONFIDENCE not in place:
            yield _nested_table(kind, place, figure)


def _nested_table(kind: inspect.Type, place: Path, figure: Path | None) -> Table:
    columns, rows = _rows(kind)
    has_unit = figure is not None and _row_of(kind) is not None and "value" in columns and "unit" not in columns

    def placed(plain: Any) -> Iterable[Row]:
        found = rows(_at(plain, place))
        if not has_unit:
            return found
        unit = _at(plain, (*(figure or ()), "unit"))
        return ((*row, unit) for row in found)

    return Table(name=".".join(place), columns=(*columns, "unit") if has_unit else columns, rows=placed)


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
    short = [(word, table) for table in tables for word in {table.name.split(".")[0], table.name.rpartition(".")[2]}]
    count = Counter(word for word, _ in short)
    return {word: table for word, table in sorted(short, key=lambda pair: pair[0]) if count[word] == 1}


def _rows(info: inspect.Type) -> tuple[tuple[str, ...], Callable[[Any], Iterable[Row]]]:
    """Return columns, and how the rows under them are read."""
    kind = _bare(info)
    if isinstance(kind, inspect.StructType):
        places = tuple(_flat(kind, in_row=True))
        return tuple(map("_".join, places)), lambda plain: [tuple(_at(plain, place) for place in places)]
    if isinstance(kind, inspect.DictType):
        columns, inner = _rows(kind.value_type)
        key = "metric" if _is_figure(_bare(kind.value_type)) else "name"
        return (key, *(f"{column}_2" if column == key else column for column in columns)), lambda plain: (
            (name, *row) for name, value in (plain or {}).items() for row in inner(value)
        )
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        columns, inner = _rows(kind.item_type)
        return columns, lambda plain: chain.from_iterable(map(inner, plain or ()))
    return (_unit(info) or "value",), lambda plain: [(plain,)]


def _flat(info: inspect.StructType, *, in_row: bool) -> dict[Path, None]:
    """Return the places of single values, those of inner structures included; in a row, of everything else too."""
    result: dict[Path, None] = {}
    for field in info.fields:
        kind = _bare(field.type)
        if isinstance(kind, inspect.StructType):
            inner = _flat(kind, in_row=in_row or field.encode_name == _CONFIDENCE)
            result |= {(field.encode_name, *place): None for place in inner}
        elif in_row or not _is_table(kind):
            result[(field.encode_name,)] = None
    return result


def _structures(info: inspect.StructType, path: Path = ()) -> Iterator[tuple[Path, inspect.StructType]]:
    yield path, info
    for field in info.fields:
        kind = _bare(field.type)
        if isinstance(kind, inspect.StructType):
            yield from _structures(kind, (*path, field.encode_name))


def _is_figure(info: inspect.Type) -> bool:
    return isinstance(info, inspect.StructType) and {field.encode_name for field in info.fields}.issuperset(_FIGURE)


def _is_table(kind: inspect.Type) -> bool:
    """Whether it has rows: a mapping, or a list of structures; a list of single values is one cell."""
    return isinstance(kind, inspect.DictType) or _row_of(kind) is not None


def _row_of(kind: inspect.Type) -> inspect.StructType | None:
    item = _bare(kind.item_type) if isinstance(kind, inspect.ListType | inspect.VarTupleType) else None
    return item if isinstance(item, inspect.StructType) else None


def _bare(info: inspect.Type) -> inspect.Type:
    """Return a type without remarks and without None; of several structures, one with all their fields."""
    if isinstance(info, inspect.Metadata):
        return _bare(info.type)
    if not isinstance(info, inspect.UnionType):
        return info
    kinds = [_bare(kind) for kind in info.types if not isinstance(kind, inspect.NoneType)]
    structures = [kind for kind in kinds if isinstance(kind, inspect.StructType)]
    if len(kinds) == 1 or not structures or len(structures) < len(kinds):
        return kinds[0] if len(kinds) == 1 else inspect.AnyType()
    fields = {field.encode_name: field for structure in structures for field in structure.fields}
    return msgspec.structs.replace(structures[0], fields=tuple(fields.values()))


def _unit(info: inspect.Type) -> str | None:
    """Return the unit that a type states of its values, as ``Annotated[float, Meta(extra={"unit": "days"})]``."""
    return str((info.extra or {}).get("unit") or "") or None if isinstance(info, inspect.Metadata) else None


def _at(plain: Any, path: Path) -> Any:
    for name in path:
        plain = plain.get(name) if isinstance(plain, dict) else None
    return plain


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
