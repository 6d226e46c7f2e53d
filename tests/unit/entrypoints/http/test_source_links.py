"""Where things are found in the source systems."""

import pytest

from dpp.application.evidence_answers import Place
from dpp.domain.configuration import Configuration, GitHubConnection, JiraConnection
from dpp.entrypoints.http.source_links import SourceLinks


def links(*, jira: str | None = None, github: str = "https://api.github.com") -> SourceLinks:
    """Return the links of a configuration with these addresses."""
    return SourceLinks.of(Configuration(jira=JiraConnection(base_url=jira), github=GitHubConnection(api_url=github)))


@pytest.mark.parametrize("address", ["https://acme.atlassian.net", "https://acme.atlassian.net/"])
def test_a_ticket_is_browsed_in_jira(address: str) -> None:
    """A slash at the end of the configured address makes no difference."""
    assert "https://acme.atlassian.net/browse/PAY-7" == links(jira=address).ticket("PAY-7")


def test_jira_below_a_path_keeps_it() -> None:
    """A Jira server often lives below a path."""
    assert "https://acme.example/jira/browse/PAY-7" == links(jira="https://acme.example/jira/").ticket("PAY-7")


@pytest.mark.parametrize(
    ("api", "pages"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://ghe.acme.example/api/v3", "https://ghe.acme.example"),
        ("https://ghe.acme.example:8443/api/v3/", "https://ghe.acme.example:8443"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
    ],
)
def test_github_pages_are_found_from_its_api(api: str, pages: str) -> None:
    """The public GitHub, an enterprise server and an enterprise cloud each have their own rule."""
    found = links(github=api)
    assert f"{pages}/acme/ledger/pull/12" == found.pull_request("acme/ledger", 12)
    assert f"{pages}/acme/ledger/commit/abc123" == found.commit("acme/ledger", "abc123")


def test_a_place_is_led_to_by_what_is_known_of_it() -> None:
    """A pull request goes before the commit; where nothing is known there is nothing to lead to."""
    found = links(jira="https://acme.example")
    assert "https://acme.example/browse/PAY-7" == found.of_place(Place(ticket_id="PAY-7"))
    assert "https://github.com/acme/x/pull/3" == found.of_place(
        Place(repository="acme/x", pr_number=3, commit_sha="abc")
    )
    assert "https://github.com/acme/x/commit/abc" == found.of_place(Place(repository="acme/x", commit_sha="abc"))
    assert found.of_place(Place()) is None


def test_what_is_not_known_has_no_address() -> None:
    """Without a Jira, a key, a repository or a number there is nothing to lead to."""
    assert links().ticket("PAY-7") is None
    assert links(jira="https://acme.example").ticket(None) is None
    assert links().pull_request(None, 3) is None
    assert links().pull_request("acme/ledger", None) is None
    assert links().commit("acme/ledger", None) is None


@pytest.mark.parametrize("address", ["javascript:alert(1)", "acme.example", "file:///etc"])
def test_an_address_that_no_browser_should_follow_is_none(address: str) -> None:
    """Only http and https are led to, whatever somebody has configured."""
    assert links(jira=address).ticket("PAY-7") is None
    assert links(github=address).pull_request("acme/ledger", 1) is None


def test_names_cannot_leave_their_place() -> None:
    """A key with a slash or a question mark in it stays one part of the address."""
    assert "https://acme.example/browse/A%2F..%3Fx" == links(jira="https://acme.example").ticket("A/..?x")
