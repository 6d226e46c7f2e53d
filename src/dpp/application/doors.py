"""The doors that deliveries come through: each verifies in its own way, then all go the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dpp.application.current import CurrentConfiguration
from dpp.application.deliveries import Appended
from dpp.application.enrich import tech_stream_of
from dpp.application.ingest import Intake
from dpp.application.keys import ApiKeys
from dpp.application.ports import Clock
from dpp.application.rates import Allowance, TooManyRequests
from dpp.application.reading import (
    MalformedPayload,
    PushFormat,
    PushReader,
    Reading,
    SignatureRejected,
    TokenReader,
    UnknownStreamNamed,
    Verified,
    WebhookReader,
)
from dpp.application.secrets import SecretMissing, Secrets
from dpp.application.signatures import is_signed
from dpp.domain.access import Permission, Principal, StreamScope
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Forbidden, InvalidInput, Unauthenticated
from dpp.domain.events import Facts, Normalised
from dpp.domain.privacy import Pseudonymiser

GITHUB_SECRET = "github_webhook_secret"  # noqa: S105 - the name of a secret, not the secret
JIRA_SECRET = "jira_webhook_secret"  # noqa: S105
JIRA_TOKEN = "jira_webhook_token"  # noqa: S105
PAGERDUTY_SECRET = "pagerduty_webhook_secret"  # noqa: S105
PAGERDUTY_SIGNATURE = "x-pagerduty-signature"


#: What one key may push in each process: a backlog of some weeks at once, and more than any pipeline makes after that.
PUSHES_AT_ONCE = 10_000
PUSHES_PER_SECOND = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The readers of the sources."""

    github: WebhookReader
    jira: TokenReader
    deployment: PushReader
    incident: PushReader
    survey: PushReader
    formats: Mapping[PushFormat, PushReader]


