"""GitHub's deliveries: verified over their raw bytes, then read (§5.3.3). Pure: headers and bytes in, facts out."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec.json import Decoder

from dpp.adapters.github.decoding import NotUnderstood, decode, json_of
from dpp.adapters.github.ignored import ignored_because
from dpp.adapters.github.payloads import Envelope
from dpp.adapters.github.pipelines import RUN_ACTIONS, read_deployment_status, read_workflow_run
from dpp.adapters.github.pull_requests import PULL_REQUEST_ACTIONS, REVIEW_ACTIONS, read_pull_request, read_review
from dpp.adapters.github.pushes import read_push
from dpp.adapters.github.repositories import (
    INSTALLATION_ACTIONS,
    INSTALLATION_REPOSITORIES_ACTIONS,
    REPOSITORY_ACTIONS,
    read_installation,
    read_installation_repositories,
    read_repository,
)
from dpp.application.reading import Reading, SignatureRejected, Verified, WebhookReader
from dpp.domain.events import Normalised, Outcome, Source

SIGNATURE_HEADER = "x-hub-signature-256"
EVENT_HEADER = "x-github-event"
DELIVERY_HEADER = "x-github-delivery"
_SCHEME = "sha256="

_ENVELOPE = Decoder(Envelope)


class _Read(Protocol):
    """Turns the JSON of one kind of event into facts."""

    def __call__(self, body: bytes, *, action: str | None, reading: Reading) -> Normalised:
        """Raise ``NotUnderstood`` when the JSON has another shape."""


#: What is read (§5.3.2, and what keeps the registry of repositories): the reader, and the actions it reads; None for
#: kinds whose action says nothing.
READERS: Mapping[str, tuple[_Read, frozenset[str] | None]] = {
    "pull_request": (read_pull_request, PULL_REQUEST_ACTIONS),
    "pull_request_review": (read_review, REVIEW_ACTIONS),
    "workflow_run": (read_workflow_run, RUN_ACTIONS),
    "deployment_status": (read_deployment_status, None),
    "push": (read_push, None),
    "installation": (read_installation, INSTALLATION_ACTIONS),
    "installation_repositories": (read_installation_repositories, INSTALLATION_REPOSITORIES_ACTIONS),
    "repository": (read_repository, REPOSITORY_ACTIONS),
}


class GitHubWebhookReader(WebhookReader):
    """Verifies and reads the webhooks of a GitHub App, or of a repository or organisation that sends the same."""

    def verify(self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> Verified:
        """
        Check ``X-Hub-Signature-256`` over the raw bytes (§5.3.3, step 2).

        Args:
            headers: names in lower case.
            secrets: those that are valid now; empty ones make no signature valid.

        Raises:
            SignatureRejected: no signature, or none that any of the secrets makes.
        """
        signature = headers.get(SIGNATURE_HEADER, "").strip()
        if not signature.startswith(_SCHEME):
            raise SignatureRejected("the delivery has no X-Hub-Signature-256; set the webhook's secret at GitHub")
        given = signature.removeprefix(_SCHEME).lower().encode(errors="replace")
        if not any(_signs(secret, body=body, signature=given) for secret in secrets):
            raise SignatureRejected("X-Hub-Signature-256 was made with another secret, or for another body")
        return Verified(
            source=Source.GITHUB,
            kind=headers.get(EVENT_HEADER) or None,
            body=body,
            delivery_id=headers.get(DELIVERY_HEADER) or None,
        )

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """
        Turn a delivery into facts, persons hashed; titles, bodies, logins and names are not among them.

        Raises:
            MalformedPayload: the body is not JSON.
        """
        body = json_of(verified.body)
        try:
            # Decided on the envelope alone, so that a shape nobody cares about cannot be a wrong one.
            action = decode(body, decoder=_ENVELOPE).action
            return _read(body, kind=verified.kind or "", action=action, reading=reading)
        except NotUnderstood as problem:
            return Normalised(outcome=Outcome.UNKNOWN, reason=str(problem))


def _signs(secret: bytes, *, body: bytes, signature: bytes) -> bool:
    return bool(secret) and hmac.compare_digest(hmac.digest(secret, body, "sha256").hex().encode(), signature)


def _read(body: bytes, *, kind: str, action: str | None, reading: Reading) -> Normalised:
    if reason := ignored_because(kind=kind, action=action):
        return Normalised(outcome=Outcome.IGNORED, reason=reason)
    if kind not in READERS:
        raise NotUnderstood("a kind of event in X-GitHub-Event that is neither read nor ignored on purpose")
    read, actions = READERS[kind]
    if actions is not None and action not in actions:
        raise NotUnderstood("an `action` of this kind of event that is neither read nor ignored on purpose")
    return read(body, action=action, reading=reading)
