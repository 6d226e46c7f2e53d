import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.entrypoints.http.security import is_local, is_own_form, local_path, needs_secure_cookie


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
