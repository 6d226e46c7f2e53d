"""What every answer tells the browser to refuse, and what tells a form of ours from anybody else's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http.refusals import Refusal, Refusals

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "object-src 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

# ``no-referrer`` would make browsers send ``Origin: null`` with our own forms, which ``is_own_form`` refuses.
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "cross-origin-opener-policy": "same-origin",
    }
)

STRICT_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
OWN_SITES = frozenset({"same-origin", "none"})
#: Where machines come, by whatever name their network has for us; what they bring proves itself.
FOR_MACHINES = ("/health/", "/metrics", "/api/v1/webhooks/", "/api/v1/events/")
#: With the answer that ends a session: what the browser has kept of the pages goes.
CLEAR_CACHE = {"clear-site-data": '"cache"'}


class UnknownHost(InvalidInput):
    """The Host header names no address of the platform."""

    code = "unknown_host"


def headers_hook(*, public_url: str | None = None) -> Callable[[Message, Scope], Awaitable[None]]:
    """Build the ``before_send`` hook that puts the security headers on every answer, those of errors included.

    Args:
        public_url: the address that browsers use when a proxy ends TLS in front of us; None when they come directly.
    """

    always = _encoded(HEADERS)
    over_tls = _encoded({**HEADERS, "strict-transport-security": STRICT_TRANSPORT_SECURITY})

    async def set_headers(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        own = list(message["headers"])
        names = {name.lower() for name, _ in own}
        wanted = over_tls if is_https(scope.get("scheme", "http"), public_url=public_url) else always
        message["headers"] = own + [header for header in wanted if header[0] not in names]

    return set_headers


def own_host_only(*, public_url: str | None) -> Callable[[ASGIApp], ASGIApp]:
    """Build the middleware that turns away browsers which were led here under another name (DNS rebinding).

    Args:
        public_url: the address that browsers use. None, and any name will do: nobody has said which is ours.
    """
    own = urlsplit(public_url).hostname if public_url else None
    refusals = Refusals()

    def around(app: ASGIApp) -> ASGIApp:
        async def checked(scope: Scope, receive: Receive, send: Send) -> None:
            if own is not None and scope["type"] == ScopeType.HTTP and not scope["path"].startswith(FOR_MACHINES):
                host = _host_of(dict(scope["headers"]).get(b"host", b"").decode("latin-1"))
                if host not in LOCAL_HOSTS | {own}:
                    refusals.note(ASGIConnection(scope), Refusal.HOST)
                    raise UnknownHost(f"The platform is not known by this name; open {public_url}", field="Host")
            await app(scope, receive, send)

        return checked

    return around


def _host_of(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def is_https(scheme: str, *, public_url: str | None) -> bool:
    """Whether the browser speaks TLS, with us or with the proxy in front of us."""
    return scheme == "https" or (public_url or "").startswith("https://")


def is_local(host: str) -> bool:
    """Whether a Host header names the reader's own machine."""
    return _host_of(host) in LOCAL_HOSTS


def needs_secure_cookie(scheme: str, host: str, *, public_url: str | None) -> bool:
    """Whether cookies are for TLS only: always, but for plain http to the reader's own machine."""
    return is_https(scheme, public_url=public_url) or not is_local(host)


def is_own_form(headers: Mapping[str, str], *, public_url: str | None) -> bool:
    """
    Whether a form was sent by a page of ours.

    Browsers say so in ``Sec-Fetch-Site``, older ones in ``Origin``. A request with neither comes from no browser that
    could be tricked; it still has to show its token.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in OWN_SITES
    origin = headers.get("origin")
    if origin is None:
        return True
    own = {headers.get("host", "")} | ({urlsplit(public_url).netloc} if public_url else set())
    return urlsplit(origin).netloc in own - {""}


def local_path(wanted: str | None, *, default: str = "/") -> str:
    """Return a path on this site to go on to, or the default when ``wanted`` is none or leads elsewhere."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//"):
        return default
    # Browsers read a backslash as a slash and skip control characters, so that /\evil.example would leave the site.
    if "\\" in wanted or any(ord(character) < 0x21 or ord(character) == 0x7F for character in wanted):
        return default
    return wanted
