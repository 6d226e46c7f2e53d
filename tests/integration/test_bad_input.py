"""What is wrong is refused at the door, in words that help, and leaves nothing behind but a count."""

import hashlib
import hmac
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.postgres import TestServer
from tests.support.running import RunningPlatform, platform

pytestmark = pytest.mark.xdist_group("bad-input")

GITHUB, JIRA, DEPLOYMENT, INCIDENT = "webhooks/github", "webhooks/jira", "events/deployment", "events/incident"
SIGNATURE = {GITHUB: "x-hub-signature-256", JIRA: "x-hub-signature"}
MEBIBYTE = 1024 * 1024
CONFIGURATION = """
[[delivery_streams]]
name = "payments"
display_name = "Payments"

[[tech_streams]]
name = "core"
display_name = "Core"
github_org = "acme"
github_install_id = "1"

[[jira_projects]]
key = "PAY"
delivery_stream = "payments"
"""
PULL_REQUEST = {
    "action": "opened",
    "number": 7,
    "pull_request": {
        "number": 7,
        "created_at": "2026-03-02T10:00:00Z",
        "head": {"ref": "PAY-1-invoices", "sha": "0" * 40},
    },
    "repository": {"full_name": "acme/api"},
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer) -> Iterator[RunningPlatform]:
    """A platform that every test here compares with itself, before and after."""
    data_dir = tmp_path_factory.mktemp("bad_input")
    with (
        postgres_server.database(template=postgres_server.template) as url,
        platform(data_dir, url, configuration=CONFIGURATION) as started,
    ):
        yield started


