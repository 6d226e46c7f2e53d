"""Templates to answers: escaped, compressed, and with a tag that spares the second transfer of the same page."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.enums import MediaType
from markupsafe import Markup

from dpp.entrypoints.http.dashboard import assets, manner, words

TEMPLATES = Path(__file__).parent / "templates"
#: Below this, compressing costs more than it saves.
SMALL_BYTES = 860
# Whoever goes back after signing out must not see figures from the browser's memory.
REVALIDATE = "private, no-cache"
VARY = "accept-encoding, accept-language, cookie"

_encoder = msgspec.json.Encoder()


def json_for_html(data: object) -> Markup:
    """Return data as JSON that cannot end the element it lies in."""
    text = _encoder.encode(data).decode()
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704 - everything that HTML could read as markup is escaped above


@cache
def environment() -> Environment:
    """Return the environment of the templates; a name that a page does not get is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(asset=assets.url, words=words)
    made.filters["json"] = json_for_html
    return made


def render(template: str, context: Mapping[str, object]) -> str:
    """Return a template filled in."""
    return environment().get_template(template).render(context)


def page(
    request: Request[Any, Any, Any],
    template: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """Answer with a page, or with 304 when the browser has just this one."""
    manner.follow(request)
    body = render(template, context).encode()
    tag = f'W/"{sha256(body).hexdigest()[:32]}"'
    sent = {"cache-control": REVALIDATE, "vary": VARY, "etag": tag, **(headers or {})}
    if status == 200 and tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=sent)
    if len(body) >= SMALL_BYTES and assets.accepts_gzip(request):
        body = gzip.compress(body, compresslevel=6, mtime=0)
        sent["content-encoding"] = "gzip"
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=sent)
