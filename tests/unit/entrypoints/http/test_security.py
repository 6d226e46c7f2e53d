import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, get
from litestar.testing import TestClient

from dpp.domain.errors import DppError
from dpp.entrypoints.http.errors import on_platform_error
from dpp.entrypoints.http.security import (
    headers_hook,
    is_local,
    is_own_form,
    local_path,
    needs_secure_cookie,
    own_host_only,
)

PUBLIC = "https://dpp.acme.example"


@get(["/page", "/api/v1/webhooks/github", "/health/ready"], sync_to_thread=False)
def anything() -> str:
    """Answer."""
    return "here"


def served(public_url: str | None) -> Litestar:
    """Return an application that knows its public address, or none."""
    return Litestar(
        [anything],
        middleware=[own_host_only(public_url=public_url)],
        before_send=[headers_hook(public_url=public_url)],
        exception_handlers={DppError: on_platform_error},
    )


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("dpp.acme.example", "/page", 200),
        ("DPP.acme.example:443", "/page", 200),
        ("localhost:8080", "/page", 200),
        ("evil.example", "/page", 422),
        ("dpp.acme.example.evil.example", "/page", 422),
        ("[broken", "/page", 422),
        ("dpp-service.cluster.internal", "/api/v1/webhooks/github", 200),
        ("10.0.0.7:8080", "/health/ready", 200),
    ],
)
def test_browsers_come_by_the_platforms_own_name(host: str, path: str, status: int) -> None:
    """Pages answer to the public name and the own machine only; machines may use any name."""
    with TestClient(served(PUBLIC)) as client:
        answer = client.get(path, headers={"host": host})

    assert status == answer.status_code
    if status == 422:
        assert "unknown_host" == answer.json()["error"]["code"]
    assert "max-age=31536000; includeSubDomains" == answer.headers["strict-transport-security"]


def test_without_a_public_address_any_name_will_do() -> None:
    """A platform that was not told its address cannot refuse one."""
    with TestClient(served(None)) as client:
        assert 200 == client.get("/page", headers={"host": "anything.example"}).status_code


@pytest.mark.parametrize("path", ["/", "/?stream=payments&window=30", "/a/b#c", "/?next=//x", "/%5Cx"])
def test_a_path_on_this_site_is_kept(path: str) -> None:
    """A path on this site is where one goes on to."""
    assert path == local_path(path)


@pytest.mark.parametrize(
    "path",
    [None, "", "x", "//evil", "///evil", "https://evil", "javascript:x", "/\\evil", "/\tevil", "/\n/evil", "/ x"],
)
def test_an_address_elsewhere_is_replaced(path: str | None) -> None:
    """What could lead to another site becomes the first page."""
    assert "/" == local_path(path)


@given(st.text(alphabet="/\\:. \t\nehttpx?#@%", max_size=12))
def test_no_text_leads_off_the_site(text: str) -> None:
    """Whatever is given, the result has one leading slash, no backslash and no control character."""
    path = local_path(text)

    assert path.startswith("/")
    assert not path.startswith("//")
    assert not set(path) & set("\\\t\n ")


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("localhost:8080", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("dpp.acme.example", False),
        ("localhost.evil.example", False),
        ("[broken", False),
        ("", False),
    ],
)
def test_the_own_machine_is_known_by_its_names(host: str, local: bool) -> None:
    """Only the three names of the own machine are local, with or without a port."""
    assert local is is_local(host)


def test_cookies_are_for_tls_but_on_the_own_machine() -> None:
    """Plain http to localhost may have a plain cookie; nothing else may, nor may localhost behind a TLS proxy."""
    assert not needs_secure_cookie("http", "localhost:8080", public_url=None)
    assert needs_secure_cookie("http", "10.0.0.5", public_url=None)
    assert needs_secure_cookie("https", "localhost", public_url=None)
    assert needs_secure_cookie("http", "localhost", public_url="https://dpp.acme.example")


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "https://evil"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://dpp:8080", "host": "dpp:8080"}, True),
        ({"origin": "https://public.example", "host": "dpp:8080"}, True),
        ({"origin": "https://evil.example", "host": "dpp:8080"}, False),
        ({"origin": "null", "host": "dpp:8080"}, False),
        ({"origin": "null"}, False),
        ({}, True),
    ],
)
def test_a_form_of_ours_is_told_from_others(headers: dict[str, str], own: bool) -> None:
    """The browser's word on where a form came from decides, the newer header before the older."""
    assert own is is_own_form(headers, public_url="https://public.example")