class Doors:
    """One method a door; each returns what was new, or raises what the sender should hear."""

    def __init__(
        self,
        *,
        intake: Intake,
        configuration: CurrentConfiguration,
        secrets: Secrets,
        pseudonymiser: Pseudonymiser,
        readers: Readers,
        keys: ApiKeys,
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._configuration = configuration
        self._secrets = secrets
        self._pseudonymiser = pseudonymiser
        self._readers = readers
        self._keys = keys
        self._clock = clock
        self._pushes = Allowance(burst=PUSHES_AT_ONCE, per_second=PUSHES_PER_SECOND)

    async def github(self, *, headers: Mapping[str, str], body: bytes) -> Appended:
        """Take a signed webhook from GitHub (§5.3.3).

        Raises:
            SignatureRejected: the signature is missing or wrong.
            MalformedPayload: the body is not JSON.
        """
        try:
            verified = self._readers.github.verify(
                headers=headers, body=body, secrets=self._secrets.candidates(GITHUB_SECRET)
            )
        except SignatureRejected:
            self._intake.refused(channel="github", reason="signature")
            raise
        return await self._webhook(self._readers.github, verified, channel="github")

    async def jira(self, *, headers: Mapping[str, str], body: bytes) -> Appended:
        """Take a signed webhook from Jira.

        Raises:
            SignatureRejected: the signature is missing or wrong.
            MalformedPayload: the body is not JSON.
        """
        try:
            verified = self._readers.jira.verify(
                headers=headers, body=body, secrets=self._secrets.candidates(JIRA_SECRET)
            )
        except SignatureRejected:
            self._intake.refused(channel="jira", reason="signature")
            raise
        return await self._webhook(self._readers.jira, verified, channel="jira")

    async def jira_by_token(self, *, token: str, body: bytes) -> Appended:
        """Take a webhook from a Jira that cannot sign.

        Raises:
            SignatureRejected: the token is wrong.
            MalformedPayload: the body is not JSON.
        """
        try:
            verified = self._readers.jira.verify_token(
                token=token, secrets=self._secrets.candidates(JIRA_TOKEN), body=body
            )
        except SignatureRejected:
            self._intake.refused(channel="jira", reason="token")
            raise
        return await self._webhook(self._readers.jira, verified, channel="jira")

    async def deployment(self, *, headers: Mapping[str, str], body: bytes) -> Appended:
        """Take a deployment event from a pipeline (§5.4.2).

        Raises:
            Unauthenticated: there is no API key, or not a valid one.
            Forbidden: the key may not write events, or not those of this repository.
            InvalidInput: the body is not JSON (MalformedPayload), or a field cannot be used.
        """
        return await self._push(self._readers.deployment, headers=headers, body=body, channel="deployment")

    async def incident(self, *, headers: Mapping[str, str], body: bytes) -> Appended:
        """Take an incident event from a monitoring system (§5.4.2).

        Raises:
            Unauthenticated: there is no API key, or not a valid one.
            Forbidden: the key may not write events, or not those of this service.
            InvalidInput: the body is not JSON (MalformedPayload), or a field cannot be used.
        """
        return await self._push(self._readers.incident, headers=headers, body=body, channel="incident")

    async def survey(self, *, headers: Mapping[str, str], body: bytes) -> Appended:
        """Take answers to the survey from an external form tool (§5.5.1).

        Raises:
            Unauthenticated: there is no API key, or not a valid one.
            Forbidden: the key may not write events, or not those of this delivery stream.
            InvalidInput: the body is not JSON (MalformedPayload), or a field cannot be used.
        """
        return await self._push(self._readers.survey, headers=headers, body=body, channel="survey")

    async def foreign(self, form: PushFormat, *, headers: Mapping[str, str], body: bytes) -> Appended:
        """Take what another system pushes in a format of its own (§5.4.1); what cannot be used is kept for repair.

        PagerDuty may sign in place of a key, once the secret of its subscription is there.

        Raises:
            SignatureRejected: it is signed, and by no known secret.
            Unauthenticated: there is no API key, or not a valid one.
            Forbidden: the key may not write events, or not those of this repository or service.
            InvalidInput: the body is not JSON (MalformedPayload), or no object and no list of them.
        """
        reader = self._readers.formats[form]
        if form is PushFormat.PAGERDUTY and self._check_pagerduty(headers, body):
            return await self._accept_push(reader, headers, body, channel=form.value, principal=None)
        return await self._push(reader, headers=headers, body=body, channel=form.value)

    def _check_pagerduty(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Tell whether PagerDuty proves itself by a signature; a key, where one is shown, is what counts.

        Raises:
            SignatureRejected: there is a signature, but none that a known secret makes.
        """
        claimed = headers.get(PAGERDUTY_SIGNATURE)
        if not claimed or "authorization" in headers:
            return False
        try:
            secrets = self._secrets.candidates(PAGERDUTY_SECRET)
        except SecretMissing:
            return False
        if not is_signed(body, claimed, secrets=secrets):
            self._intake.refused(channel=PushFormat.PAGERDUTY.value, reason="signature")
            raise SignatureRejected("no known secret makes this X-PagerDuty-Signature")
        return True

    def has_seen(self, header: str | None) -> bool:
        """Tell, without asking the store, whether the key that a header names was read lately."""
        return self._keys.has_seen(header)

    def refused_too_large(self, *, channel: str) -> None:
        """Count a delivery whose body exceeded the limit of its door."""
        self._intake.refused(channel=channel, reason="too_large")

    async def _webhook(self, reader: WebhookReader, verified: Verified, *, channel: str) -> Appended:
        try:
            normalised = reader.normalise(verified, reading=self._reading())
        except MalformedPayload:
            self._intake.refused(channel=channel, reason="malformed")
            raise
        return await self._intake.accept(verified, normalised, channel=channel)

    async def _push(self, reader: PushReader, *, headers: Mapping[str, str], body: bytes, channel: str) -> Appended:
        try:
            principal = await self._keys.verify(headers.get("authorization"))
        except Unauthenticated:
            self._intake.refused(channel=channel, reason="key")
            raise
        if Permission.EVENTS_WRITE not in principal.permissions:
            self._intake.refused(channel=channel, reason="permission")
            raise Forbidden("This API key may not write events; it needs the permission events:write")
        try:
            # After the key has proved itself: nobody else can use up what it may send.
            self._pushes.take(str(principal.id), self._clock.now())
        except TooManyRequests:
            self._intake.refused(channel=channel, reason="rate")
            raise
        return await self._accept_push(reader, headers, body, channel=channel, principal=principal)

    async def _accept_push(
        self, reader: PushReader, headers: Mapping[str, str], body: bytes, *, channel: str, principal: Principal | None
    ) -> Appended:
        """Read and keep what a known sender pushes; without a principal it is a system, and no key for streams."""
        scope = StreamScope.everything() if principal is None else principal.scope
        verified = reader.verified(body=body, idempotency_key=headers.get("x-idempotency-key"))
        reading = self._reading()
        try:
            normalised = self._read_push(reader, verified, reading=reading, channel=channel, scope=scope)
            _check_scope(scope, normalised, configuration=reading.configuration)
        except Forbidden:
            self._intake.refused(channel=channel, reason="scope")
            raise
        return await self._intake.accept(verified, normalised, channel=channel)

    def _read_push(
        self, reader: PushReader, verified: Verified, *, reading: Reading, channel: str, scope: StreamScope
    ) -> Normalised:
        try:
            return reader.normalise(verified, reading=reading)
        except UnknownStreamNamed:
            if not scope.is_all:
                # A key for some streams is not told which others there are.
                raise _not_yours() from None
            self._intake.refused(channel=channel, reason="invalid")
            raise
        except InvalidInput as error:
            self._intake.refused(
                channel=channel, reason="malformed" if isinstance(error, MalformedPayload) else "invalid"
            )
            raise

    def _reading(self) -> Reading:
        return Reading(configuration=self._configuration.value, pseudonymiser=self._pseudonymiser)


def _check_scope(scope: StreamScope, normalised: Normalised, *, configuration: Configuration) -> None:
    """Refuse facts about streams that the key is not for (§3.2.3)."""
    facts = normalised.facts
    if scope.is_all:
        return
    answered = {fact.delivery_stream_id for fact in facts.pulses}
    if not all(scope.sees(delivery_stream_id=stream) for stream in answered):
        raise _not_yours()
    for stream in _tech_streams(facts, configuration=configuration):
        if not scope.sees(delivery_stream_id=None, tech_stream_ids=() if stream is None else (stream,)):
            raise Forbidden("This API key may not write events of that repository or service; it is for other streams")


def _not_yours() -> Forbidden:
    return Forbidden("This API key may not write answers of that delivery stream; it is for other streams")


def _tech_streams(facts: Facts, *, configuration: Configuration) -> list[object]:
    streams: list[object] = [
        tech_stream_of(event.repository, configuration=configuration) if event.repository else None
        for event in facts.cicd
    ]
    targets = {_service(row.deploy_target): row.full_name for row in configuration.repositories if row.deploy_target}
    for event in facts.incidents:
        org = targets.get(_service(event.service_name), "").partition("/")[0]
        stream = configuration.tech_stream_of(org=org) if org else None
        streams.append(stream.stream_id if stream else None)
    return streams


def _service(name: str) -> str:
    """Return the part of a deploy target that a monitoring system knows: what follows the colon, or all of it."""
    return name.rpartition(":")[2]
