"""Small deliveries as GitHub would send them, for the tests of its reader."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from dpp.adapters.github.webhook import GitHubWebhookReader
from dpp.application.reading import Reading, Verified
from dpp.domain.configuration import Configuration, TechStream
from dpp.domain.events import CicdEvent, Normalised, Outcome, PullRequestEvent, PushEvent, RepositoryFact, Source
from dpp.domain.privacy import PersonHash, Pseudonymiser

Json = dict[str, Any]

KEY = b"a key of at least sixteen bytes"
READER = GitHubWebhookReader()

CORE = TechStream(
    stream_id=UUID(int=1),
    name="core",
    display_name="Core",
    github_org="acme",
    github_install_id="1001",
)
#: Writes its tickets behind a hash sign, so that it is seen which stream's pattern was used.
MOBILE = TechStream(
    stream_id=UUID(int=2),
    name="mobile",
    display_name="Mobile",
    github_org="acme-mobile",
    github_install_id="2002",
    branch_pattern=r"#([A-Z]+-\d+)",
)
READING = Reading(configuration=Configuration(tech_streams=(CORE, MOBILE)), pseudonymiser=Pseudonymiser(KEY))

REPOSITORY: Json = {
    "id": 77,
    "name": "payments",
    "full_name": "acme/payments",
    "owner": {"login": "acme", "id": 5, "type": "Organization"},
    "default_branch": "main",
}
ALICE: Json = {"login": "alice", "id": 11, "type": "User"}
BOB: Json = {"login": "bob", "id": 12, "type": "User"}
RENOVATE: Json = {"login": "renovate[bot]", "id": 13, "type": "Bot"}


def at(text: str) -> datetime:
    """Return a time of 1 March 2026, UTC, from its hour and minute."""
    return datetime.fromisoformat(f"2026-03-01T{text}:00").replace(tzinfo=UTC)


def person(identity: str) -> PersonHash:
    """Return the hash of a GitHub identity."""
    return Pseudonymiser(KEY).hash("github", identity)


def pull_request(**changes: Any) -> Json:
    """Return a pull request that Alice opened at 09:00."""
    return {
        "id": 900,
        "number": 7,
        "state": "open",
        "title": "PAY-456 retry",
        "body": "See also AUTH-78.",
        "user": ALICE,
        "draft": False,
        "created_at": "2026-03-01T09:00:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
        "closed_at": None,
        "merged_at": None,
        "merged": False,
        "merge_commit_sha": "trial",
        "head": {"ref": "feature/PAY-456-retry", "sha": "abc", "repo": {"id": 77}},
        "base": {"ref": "main", "sha": "def", "repo": {"id": 77}},
        "additions": 10,
        "deletions": 4,
        "changed_files": 2,
        "comments": 1,
        "review_comments": 3,
    } | changes


def delivery(**parts: Any) -> Json:
    """Return a delivery of installation 1001 about ``acme/payments``."""
    return {"repository": REPOSITORY, "installation": {"id": 1001}, "sender": ALICE} | parts


def read(kind: str | None, payload: object, *, reading: Reading = READING) -> Normalised:
    """Read a delivery that has been verified."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return READER.normalise(Verified(source=Source.GITHUB, kind=kind, body=body), reading=reading)


def pull_requests(kind: str, payload: object) -> tuple[PullRequestEvent, ...]:
    """Read a delivery that must be understood."""
    return understood(kind, payload).facts.pull_requests


def cicd(kind: str, payload: object) -> CicdEvent:
    """Read a delivery that must give one event of a pipeline."""
    (event,) = understood(kind, payload).facts.cicd
    return event


def push(payload: object) -> PushEvent:
    """Read a delivery that must give one push."""
    (event,) = understood("push", payload).facts.pushes
    return event


def repositories(kind: str, payload: object) -> tuple[RepositoryFact, ...]:
    """Read a delivery that must tell of repositories."""
    return understood(kind, payload).facts.repositories


def understood(kind: str, payload: object) -> Normalised:
    """Read a delivery that must be understood."""
    normalised = read(kind, payload)
    assert (Outcome.UNDERSTOOD, None) == (normalised.outcome, normalised.reason)
    return normalised
