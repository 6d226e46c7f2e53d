"""The platform's cookies: scripts cannot read them, and where TLS is, their names say that nobody else can set them."""

from __future__ import annotations

from typing import Any, Literal

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from dpp.entrypoints.http.security import needs_secure_cookie

#: Browsers take a cookie of this name only over TLS, for all paths, and from this very host.
HOST_PREFIX = "__Host-"
#: The same for a cookie of one path, which another host of the domain may set.
SECURE_PREFIX = "__Secure-"

Connection = ASGIConnection[Any, Any, Any, Any]


class Cookies:
    """Reads and writes cookies by their plain names (RFC 6265bis, 4.1.3).

    What came without its prefix where one belongs is nobody's: another host of the domain may have set it, or somebody
    on the way before TLS.
    """

    def __init__(self, *, public_url: str | None = None) -> None:
        """`public_url`: the address that browsers use when a proxy ends TLS in front of us."""
        self._public_url = public_url

    def read(self, connection: Connection, name: str, *, path: str = "/") -> str | None:
        """Return the value of a cookie; None when the browser sent none."""
        return connection.cookies.get(self._full(connection, name, path))

    def write(
        self,
        connection: Connection,
        name: str,
        value: str,
        *,
        max_age: int | None = None,
        path: str = "/",
        samesite: Literal["lax", "strict"] = "lax",
    ) -> Cookie:
        """Return a cookie to send, for TLS alone but on the reader's own machine; ``max_age=0`` lets one go."""
        return Cookie(
            key=self._full(connection, name, path),
            value=value,
            max_age=max_age,
            path=path,
            httponly=True,
            secure=self.are_secure(connection),
            samesite=samesite,
        )

    def are_secure(self, connection: Connection) -> bool:
        """Whether cookies are for TLS only here."""
        host = connection.headers.get("host", "")
        return needs_secure_cookie(connection.url.scheme, host, public_url=self._public_url)

    def _full(self, connection: Connection, name: str, path: str) -> str:
        if not self.are_secure(connection):
            return name
        return (HOST_PREFIX if path == "/" else SECURE_PREFIX) + name
