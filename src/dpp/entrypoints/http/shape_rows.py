"""What a declared shape is as rows: its columns, and where their values stand in an answer's data in plain types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
from msgspec import inspect

#: What every figure has; a structure with all three is one.
FIGURE = ("value", "unit", "sample_size")
CONFIDENCE = "confidence"

Path = tuple[str, ...]
Row = tuple[object, ...]


def rows_of(info: inspect.Type) -> tuple[tuple[str, ...], Callable[[Any], Iterable[Row]]]:
    """Return columns, and how the rows under them are read."""
    kind = bare(info)
    if isinstance(kind, inspect.StructType):
        tables = {(field.encode_name,) for field in kind.fields if is_table(bare(field.type))}
        places = tuple(place for place in places_of(kind, in_row=True) if place not in tables)
        return tuple(map("_".join, places)), lambda plain: [tuple(at(plain, place) for place in places)]
    if isinstance(kind, inspect.DictType):
        columns, inner = rows_of(kind.value_type)
        key = key_name(kind.value_type)
        return (key, *(f"{column}_2" if column == key else column for column in columns)), lambda plain: (
            (name, *row) for name, value in (plain or {}).items() for row in inner(value)
        )
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        columns, inner = rows_of(kind.item_type)
        return columns, lambda plain: chain.from_iterable(map(inner, plain or ()))
    return (_unit(info) or "value",), lambda plain: [(plain,)]


def places_of(info: inspect.StructType, *, in_row: bool) -> dict[Path, None]:
    """Return the places of single values, those of inner structures included; in a row, of everything else too."""
    result: dict[Path, None] = {}
    for field in info.fields:
        kind = bare(field.type)
        if isinstance(kind, inspect.StructType):
            inner = places_of(kind, in_row=in_row or field.encode_name == CONFIDENCE)
            result |= {(field.encode_name, *place): None for place in inner}
        elif in_row or not is_table(kind):
            result[(field.encode_name,)] = None
    return result


def structures_of(info: inspect.StructType, path: Path = ()) -> Iterator[tuple[Path, inspect.StructType]]:
    """Yield a structure and those inside it, lists and mappings left out, each with its place."""
    yield path, info
    for field in info.fields:
        kind = bare(field.type)
        if isinstance(kind, inspect.StructType):
            yield from structures_of(kind, (*path, field.encode_name))


def key_name(value: inspect.Type) -> str:
    """Return the header over the names of a mapping of such values."""
    return "metric" if is_figure(bare(value)) else "name"


def is_figure(info: inspect.Type) -> bool:
    """Whether it is a figure: a value with its unit and its sample."""
    return isinstance(info, inspect.StructType) and {field.encode_name for field in info.fields}.issuperset(FIGURE)


def is_table(kind: inspect.Type) -> bool:
    """Whether it has rows: a mapping, or a list of structures; a list of single values is one cell."""
    return isinstance(kind, inspect.DictType) or row_of(kind) is not None


def row_of(kind: inspect.Type) -> inspect.StructType | None:
    """Return the structure that a list has in each place, if it has one."""
    item = bare(kind.item_type) if isinstance(kind, inspect.ListType | inspect.VarTupleType) else None
    return item if isinstance(item, inspect.StructType) else None


def item_of(kind: inspect.Type) -> inspect.StructType | None:
    """Return the structure that a list or a mapping holds, if it holds one."""
    value = bare(kind.value_type) if isinstance(kind, inspect.DictType) else None
    return value if isinstance(value, inspect.StructType) else row_of(kind)


def bare(info: inspect.Type) -> inspect.Type:
    """Return a type without remarks and without None; of several structures, one with all their fields."""
    if isinstance(info, inspect.Metadata):
        return bare(info.type)
    if not isinstance(info, inspect.UnionType):
        return info
    kinds = [bare(kind) for kind in info.types if not isinstance(kind, inspect.NoneType)]
    structures = [kind for kind in kinds if isinstance(kind, inspect.StructType)]
    if len(kinds) == 1 or not structures or len(structures) < len(kinds):
        return kinds[0] if len(kinds) == 1 else inspect.AnyType()
    fields = {field.encode_name: field for structure in structures for field in structure.fields}
    return msgspec.structs.replace(structures[0], fields=tuple(fields.values()))


def _unit(info: inspect.Type) -> str | None:
    """Return the unit that a type states of its values, as ``Annotated[float, Meta(extra={"unit": "days"})]``."""
    return str((info.extra or {}).get("unit") or "") or None if isinstance(info, inspect.Metadata) else None


def at(plain: Any, path: Path) -> Any:
    """Return what stands at a place of plain data; None where nothing does."""
    for name in path:
        plain = plain.get(name) if isinstance(plain, dict) else None
    return plain
