"""Finding the ticket of a pull request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.linking import (
    BranchPattern,
    InvalidTicketKey,
    Link,
    LinkMethod,
    TicketKey,
    body_candidates,
    choose,
    find_ticket,
    project_of,
    ticket_key,
    title_candidates,
)
from dpp.domain.patterns import InvalidPattern

DEFAULT = BranchPattern()
KNOWN = frozenset({"PAY", "AUTH"})


def link(branch: str | None = None, title: str | None = None, body: str | None = None) -> Link | None:
    """Find a ticket with the default pattern and the projects PAY and AUTH."""
    return find_ticket(branch=branch, title=title, body=body, pattern=DEFAULT, known_projects=KNOWN)


@pytest.mark.parametrize(
    ("expected", "branch"),
    [
        # the three examples of §5.3.4
        ("PAY-456", "PAY-456-retry-logic"),
        ("PAY-456", "feature/PAY-456-retry-logic"),
        ("AUTH-78", "bugfix/AUTH-78-fix-token-expiry"),
        ("PAY-1", "hotfix/PAY-1"),
        ("PAY-1", "chore/PAY-1"),
        ("PAY-1", "spike/PAY-1"),
        ("PAY-1", "/PAY-1"),
        ("X1-22", "X1-22"),
        (None, "feature/pay-456-retry"),
        (None, "users/jo/PAY-456"),
        (None, "release/PAY-456"),
        (None, "P-4"),
        (None, "main"),
        (None, ""),
    ],
)
def test_default_pattern(expected: str | None, branch: str) -> None:
    """The default pattern finds the keys of the specification's branches, and upper-case ones only."""
    assert expected == DEFAULT.key_in(branch)


@pytest.mark.parametrize(
    ("expected", "title"),
    [
        ("PAY-456", "PAY-456: Add retry logic"),
        ("PAY-456", "[PAY-456] Add retry logic"),
        ("PAY-456", "  (PAY-456) Add retry logic"),
        ("PAY-456", "[ PAY-456 ]"),
        (None, "Add retry logic (PAY-456)"),
        (None, "Add retry logic"),
        (None, ""),
        (None, None),
    ],
)
def test_titles(expected: str | None, title: str | None) -> None:
    """A title gives the key at its beginning, behind blanks and brackets too."""
    assert ((expected,) if expected else ()) == title_candidates(title, pattern=DEFAULT)


def test_title_with_a_pattern_that_wants_brackets() -> None:
    """A pattern that itself asks for the brackets sees the title with them."""
    assert ("PAY-9",) == title_candidates("[PAY-9] x", pattern=BranchPattern(r"^\[([A-Z]+-\d+)\]"))


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        (("PAY-456",), "Jira ticket: PAY-456"),
        (("PAY-456",), "https://acme.example/browse/PAY-456?focused=1"),
        (("PAY-2", "AUTH-1"), "PAY-2, AUTH-1 and PAY-2 again"),
        (("PAY-456",), "_PAY-456_ and **PAY-456**"),
        (("MY_APP-7",), "MY_APP-7"),
        (("CVE-2024", "UTF-8"), "CVE-2024-1234 in UTF-8"),
        ((), "xPAY-456, PAY-456b, A-PAY-1, pay-3, P-1"),
        ((), ""),
        ((), None),
    ],
)
def test_bodies(expected: tuple[str, ...], body: str | None) -> None:
    """A body gives whatever stands alone in it and looks like a key, each once and in order."""
    assert expected == body_candidates(body)


def test_bodies_are_capped() -> None:
    """However many keys a body has, the first twenty are kept."""
    body = " ".join(f"PAY-{number}" for number in range(1, 500))
    assert tuple(f"PAY-{number}" for number in range(1, 21)) == body_candidates(body)


@pytest.mark.parametrize("text", ["A" * 5_000_000, "A_" * 2_500_000, "A1-" * 1_000_000, "AA-1" * 1_000_000])
def test_hostile_bodies(text: str) -> None:
    """Megabytes of look-alikes give at most twenty candidates (and take no noticeable time)."""
    assert len(body_candidates(text)) <= 20


