"""Pseudonyms, bots, and the safeguard of small teams."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.domain.errors import InvalidInput
from dpp.domain.privacy import (
    IdentitySource,
    Pseudonymiser,
    WeakKey,
    github_identity,
    is_bot,
    jira_identity,
    suppressed,
)

KEY = b"0123456789abcdef0123456789abcdef"


def test_known_answer() -> None:
    """A hash is the HMAC-SHA256 of source and identity under the key."""
    # printf %s github:583231 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    expected = "65c3d677c78f8fd4620b928a41d66464bef7dff430c0fed4a82b72c022a9e926"
    assert expected == Pseudonymiser(KEY).hash("github", "583231")


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(["jira", "github"]))
def test_same_person_same_hash(identity: str, source: IdentitySource) -> None:
    """A person keeps one hash under one key, in 64 hexadecimal digits, remembered or not."""
    pseudonymiser = Pseudonymiser(KEY)
    first = pseudonymiser.hash(source, identity)
    assert first == pseudonymiser.hash(source, identity) == Pseudonymiser(KEY).hash(source, identity)
    assert 32 == len(bytes.fromhex(first))


def test_other_source_or_key_other_hash() -> None:
    """Another source or another key gives another hash for the same name."""
    here = Pseudonymiser(KEY)
    assert 3 == len({here.hash("jira", "7"), here.hash("github", "7"), Pseudonymiser(KEY[::-1]).hash("jira", "7")})


def test_memory_is_bounded() -> None:
    """However many people pass, hashes stay right while only the latest are remembered."""
    pseudonymiser = Pseudonymiser(KEY)
    hashes = [pseudonymiser.hash("jira", str(person)) for person in range(9_000)]
    assert 9_000 == len(set(hashes))
    assert hashes[0] == pseudonymiser.hash("jira", "0")
    assert 8_192 == pseudonymiser._remembered.cache_info().currsize


def test_key_stays_hidden() -> None:
    """The key appears in no text of the object and does not leave it by pickling or copying."""
    pseudonymiser = Pseudonymiser(KEY)
    assert "0123456789abcdef" not in repr(pseudonymiser) + str(pseudonymiser)
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(pseudonymiser)
    with pytest.raises(TypeError, match="secret"):
        copy.copy(pseudonymiser)


@pytest.mark.parametrize("key", [b"", b"fifteen bytes.."])
def test_weak_key(key: bytes) -> None:
    """A missing or short key is refused without being shown."""
    with pytest.raises(WeakKey, match=f"has {len(key)} bytes") as refusal:
        Pseudonymiser(key)
    assert "fifteen" not in str(refusal.value)


@pytest.mark.parametrize("identity", ["", "  \t"])
def test_blank_identity(identity: str) -> None:
    """A blank identity is refused, or all who lack one would be one person."""
    with pytest.raises(InvalidInput, match="blank"):
        Pseudonymiser(KEY).hash("jira", identity)


def test_most_stable_github_identity() -> None:
    """A GitHub account is known by its number, else by its login in lower case, and the two are never confused."""
    assert "583231" == github_identity(user_id=583231, login="octocat")
    assert github_identity(user_id=None, login="OctoCat") == github_identity(user_id=None, login="octocat ")
    assert github_identity(user_id=None, login="583231") != github_identity(user_id=583231, login=None)
    assert None is github_identity(user_id=None, login=" ")


def test_most_stable_jira_identity() -> None:
    """A Jira user is known by account id, else key, else name."""
    assert "5b10" == jira_identity(account_id="5b10", key="JIRAUSER1", name="jo")
    assert "JIRAUSER1" == jira_identity(account_id=None, key="JIRAUSER1", name="jo")
    assert "jo" == jira_identity(account_id="", key=None, name="jo")
    assert None is jira_identity(account_id=None, key=None, name=None)


@pytest.mark.parametrize(
    ("expected", "login", "account_type"),
    [
        (True, "dependabot[bot]", "Bot"),
        (True, "renovate[bot]", None),
        (True, "Renovate[BOT]", "User"),
        (True, None, "Bot"),
        (False, "robot", "User"),
        (False, "botty", None),
        (False, None, None),
    ],
)
def test_bots(expected: bool, login: str | None, account_type: str | None) -> None:
    """A bot is told by its type or by the suffix that GitHub gives to apps."""
    assert expected is is_bot(login=login, account_type=account_type)


@pytest.mark.parametrize(("expected", "contributors"), [(True, 0), (True, 5), (False, 6), (False, 7)])
def test_small_teams(expected: bool, contributors: int) -> None:
    """Fewer contributors than the minimum suppress what is known of single people; exactly the minimum does not."""
    assert expected is suppressed(contributors=contributors, minimum=6)
