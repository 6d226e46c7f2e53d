"""The published description of the API, completed with what all routes have in common, so that no route can forget it.

The framework writes down what each route reads and answers. Here follow, for every route that exists, the errors with
their envelope, the ways to prove who is asking, tags, CSV with the names of its tables, and the bodies of the intake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import get_args

from litestar import Litestar
from litestar.enums import ParamType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import (
    OpenAPI,
    OpenAPIFormat,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.routes import HTTPRoute
from msgspec import Struct
from msgspec.structs import fields as struct_fields

from dpp.entrypoints.http.auth import COOKIE, CSRF_HEADER
from dpp.entrypoints.http.cookies import HOST_PREFIX
from dpp.entrypoints.http.intake_bodies import BODIES, HEADERS, HOOK_SECURITY
from dpp.entrypoints.http.representations import CSV, FORMAT, FORMATS, TABLE, declared_data, tables_at

PREFIX = "/api/v1/"
INTAKE = "Intake"
JSON = "application/json"

FAILURES: Mapping[int, str] = MappingProxyType(
    {
        400: "The request cannot be read: an unknown or repeated parameter, a value of another type, no JSON",
        401: "Nobody proved who is asking, or the proof is not valid",
        403: "Whoever asks may not do this",
        404: "There is nothing of this name that the caller may see",
        409: "It contradicts what is there",
        413: "The body is larger than this address takes",
        422: "The request can be read, and a value in it cannot be used",
        429: "Too many requests; the header Retry-After says when to come again",
        500: "A fault of the platform, which has been logged",
        503: "Something that is needed does not answer now; the header Retry-After says when to come again",
    }
)
_OF_READING = (400, 401, 403, 404, 422, 429, 500, 503)
_OF_CHANGES = (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
_OF_INTAKE = (400, 401, 403, 413, 422, 429, 500, 503)

SECURITY_SCHEMES: Mapping[str, SecurityScheme] = MappingProxyType(
    {
        "key": SecurityScheme(type="http", scheme="bearer", description="An API key, `dpp_<id>_<secret>`"),
        "session": SecurityScheme(
            type="apiKey",
            security_scheme_in="cookie",
            name=HOST_PREFIX + COOKIE,
            description=f"A browser's session (`{COOKIE}` over plain http on one's own machine); "
            f"what changes something needs the header {CSRF_HEADER} as well",
        ),
        "github": SecurityScheme(
            type="apiKey",
            security_scheme_in="header",
            name="X-Hub-Signature-256",
            description="`sha256=` and the HMAC-SHA256 of the raw body under the shared secret, in hexadecimal",
        ),
        "jira": SecurityScheme(
            type="apiKey",
            security_scheme_in="header",
            name="X-Hub-Signature",
            description="`sha256=` and the HMAC-SHA256 of the raw body under the shared secret, in hexadecimal",
        ),
    }
)

AS_OF = "as_of"
_A_MOMENT = Schema(
    type=OpenAPIType.STRING,
    format=OpenAPIFormat.DATE_TIME,
    pattern=r"^(19(7[1-9]|[89]\d)|2[01]\d{2})-",
)

_TEXT = Schema(type=OpenAPIType.STRING)
_FAILURE = Reference("#/components/schemas/Failure")
_ACKNOWLEDGED = Reference("#/components/schemas/Acknowledged")


def complete(app: Litestar) -> None:
    """Complete the description that an application publishes; done once, when all its routes are there."""
    document = app.openapi_schema
    components = document.components
    components.schemas = {**(components.schemas or {}), **_common_schemas()}
    components.security_schemes = {**SECURITY_SCHEMES}
    document.security = [{"key": []}, {"session": []}]
    for path, method, handler, operation in _operations(app, document):
        if INTAKE in (operation.tags or ()):
            _complete_intake(operation, path=path)
            continue
        _tidy_parameters(operation)
        if method == "GET":
            _complete_reading(operation, handler, path=path)
        else:
            _add_failures(operation, _OF_CHANGES)
            _close_bodies(handler, components.schemas)


def _operations(app: Litestar, document: OpenAPI) -> Iterator[tuple[str, str, HTTPRouteHandler, Operation]]:
    for route in app.routes:
        item = (document.paths or {}).get(route.path_format)
        if item is None or not isinstance(route, HTTPRoute) or not route.path_format.startswith(PREFIX):
            continue
        for handler in route.route_handlers:
            for method in handler.http_methods:
                operation = getattr(item, method.lower(), None)
                if isinstance(operation, Operation):
                    yield route.path_format, method, handler, operation


def _close_bodies(handler: HTTPRouteHandler, schemas: Mapping[str, object]) -> None:
    """Say of the objects of a body that what they do not name is refused, where it is."""
    body = handler.parsed_fn_signature.parameters.get("data")
    if body is None:
        return
    for struct in _structs(body.annotation):
        schema = schemas.get(struct.__name__)
        if isinstance(schema, Schema) and struct.__struct_config__.forbid_unknown_fields:
            schema.additional_properties = False


def _structs(annotation: object) -> Iterator[type[Struct]]:
    """Yield a type's structures, those of its fields included."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
        for field in struct_fields(annotation):
            yield from _structs(field.type)
    for part in get_args(annotation):
        yield from _structs(part)


