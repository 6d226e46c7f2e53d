"""What a source's reader is given and what it gives back: bytes in, facts out, nothing else touched."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from dpp.domain.configuration import Configuration
from dpp.domain.errors import InvalidInput, Unauthenticated
from dpp.domain.events import Normalised, Source
from dpp.domain.privacy import Pseudonymiser


class SignatureRejected(Unauthenticated):
    """The delivery carries no signature, or none that a valid secret makes; nothing of it was read."""

    code = "signature_rejected"


class MalformedPayload(InvalidInput):
    """The body is not JSON; the message names the position."""

    code = "malformed_payload"


class UnknownStreamNamed(InvalidInput):
    """A push names a stream that is not configured; only senders who may know all streams are told so."""

    code = "stream_unknown"


class PushFormat(StrEnum):
    """The formats of other systems that are taken as these send them; each has a door of its name."""

    CDEVENTS = "cdevents"
    ALERTMANAGER = "alertmanager"
    PAGERDUTY = "pagerduty"
    OPSGENIE = "opsgenie"
    GRAFANA = "grafana"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Raw bytes whose sender has proved who they are.

    ``kind`` is the source's own name of the event (``pull_request``, ``jira:issue_updated``); None where only the body
    tells. ``delivery_id`` is the source's name of the delivery, where it has one.
    """

    source: Source
    kind: str | None
    body: bytes
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reader may know beside the payload: how the organisation is configured, and how persons are hashed."""

    configuration: Configuration
    pseudonymiser: Pseudonymiser


class WebhookReader(Protocol):
    """Verifies and reads the deliveries of one source. Pure: no clock, no store, no network."""

    @abstractmethod
    def verify(self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> Verified:
        """Check the signature over the raw bytes with each secret in constant time.

        Raises:
            SignatureRejected: no signature, or none that any of the secrets makes.
        """

    @abstractmethod
    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Turn the payload into facts, persons hashed.

        Raises:
            MalformedPayload: the body is not JSON.
        """


class TokenReader(WebhookReader, Protocol):
    """A webhook reader for systems that may be unable to sign."""

    @abstractmethod
    def verify_token(self, *, token: str, secrets: Sequence[bytes], body: bytes) -> Verified:
        """Check an unguessable token that stands for the signature, in constant time.

        Raises:
            SignatureRejected: it equals none of the secrets.
        """


class PushReader(Protocol):
    """Reads what pipelines and monitoring systems push; the sender has shown an API key."""

    @abstractmethod
    def verified(self, *, body: bytes, idempotency_key: str | None) -> Verified:
        """Wrap a body whose sender is known."""

    @abstractmethod
    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """Turn the payload into facts.

        Raises:
            MalformedPayload: the body is not JSON.
            InvalidInput: a field is missing or cannot be used; the message names it and the remedy.
        """
