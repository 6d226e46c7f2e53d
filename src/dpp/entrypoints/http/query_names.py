"""Which parameters an address knows: one that it does not know is refused, since a misspelt one would mislead."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.constants import RESERVED_KWARGS
from litestar.enums import ParamType
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from dpp.domain.errors import DppError
from dpp.entrypoints.http.representations import FORMAT, TABLE, declared_data


class UnreadableQuery(DppError):
    """The query cannot be understood, whatever the values in it might be good for."""

    code = "invalid_request"


class UnknownParameter(UnreadableQuery):
    """The query has a parameter that the address does not know, or one twice."""

    code = "unknown_parameter"


async def known_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard routes against parameters that they do not know, and against a parameter given twice.

    Raises:
        UnknownParameter: there is one such; the message names those that are known.
        UnreadableQuery: one is ``null``, which the framework would read as if it were not there.
    """
    given = connection.query_params
    if not given:
        return
    known = query_names(handler, path_parameters=frozenset(connection.path_params))
    for name in given:
        if name not in known:
            raise UnknownParameter(_message(name, sorted(known)))
        if given[name] == "null":
            raise UnreadableQuery(f"{name} cannot be null; leave it out to say nothing")
        if len(given.getall(name)) > 1:
            raise UnknownParameter(f"{name} is given {len(given.getall(name))} times; give it once")


def query_names(handler: BaseRouteHandler, *, path_parameters: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the parameters that a route reads from the query, the form of its answer included."""
    elsewhere = {*RESERVED_KWARGS, *handler.resolve_dependencies(), *path_parameters}
    names = set()
    for name, field in handler.parsed_fn_signature.parameters.items():
        said = field.kwarg_definition
        if name in elsewhere:
            continue
        if not isinstance(said, ParameterKwarg):
            names.add(name)
        elif said.param_type == ParamType.QUERY:
            names.add(said.name or name)
    return frozenset(names | {FORMAT, TABLE}) if declared_data(handler) is not None else frozenset(names)


def what_is_meant(handler: BaseRouteHandler, name: str) -> tuple[str, str]:
    """Return how callers know an argument of a route, and what to give for it; nothing for a part of a body."""
    field = handler.parsed_fn_signature.parameters.get(name)
    if field is None:
        return name, ""
    said = field.kwarg_definition
    known_as = said.name or name if isinstance(said, ParameterKwarg) else name
    remedy = _remedy(msgspec.inspect.type_info(field.annotation))
    return known_as, f"{remedy}, or leave it out" if remedy and field.has_default else remedy


def _remedy(kind: msgspec.inspect.Type) -> str:
    if isinstance(kind, msgspec.inspect.UnionType):
        return next(_remedy(inner) for inner in kind.types if not isinstance(inner, msgspec.inspect.NoneType))
    if isinstance(kind, msgspec.inspect.LiteralType):
        return f"give {' or '.join(map(str, kind.values))}"
    if isinstance(kind, msgspec.inspect.EnumType):
        return f"give {' or '.join(str(member.value) for member in kind.cls)}"
    words = {
        msgspec.inspect.IntType: "a whole number",
        msgspec.inspect.FloatType: "a number",
        msgspec.inspect.BoolType: "true or false",
        msgspec.inspect.DateType: "a date such as 2026-03-01",
        msgspec.inspect.DateTimeType: "a moment such as 2026-03-01T09:00:00Z",
        msgspec.inspect.UUIDType: "an id such as 123e4567-e89b-12d3-a456-426614174000",
    }
    return f"give {words[type(kind)]}" if type(kind) in words else ""


def _message(name: str, known: list[str]) -> str:
    if not known:
        return f"{name} is no parameter of this address, which takes none; leave it out"
    close = get_close_matches(name, known, n=1)
    meant = f"; {close[0]} may be meant" if close else ""
    return f"{name} is no parameter of this address{meant}. It takes {', '.join(known)}"