def test_priority() -> None:
    """The branch goes before the title and the title before the body."""
    assert Link(key=TicketKey("PAY-1"), method=LinkMethod.BRANCH) == link("PAY-1", "PAY-2", "PAY-3")
    assert Link(key=TicketKey("PAY-2"), method=LinkMethod.TITLE) == link("main", "[PAY-2]", "PAY-3")
    assert Link(key=TicketKey("PAY-3"), method=LinkMethod.BODY) == link("main", "Retry", "UTF-8, SHA-256, PAY-3")
    assert None is link("main", "Retry", "UTF-8 and SHA-256")
    assert None is link()


def test_only_bodies_ask_for_known_projects() -> None:
    """A branch or title may name a project that nobody has seen yet; a body may not."""
    assert Link(key=TicketKey("NEW-1"), method=LinkMethod.BRANCH) == link("feature/NEW-1")
    assert Link(key=TicketKey("NEW-1"), method=LinkMethod.TITLE) == link(None, "NEW-1 first")
    assert None is link(None, None, "NEW-1")


@given(branch=st.text(max_size=40), title=st.text(max_size=40), body=st.text(alphabet="PAYUTH-0123 _[x", max_size=80))
def test_two_steps_equal_one(branch: str, title: str, body: str) -> None:
    """Choosing later from what was extracted gives the same link as having all texts at hand."""
    later = choose(
        branch=branch,
        title_keys=title_candidates(title, pattern=DEFAULT),
        body_keys=body_candidates(body),
        pattern=DEFAULT,
        known_projects=KNOWN,
    )
    assert link(branch, title, body) == later


@given(project=st.from_regex(r"[A-Z][A-Z0-9]{1,9}", fullmatch=True), number=st.integers(0, 10**9))
def test_every_key_is_found_everywhere(project: str, number: int) -> None:
    """Any key is found whole in a branch, in a bracketed title, and in a body of its project."""
    key = f"{project}-{number}"
    for texts in ({"branch": f"feature/{key}-x"}, {"title": f"[{key}] x"}, {"body": f"see {key}."}):
        arguments: dict[str, str | None] = {"branch": None, "title": None, "body": None, **texts}
        found = find_ticket(**arguments, pattern=DEFAULT, known_projects={project})
        assert found is not None
        assert (key, next(iter(texts))) == (found.key, found.method)


def test_own_patterns() -> None:
    """A stream's own pattern counts, by its group named key when it has several, and its find in upper case."""
    assert "PAY-4" == BranchPattern(r"(?i)^(?:\w+/)?(pay-\d+)").key_in("jo/pay-4-x")
    assert "PAY-4" == BranchPattern(r"^(\w+)/(?P<key>[A-Z]+-\d+)").key_in("jo/PAY-4")
    assert None is BranchPattern(r"^x(PAY-\d+)?").key_in("x")
    assert None is BranchPattern(r"^(\w+)").key_in("no_key")


def test_values() -> None:
    """Patterns are equal by their text, and can be keys."""
    assert 1 == len({BranchPattern(), BranchPattern(DEFAULT.text)})


@pytest.mark.parametrize("text", [r"^[A-Z]+-\d+", r"^(\w+)/([A-Z]+-\d+)", r"^(?P<ticket>a)(b)"])
def test_wrong_groups(text: str) -> None:
    """A pattern needs exactly one capturing group, or one named key."""
    with pytest.raises(InvalidPattern, match="capturing groups"):
        BranchPattern(text)


def test_long_branch() -> None:
    """Only the beginning of an endless name is looked at, and no number is cut short."""
    pattern = BranchPattern(r"(PAY-\d+)$")
    assert None is pattern.key_in("x" * 300 + "PAY-1")
    assert None is BranchPattern(r"(PAY-\d+)").key_in("x" * 250 + "PAY-123456")


@pytest.mark.parametrize("text", ["PAY-1", "A1-0", "MY_APP-12"])
def test_keys(text: str) -> None:
    """Project, hyphen and number make a key."""
    assert text == ticket_key(text)
    assert text[: text.index("-")] == project_of(ticket_key(text))


@pytest.mark.parametrize("text", ["", "PAY", "pay-1", "P-1", "PAY-", "PAY-1 ", "PAY-١", "1PAY-1", "PAY-1\n", "PAY-1-2"])
def test_no_keys(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidTicketKey):
        ticket_key(text)


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever a branch, title or body holds, what comes out are ticket keys."""
    found = [*title_candidates(text, pattern=DEFAULT), *body_candidates(text)]
    assert found == [ticket_key(key) for key in found]