def post(running: RunningPlatform, door: str, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Post a body as it is."""
    address = f"{running.address()}/api/v1/{door}"
    return httpx.post(address, content=body, headers=dict(headers or {}), trust_env=False, timeout=30)


def proof(running: RunningPlatform, door: str, body: bytes) -> dict[str, str]:
    """Return the headers of an honest sender."""
    if door in (DEPLOYMENT, INCIDENT):
        return {"authorization": f"Bearer {running.key}"}
    secret = running.secret("github_webhook_secret" if door == GITHUB else "jira_webhook_secret")
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return {SIGNATURE[door]: f"sha256={signature}", "x-github-event": "pull_request"}


def kept(running: RunningPlatform) -> dict[str, Any]:
    """Return everything that a delivery could leave behind, except for counts of deliveries."""
    health = running.ask("/api/v1/admin/integration-health")
    archived = sum(path.stat().st_size for path in (running.data_dir / "archive").rglob("*") if path.is_file())
    repair = [path.name for path in (running.data_dir / "repair").rglob("*")]
    return {"facts": health["facts"], "unread": health["unread_payloads"], "archived": archived, "repair": repair}


def refusals(running: RunningPlatform, channel: str, reason: str) -> int:
    """Return how many deliveries a door has turned away for a reason."""
    rows = running.ask("/api/v1/admin/integration-health")["deliveries"]
    return sum(
        row["deliveries"]
        for row in rows
        if (row["channel"], row["outcome"], row["reason"]) == (channel, "refused", reason)
    )


def assert_refused(answer: httpx.Response, status: int, code: str, *words: str) -> None:
    """Compare a refusal with what it should be: the envelope of errors, a stable code, and words that help."""
    assert status == answer.status_code, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    refusal = answer.json()
    assert {"status", "error"} == refusal.keys()
    assert ("error", code) == (refusal["status"], refusal["error"]["code"])
    for word in words:
        assert word in refusal["error"]["message"]


@pytest.mark.parametrize(("door", "channel"), [(GITHUB, "github"), (JIRA, "jira")])
@pytest.mark.parametrize("kind", ["missing", "of another secret", "of another body", "no digest at all"])
def test_a_signature_that_proves_nothing(running: RunningPlatform, door: str, channel: str, kind: str) -> None:
    """Without a signature that a secret of ours makes over these bytes: 401, nothing kept, counted."""
    before, counted = kept(running), refusals(running, channel, "signature")
    body = json.dumps(PULL_REQUEST).encode()
    honest = proof(running, door, body)
    other = hmac.new(b"another secret", body, hashlib.sha256).hexdigest()
    headers = {
        "missing": {"x-github-event": "pull_request"},
        "of another secret": honest | {SIGNATURE[door]: f"sha256={other}"},
        "of another body": proof(running, door, body + b" "),
        "no digest at all": honest | {SIGNATURE[door]: "sha256=nonsense"},
    }[kind]
    assert_refused(post(running, door, body, headers), 401, "signature_rejected")
    running.wait_for(lambda: counted + 1 == refusals(running, channel, "signature"))
    assert before == kept(running)


def test_a_token_that_is_not_ours(running: RunningPlatform) -> None:
    """A wrong token in the path of a Jira that cannot sign: 401, counted."""
    before, counted = kept(running), refusals(running, "jira", "token")
    answer = post(running, f"{JIRA}/{'0' * 43}", b"{}")
    assert_refused(answer, 401, "signature_rejected")
    running.wait_for(lambda: counted + 1 == refusals(running, "jira", "token"))
    assert before == kept(running)


@pytest.mark.parametrize("door", [GITHUB, JIRA, DEPLOYMENT, INCIDENT])
def test_a_body_that_is_no_json(running: RunningPlatform, door: str) -> None:
    """A proven body that is no JSON: 400 that names the position, nothing kept, counted."""
    channel = door.rpartition("/")[2]
    before, counted = kept(running), refusals(running, channel, "malformed")
    body = b'{"action": "opened",, "number": 7}'
    answer = post(running, door, body, proof(running, door, body))
    assert_refused(answer, 400, "malformed_payload", "20")
    running.wait_for(lambda: counted + 1 == refusals(running, channel, "malformed"))
    assert before == kept(running)


@pytest.mark.parametrize("is_stated", [True, False])
@pytest.mark.parametrize(("door", "limit"), [(DEPLOYMENT, 1), (INCIDENT, 1), (GITHUB, 25)])
def test_a_body_that_is_too_large(running: RunningPlatform, door: str, limit: int, *, is_stated: bool) -> None:
    """A byte more than the limit, whether it is stated beforehand or not: 413 that names it, nothing kept, counted."""
    channel = door.rpartition("/")[2]
    before, counted = kept(running), refusals(running, channel, "too_large")
    body = b" " * (limit * MEBIBYTE + 1)
    parts = (body[start : start + MEBIBYTE] for start in range(0, len(body), MEBIBYTE))
    answer = httpx.post(
        f"{running.address()}/api/v1/{door}",
        content=body if is_stated else parts,
        headers=proof(running, door, body),
        trust_env=False,
        timeout=30,
    )
    assert_refused(answer, 413, "too_large", f"{limit} MiB")
    running.wait_for(lambda: counted + 1 == refusals(running, channel, "too_large"))
    assert before == kept(running)


@pytest.mark.parametrize("is_stated", [True, False])
def test_a_body_that_is_just_small_enough(running: RunningPlatform, *, is_stated: bool) -> None:
    """A webhook of exactly the limit is taken, whether the sender says its length beforehand or not."""
    body = b'{"zen": "' + b"z" * (25 * MEBIBYTE - 11) + b'"}'
    assert 25 * MEBIBYTE == len(body)
    answer = httpx.post(
        f"{running.address()}/api/v1/{GITHUB}",
        content=body if is_stated else iter((body[: 10 * MEBIBYTE], body[10 * MEBIBYTE :])),
        headers=proof(running, GITHUB, body) | {"x-github-event": "ping"},
        trust_env=False,
        timeout=30,
    )
    assert (202, {"accepted": 0, "duplicates": 0}) == (answer.status_code, answer.json().get("data")), answer.text


@pytest.mark.parametrize("door", [DEPLOYMENT, INCIDENT])
def test_a_push_without_a_key(running: RunningPlatform, door: str) -> None:
    """A push without a key, or with one that nobody made: 401, nothing kept, counted."""
    channel = door.rpartition("/")[2]
    before, counted = kept(running), refusals(running, channel, "key")
    for headers in ({}, {"authorization": "Bearer dpp_no_such_key"}, {"authorization": "Basic Zm9vOmJhcg=="}):
        answer = post(running, door, b"{}", headers)
        assert (401, "error") == (answer.status_code, answer.json()["status"])
        assert "www-authenticate" in answer.headers
    running.wait_for(lambda: counted + 3 == refusals(running, channel, "key"))
    assert before == kept(running)


def test_a_push_with_a_key_for_something_else(running: RunningPlatform) -> None:
    """A key that may only read may not push: 403 that names the permission, counted."""
    before, counted = kept(running), refusals(running, "deployment", "permission")
    made = running.command("keys", "create", "reader", "--permission=metrics:read").stdout.strip()
    answer = post(running, DEPLOYMENT, b"{}", {"authorization": f"Bearer {made}"})
    assert_refused(answer, 403, "forbidden", "events:write")
    running.wait_for(lambda: counted + 1 == refusals(running, "deployment", "permission"))
    assert before == kept(running)


def test_a_push_that_lacks_what_it_needs(running: RunningPlatform) -> None:
    """A push without its fields: 422 that names one of them, nothing kept, counted."""
    before, counted = kept(running), refusals(running, "deployment", "invalid")
    answer = post(running, DEPLOYMENT, b"{}", proof(running, DEPLOYMENT, b"{}"))
    assert_refused(answer, 422, "invalid_input", "is missing")
    running.wait_for(lambda: counted + 1 == refusals(running, "deployment", "invalid"))
    assert before == kept(running)


def test_unknown_fields_are_ignored_and_missing_ones_left_out(running: RunningPlatform) -> None:
    """A webhook with fields that nobody knows and without many that are usual is taken for what it does say."""
    before = running.ask("/api/v1/admin/integration-health")["facts"].get("pr_events", 0)
    body = json.dumps(PULL_REQUEST | {"weather": {"sky": ["blue", None]}}).encode()
    answer = post(running, GITHUB, body, proof(running, GITHUB, body))
    assert (202, {"accepted": 1, "duplicates": 0}) == (answer.status_code, answer.json()["data"])
    running.wait_until_settled()
    assert before + 1 == running.ask("/api/v1/admin/integration-health")["facts"]["pr_events"]


@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b'"text"', b"{}", b"[" * 5000 + b"]" * 5000, b'{"a":' * 5000 + b"1" + b"}" * 5000],
    ids=["a list", "null", "text", "nothing", "deep lists", "deep objects"],
)
@pytest.mark.parametrize("door", [GITHUB, JIRA, DEPLOYMENT, INCIDENT])
def test_json_that_is_nothing_we_know(running: RunningPlatform, door: str, body: bytes) -> None:
    """Whatever JSON an honest sender sends, the fault is never said to be ours."""
    answer = post(running, door, body, proof(running, door, body))
    assert answer.status_code in (202, 400, 422), answer.text
    assert answer.json()["status"] == ("ok" if answer.status_code == 202 else "error")


IMPOSSIBLE = {
    "two streams of one organisation": (
        """
[[tech_streams]]
name = "other"
display_name = "Other"
github_org = "ACME"
github_install_id = "2"
""",
        "github_org",
        ("'ACME'", "'core'"),
    ),
    "an unknown stage": (
        """
[[status_mappings]]
project = "PAY"
status = "Doing"
stage = "devv"
active = true
order = 1
""",
        "stage",
        ("'devv'", "'dev'"),
    ),
    "a bad pattern": (
        """
[[environments]]
pattern = "(prod"
environment = "production"
""",
        "pattern",
        ("pattern",),
    ),
    "an unknown key": (
        """
[[delivery_streams]]
name = "cards"
display_name = "Cards"
colour = "red"
""",
        "colour",
        ("colour",),
    ),
    "no TOML": ("\nthis is = = no TOML\n", "this is", ("TOML",)),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_impossible_configuration(running: RunningPlatform, tmp_path: Path, case: str) -> None:
    """It is refused with the line, in one line without a traceback, and none of the good rest of it is applied."""
    addition, place, words = IMPOSSIBLE[case]
    text = CONFIGURATION.replace('"Payments"', '"Payments and more"') + addition
    file = tmp_path / "impossible.toml"
    file.write_text(text, encoding="utf-8")
    line = max(number for number, row in enumerate(text.splitlines(), 1) if row.startswith(place))
    before = configuration(running)
    refused = running.command("config", "apply", str(file), check=False)
    assert (1, "") == (refused.returncode, refused.stdout)
    assert f"line {line}" in refused.stderr
    assert all(word in refused.stderr for word in words), refused.stderr
    assert "Traceback" not in refused.stderr
    assert before == configuration(running)


def configuration(running: RunningPlatform) -> tuple[str, int]:
    """Return the configuration as a file, and how many versions there have been."""
    exported: subprocess.CompletedProcess[str] = running.command("config", "export")
    with psycopg.connect(running.database_url) as connection:
        (versions,) = connection.execute("SELECT count(*) FROM configuration_versions").fetchone() or (0,)
    return exported.stdout, versions
