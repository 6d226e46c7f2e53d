"""Jira webhooks (§5.2.3): verified over the raw bytes, then turned into facts. Pure: no clock, no store, no network."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

import msgspec

from dpp.adapters.jira import facts, ignored, payloads
from dpp.adapters.jira.changelog import Meaning, changes
from dpp.adapters.jira.comments import blocked_reason
from dpp.adapters.jira.facts import Occasion
from dpp.adapters.jira.fields import ticket
from dpp.adapters.jira.payloads import Changelog, Delivery, Unreadable, malformed, mended, read
from dpp.adapters.jira.sprints import sprint
from dpp.adapters.jira.times import moment
from dpp.adapters.jira.values import cleaned
from dpp.application.reading import Reading, SignatureRejected, Verified, WebhookReader
from dpp.domain.events import Facts, Normalised, Outcome, Source

SIGNATURE_HEADER = "x-hub-signature"
DELIVERY_HEADER = "x-atlassian-webhook-identifier"
_METHOD = "sha256="
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NO_TIME = "neither the changelog nor the payload says when it happened (changelog.created, timestamp)"


class _Named(msgspec.Struct):
    """Of a delivery the name alone; everything else is skipped over."""

    event: str | None = msgspec.field(name="webhookEvent", default=None)


_NAMED = msgspec.json.Decoder(_Named)


class JiraReader(WebhookReader):
    """Reads what Jira Cloud, Server and Data Center send."""

    def verify(self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> Verified:
        """
        Check ``X-Hub-Signature``, HMAC-SHA256 over the body (decision 0018).

        Args:
            headers: names in any case.
            secrets: the current one and the one that is being rotated out; empty ones prove nothing.

        Raises:
            SignatureRejected: there is no signature, or none that any of the secrets makes.
        """
        signature = _header(headers, SIGNATURE_HEADER)
        if not signature:
            raise SignatureRejected("the delivery has no X-Hub-Signature header")
        claimed = signature.strip().lower().encode()
        made = [f"{_METHOD}{hmac.digest(secret, body, 'sha256').hex()}".encode() for secret in secrets if secret]
        if not _any_equal(claimed, made):
            raise SignatureRejected("no known secret makes this X-Hub-Signature")
        return _verified(body, _header(headers, DELIVERY_HEADER))

    def verify_token(self, token: str, *, secrets: Sequence[bytes], body: bytes) -> Verified:
        """
        Check the unguessable part of the path, for systems that cannot sign (decision 0018).

        Raises:
            SignatureRejected: it is none of the secrets.
        """
        # Digests have one length, so that the time taken does not tell the length of the secret either.
        known = [sha256(secret).digest() for secret in secrets if secret]
        if not _any_equal(sha256(token.encode("utf-8", "surrogatepass")).digest(), known):
            raise SignatureRejected("the token in the path is not a known one")
        return _verified(body, None)

    def normalise(self, verified: Verified, *, reading: Reading) -> Normalised:
        """
        Turn a delivery into facts, people hashed; texts that people wrote are dropped or scrubbed.

        Raises:
            MalformedPayload: the body is not JSON; the message names the byte.
        """
        try:
            return _normalised(verified.body, reading)
        except _UNDECODABLE as error:
            body = mended(verified.body)
            if body is None or body == verified.body:
                raise malformed(verified.body) from error
        try:
            return _normalised(body, reading)
        except _UNDECODABLE as error:
            raise malformed(verified.body) from error


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _any_equal(claimed: bytes, known: Sequence[bytes]) -> bool:
    """Compare with every one, so that the time taken does not tell which of them it was."""
    return any([hmac.compare_digest(claimed, one) for one in known])


def _verified(body: bytes, delivery_id: str | None) -> Verified:
    return Verified(source=Source.JIRA, kind=_kind(body), body=body, delivery_id=delivery_id)


def _kind(body: bytes) -> str | None:
    """Return ``webhookEvent``, which no header tells; None where there is none to be read, which is said later."""
    try:
        return cleaned(_NAMED.decode(body).event)
    except _UNDECODABLE:
        again = mended(body)
    try:
        return None if again is None else cleaned(_NAMED.decode(again).event)
    except _UNDECODABLE:
        return None


def _normalised(body: bytes, reading: Reading) -> Normalised:
    try:
        delivery = read(payloads.DELIVERY, body, at="")
        if delivery.event is None:
            raise Unreadable("webhookEvent is missing")
        if understand := _UNDERSTOOD.get(delivery.event):
            return understand(delivery, reading)
    except Unreadable as reason:
        return Normalised(outcome=Outcome.UNKNOWN, reason=str(reason))
    if reason_to_ignore := ignored.reason_to_ignore(delivery.event):
        return _ignored(reason_to_ignore)
    return Normalised(outcome=Outcome.UNKNOWN, reason="webhookEvent is none that the platform knows")


def _created(delivery: Delivery, reading: Reading) -> Normalised:
    found = ticket(delivery.issue, reading=reading)
    delivered_at = moment(delivery.timestamp)
    at = found.created_at or delivered_at
    if at is None:
        raise Unreadable("nothing says when it happened (issue.fields.created, timestamp)")
    sprints = facts.sprint_facts(found, at=delivered_at or at)
    return _understood(facts.created(found, at=at) + Facts(sprints=sprints))


def _deleted(delivery: Delivery, reading: Reading) -> Normalised:
    found = ticket(delivery.issue, reading=reading)
    at = moment(delivery.timestamp)
    if at is None:
        raise Unreadable("nothing says when it happened (timestamp)")
    return _understood(facts.deleted(found, at=at))


def _updated(delivery: Delivery, reading: Reading) -> Normalised:
    log = read(payloads.CHANGELOG, delivery.changelog, at="changelog") if delivery.changelog else None
    if log is None or not log.items:
        return _without_changes(delivery, log)
    found = ticket(delivery.issue, reading=reading)
    what = changes(log.items, configured=found.configured)
    if not what:
        return _ignored(ignored.NOTHING_KEPT)
    delivered_at = moment(delivery.timestamp)
    at = moment(log.created) or delivered_at
    if at is None:
        raise Unreadable(_NO_TIME)
    change_id = cleaned(str(log.id)) if log.id is not None else None
    occasion = Occasion(ticket=found, at=at, change_id=change_id)
    reason = blocked_reason(delivery.comment) if Meaning.FLAGGED in what else None
    made = facts.changed(occasion, what, blocked_reason=reason)
    if not made:
        return _ignored(ignored.NOTHING_KEPT)
    return _understood(made + Facts(sprints=facts.sprint_facts(found, at=delivered_at or at)))


def _without_changes(delivery: Delivery, log: Changelog | None) -> Normalised:
    """Comments and logged work come as updates without a changelog; without either, what changed is not told."""
    if bytes(delivery.comment) not in (b"", b"null") or str(delivery.kind or "").startswith(ignored.SIDE_KINDS):
        return _ignored(ignored.COMMENTED)
    if log is None or log.items is None:
        raise Unreadable("changelog.items is missing, so that nothing tells what changed")
    return _ignored(ignored.EMPTY_CHANGELOG)


def _sprint(delivery: Delivery, _: Reading) -> Normalised:
    at = moment(delivery.timestamp)
    found = sprint(payloads.ANYTHING.decode(delivery.sprint)) if delivery.sprint else None
    if found is None:
        raise Unreadable("sprint is missing, or has no id")
    if at is None:
        raise Unreadable("nothing says when it happened (timestamp)")
    fact = found.fact(at)
    if fact is None:
        raise Unreadable("sprint.name or sprint.state is missing or none that Jira has")
    return _understood(Facts(sprints=(fact,)))


_UNDERSTOOD: Mapping[str, Callable[[Delivery, Reading], Normalised]] = {
    "jira:issue_created": _created,
    "jira:issue_updated": _updated,
    "jira:issue_deleted": _deleted,
    "sprint_created": _sprint,
    "sprint_updated": _sprint,
    "sprint_started": _sprint,
    "sprint_closed": _sprint,
}


def _understood(made: Facts) -> Normalised:
    return Normalised(outcome=Outcome.UNDERSTOOD, facts=made)


def _ignored(reason: str) -> Normalised:
    return Normalised(outcome=Outcome.IGNORED, reason=reason)