def _complete_reading(operation: Operation, handler: HTTPRouteHandler, *, path: str) -> None:
    _add_failures(operation, _OF_READING)
    if declared_data(handler) is None:
        return
    tables = [*tables_at(handler, path=path).names]
    operation.parameters = [*(operation.parameters or ()), *_parameters(tables)]
    responses = operation.responses or {}
    success = responses["200"]
    if isinstance(success, OpenAPIResponse):
        success.content = {**(success.content or {}), CSV: OpenAPIMediaType(schema=_TEXT)}
        success.headers = {**(success.headers or {}), **_reading_headers()}
    responses["304"] = OpenAPIResponse(
        description="The caller has this answer already, by its tag", headers=_reading_headers()
    )


def _tidy_parameters(operation: Operation) -> None:
    """Say of what is read from the address what it can be; null is nothing that can be written there."""
    for parameter in operation.parameters or ():
        if isinstance(parameter, Parameter) and isinstance(parameter.schema, Schema):
            if parameter.name == AS_OF:
                parameter.schema.any_of, parameter.schema.one_of = [_A_MOMENT, Schema(const="")], None
            elif parameter.schema.one_of is not None:
                _drop_null(parameter.schema)


def _drop_null(schema: Schema) -> None:
    kinds = [kind for kind in schema.one_of or () if getattr(kind, "type", None) != OpenAPIType.NULL]
    if len(kinds) != 1 or not isinstance(kinds[0], Schema):
        schema.one_of = kinds
        return
    schema.one_of = None
    for name in ("type", "format", "enum", "const", "pattern"):
        setattr(schema, name, getattr(kinds[0], name))


def _parameters(tables: list[str]) -> list[Parameter]:
    return [
        Parameter(
            name=FORMAT,
            param_in=ParamType.QUERY,
            description=f"Without it, CSV if a table is named, else as the header Accept says ({JSON} or {CSV})",
            schema=Schema(type=OpenAPIType.STRING, enum=FORMATS),
        ),
        Parameter(
            name=TABLE,
            param_in=ParamType.QUERY,
            description="Which table, as CSV unless format is json; without it, the first of these",
            schema=Schema(type=OpenAPIType.STRING, enum=tables),
        ),
        Parameter(
            name="If-None-Match",
            param_in=ParamType.HEADER,
            description="Tags of the answers that the caller has",
            schema=_TEXT,
        ),
    ]


def _reading_headers() -> dict[str, OpenAPIHeader | Reference]:
    return {
        "ETag": OpenAPIHeader(schema=_TEXT, description="A weak tag of what the answer says"),
        "Cache-Control": OpenAPIHeader(schema=_TEXT, description="`private, no-cache`"),
        "Link": OpenAPIHeader(schema=_TEXT, description="The next page of a list that goes on, as `rel=next`"),
    }


def _complete_intake(operation: Operation, *, path: str) -> None:
    schema = BODIES.get(path, Schema(type=OpenAPIType.OBJECT, description="As the source sends it"))
    operation.request_body = RequestBody(content={JSON: OpenAPIMediaType(schema=schema)}, required=True)
    operation.parameters = [*(operation.parameters or ()), *HEADERS.get(path, ())] or None
    operation.security = HOOK_SECURITY.get(path, [{"key": []}])
    operation.responses = {
        "202": OpenAPIResponse(
            description="It is kept, and survives a power cut; the figures follow",
            content={JSON: OpenAPIMediaType(schema=_ACKNOWLEDGED)},
        )
    }
    _add_failures(operation, _OF_INTAKE)


def _add_failures(operation: Operation, statuses: tuple[int, ...]) -> None:
    responses = operation.responses if operation.responses is not None else {}
    for status in statuses:
        responses[str(status)] = OpenAPIResponse(
            description=FAILURES[status],
            content={JSON: OpenAPIMediaType(schema=_FAILURE)},
            headers={"Retry-After": OpenAPIHeader(schema=_TEXT)} if status in (429, 503) else {},
        )
    operation.responses = responses


def _common_schemas() -> dict[str, Schema]:
    problem = _closed({"code": _TEXT, "message": _TEXT}, description="A stable code, and what a person can do about it")
    counts = {name: Schema(type=OpenAPIType.INTEGER, minimum=0) for name in ("accepted", "duplicates")}
    return {
        "Failure": _closed({"status": Schema(const="error"), "error": problem}, description="The envelope of errors"),
        "Acknowledged": _closed(
            {"status": Schema(const="ok"), "data": _closed(counts, description="Facts that were new, and known ones")},
            description="The envelope of what was taken in",
        ),
    }


def _closed(properties: Mapping[str, Schema], *, description: str) -> Schema:
    return Schema(
        type=OpenAPIType.OBJECT,
        properties=dict(properties),
        required=[*properties],
        additional_properties=False,
        description=description,
    )
