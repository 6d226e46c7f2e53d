"""Static files: named by their content, so that a browser may keep each for ever and never keeps a stale one."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static"
FOR_EVER = "public, max-age=31536000, immutable"
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
)


@dataclass(frozen=True)
class Asset:
    """One static file, read once."""

    name: str
    body: bytes

    @property
    def media_type(self) -> str:
        """What it is."""
        return MEDIA_TYPES[Path(self.name).suffix]

    @cached_property
    def url(self) -> str:
        """Where it is served: its name with a part of the digest of its content."""
        name = Path(self.name)
        digest = sha256(self.body).hexdigest()[:16]
        return f"{PREFIX}/{name.with_name(f'{name.stem}.{digest}{name.suffix}').as_posix()}"

    @cached_property
    def zipped(self) -> bytes:
        """Its content, compressed as far as it goes; made once."""
        return gzip.compress(self.body, compresslevel=9, mtime=0)


@cache
def assets() -> Mapping[str, Asset]:
    """Return every static file by its name."""
    found = (path for path in sorted(FOLDER.rglob("*")) if path.suffix in MEDIA_TYPES)
    read = (Asset(path.relative_to(FOLDER).as_posix(), path.read_bytes()) for path in found)
    return MappingProxyType({asset.name: asset for asset in read})


@cache
def _by_url() -> Mapping[str, Asset]:
    return MappingProxyType({asset.url: asset for asset in assets().values()})


def url(name: str) -> str:
    """Return the address of a static file, for templates; a name that does not exist is a fault of the template."""
    return assets()[name].url


def accepts_gzip(request: Request[Any, Any, Any]) -> bool:
    """Whether the browser takes gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


def routes() -> list[HTTPRouteHandler]:
    """Build the route of the static files; they hold nothing secret and are open to all."""

    @get(PREFIX + "/{path:path}", include_in_schema=False)
    async def static(request: Request[Any, Any, Any], path: FromPath[Path]) -> Response[bytes]:
        """Serve a file under its present name only."""
        asset = _by_url().get(f"{PREFIX}/{path.as_posix().lstrip('/')}")
        if asset is None:
            raise NotFoundException("There is no such file; reload the page")
        headers = {"cache-control": FOR_EVER, "vary": "accept-encoding"}
        if not accepts_gzip(request):
            return Response(asset.body, media_type=asset.media_type, headers=headers)
        return Response(asset.zipped, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})

    return [static]
