"""An answer in the form that was asked for: JSON or one of its tables as CSV, with its tag."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http import csv_tables, etags, kept_bodies

FORMAT, TABLE = "format", "table"
FORMATS = ("json", "csv")
CSV = "text/csv"
NEXT_CURSOR = "next_cursor"
#: Bytes below which compression does not pay.
COMPRESSED_FROM = 1024

_encoder = msgspec.json.Encoder()

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """What is sent; ``tag`` distinguishes it from everything else that the address could answer."""

    body: bytes
    media_type: str
    tag: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Answer(Response[bytes]):
    """Data in their envelope, put into the form that the request asks for when they are sent."""

    def __init__(self, data: object, *, meta: Mapping[str, Any] | None, status: int) -> None:
        super().__init__(b"", status_code=status, media_type=MediaType.JSON)
        self._data = data
        self._meta = meta

    def to_asgi_response(self, app: Any, request: AnyRequest, **options: Any) -> ASGIResponse:
        """Send the data, or that the caller has them already.

        Raises:
            InvalidInput: the form asked for does not exist.
            UnknownTable: the table asked for does not exist.
        """
        if request.method != "GET" or self.status_code != 200:
            self.content = _enveloped(_encoder.encode(self._data), self._meta)
            return super().to_asgi_response(app, request, **options)
        shown = represent(request, data=self._data, meta=self._meta)
        self.headers.update({**etags.HEADERS, **shown.headers, "etag": shown.tag})
        self.media_type = shown.media_type
        if etags.is_known(shown.tag, if_none_match=request.headers.get("if-none-match")):
            self.status_code = 304
        else:
            self.content = self._sent(shown, request)
        return super().to_asgi_response(app, request, **options)

    def _sent(self, shown: Representation, request: AnyRequest) -> bytes:
        """Return the body, compressed where that is worth it and the caller takes it."""
        if len(shown.body) < COMPRESSED_FROM or "gzip" not in request.headers.get("accept-encoding", ""):
            return shown.body
        self.headers["content-encoding"] = "gzip"
        self.headers["vary"] = f"{self.headers['vary']}, Accept-Encoding"
        return kept_bodies.zipped(self._data, shown.body)


def represent(request: AnyRequest, *, data: object, meta: Mapping[str, Any] | None) -> Representation:
    """Return data in the form that a request asks for."""
    headers = _link(request, meta)
    wanted, name = wanted_format(request), request.query_params.get(TABLE)
    if wanted == "csv" or name is not None:
        # A table that does not exist is refused even where JSON, which has them all, is sent.
        table = tables_at(request.route_handler, path=request.url.path).table(name)
    if wanted == "csv":
        body = csv_tables.write(table, data)
        headers["content-disposition"] = f'attachment; filename="{_file_name(request.url.path, table.name)}"'
        return Representation(body=body, media_type=CSV, tag=etags.tag_of(b"csv", body), headers=headers)
    encoded = kept_bodies.encoded(data, _encoder.encode)
    still = _encoder.encode({name: value for name, value in (meta or {}).items() if name not in etags.MOVING})
    return Representation(
        body=_enveloped(encoded, meta),
        media_type=MediaType.JSON.value,
        tag=kept_bodies.tagged(data, still, lambda: etags.tag_of(b"json", encoded, still)),
        headers=headers,
    )


def wanted_format(request: AnyRequest) -> str:
    """Return ``json`` or ``csv``: as the parameter says, else ``csv`` for a named table, else as the header says.

    Raises:
        InvalidInput: the parameter is something else.
    """
    given = request.query_params.get(FORMAT)
    if given is not None and given not in FORMATS:
        raise InvalidInput(f"format is {given!r}; give {' or '.join(FORMATS)}", field=FORMAT)
    by_header = request.accept.best_match([MediaType.JSON.value, CSV], default=MediaType.JSON.value)
    return given or ("csv" if by_header == CSV or TABLE in request.query_params else "json")


def tables_at(handler: object, *, path: str) -> csv_tables.Tables:
    """Return the tables in what a route declares to answer; none where it declares nothing."""
    data = declared_data(handler)
    if data is None:
        return csv_tables.Tables(names={}, default=None)
    return csv_tables.tables_of(data, name=re.sub(r"\W+", "_", path.rstrip("/").rpartition("/")[2]))


def declared_data(handler: object) -> Any:
    """Return the type of ``data`` in the envelope that a route declares, or None."""
    declared = (handler.responses or {}).get(200) if isinstance(handler, HTTPRouteHandler) else None
    envelope = declared.data_container if declared is not None else None
    return get_type_hints(envelope, include_extras=True).get("data") if isinstance(envelope, type) else None


def _enveloped(data: bytes, meta: Mapping[str, Any] | None) -> bytes:
    body: dict[str, object] = {"status": "ok", "data": msgspec.Raw(data)}
    if meta is not None:
        body["meta"] = meta
    return _encoder.encode(body)


def _link(request: AnyRequest, meta: Mapping[str, Any] | None) -> dict[str, str]:
    """Return where the next page is, for a list that goes on."""
    cursor = (meta or {}).get(NEXT_CURSOR)
    if not cursor:
        return {}
    address = request.url.with_replacements(query=_query(request, cursor=cursor))
    return {"link": f'<{address.path}?{address.query}>; rel="next"'}


def _query(request: AnyRequest, **changed: str) -> str:
    return urlencode(dict(request.query_params.items()) | changed)


def _file_name(path: str, table: str) -> str:
    place = re.sub(r"\W+", "-", path.partition("/api/v1/")[2] or path).strip("-")
    name = re.sub(r"[^\w]+", "-", table)
    return f"dpp-{place}.csv" if place.endswith(name.replace("_", "-")) else f"dpp-{place}-{name}.csv"
