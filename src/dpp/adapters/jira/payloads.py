"""The shapes of Jira's deliveries, Cloud and Server alike, as far as they are read.

Decoding is in steps: the envelope first, so that what is ignored on purpose costs nothing more; then the parts that its
kind needs. Everything that Jira may leave out is optional; nothing that names a person is kept beyond hashing.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from dpp.application.reading import MalformedPayload

T = TypeVar("T")

Scalar = str | int | float | bool | None
EMPTY = Raw()


class Unreadable(Exception):
    """The body is JSON, but not as Jira writes it; the message names the field and quotes no value."""


class Delivery(Struct):
    """The envelope of every webhook; only ``webhookEvent`` is read at once."""

    event: str | None = field(name="webhookEvent", default=None)
    kind: Scalar = field(name="issue_event_type_name", default=None)
    timestamp: Scalar = None
    issue: Raw = EMPTY
    changelog: Raw = EMPTY
    comment: Raw = EMPTY
    sprint: Raw = EMPTY


class Issue(Struct):
    """``issue``; its fields are read by their own structs."""

    id: str | int | None = None
    key: str | None = None
    fields: Raw = EMPTY


class Named(Struct):
    """An issue type, status, priority, resolution or component."""

    name: str | None = None
    id: Scalar = None


class Project(Struct):
    """``fields.project``."""

    key: str | None = None


class User(Struct):
    """A person, by the ids of Cloud and Server; names and addresses are not even decoded."""

    account_id: str | None = field(name="accountId", default=None)
    key: str | None = None
    name: str | None = None


class IssueType(Struct):
    """The type of a parent; ``hierarchyLevel`` is Cloud's alone, 1 and above for epics."""

    name: str | None = None
    level: Scalar = field(name="hierarchyLevel", default=None)


class LinkedFields(Struct):
    """What a parent shows of itself."""

    issuetype: IssueType | None = None


class Linked(Struct):
    """A parent, or the other end of a link."""

    key: str | None = None
    fields: LinkedFields | None = None


class LinkType(Struct):
    """How a link reads from either end."""

    inward: str | None = None
    outward: str | None = None


class Link(Struct):
    """One of ``fields.issuelinks``; it has one of the two ends."""

    type: LinkType | None = None
    inward_issue: Linked | None = field(name="inwardIssue", default=None)
    outward_issue: Linked | None = field(name="outwardIssue", default=None)


class IssueFields(Struct):
    """The fields that every Jira has under the same ids."""

    issuetype: Named | None = None
    project: Project | None = None
    status: Named | None = None
    priority: Named | None = None
    resolution: Named | None = None
    assignee: User | None = None
    parent: Linked | None = None
    labels: list[str] | None = None
    components: list[Named] | None = None
    issuelinks: list[Link] | None = None
    created: Scalar = None


class ChangedField(Struct):
    """One item of a changelog. Server gives no ``fieldId``."""

    field: str | None = None
    field_id: str | None = msgspec.field(name="fieldId", default=None)
    field_type: str | None = msgspec.field(name="fieldtype", default=None)
    old: Scalar = msgspec.field(name="from", default=None)
    old_text: str | None = msgspec.field(name="fromString", default=None)
    new: Scalar = msgspec.field(name="to", default=None)
    new_text: str | None = msgspec.field(name="toString", default=None)


class Changelog(Struct):
    """What one change did."""

    id: str | int | None = None
    created: Scalar = None
    items: list[ChangedField] | None = None


class Comment(Struct):
    """A comment in the delivery of a change; ``body`` is text or a document tree."""

    body: object = None


DELIVERY = msgspec.json.Decoder(Delivery)
ISSUE = msgspec.json.Decoder(Issue | None)
ISSUE_FIELDS = msgspec.json.Decoder(IssueFields | None)
CUSTOM_FIELDS = msgspec.json.Decoder(dict[str, Raw])
OBJECT = msgspec.json.Decoder(dict[str, Any])
CHANGELOG = msgspec.json.Decoder(Changelog | None)
COMMENT = msgspec.json.Decoder(Comment | None)
ANYTHING = msgspec.json.Decoder()

_PATH = re.compile(r"`\$(?P<path>[^`]*)`$")
_BYTE = re.compile(r"\(byte (?P<position>\d+)\)$")


def read(decoder: msgspec.json.Decoder[T], raw: bytes | Raw, *, at: str) -> T:
    """
    Decode a part of a delivery.

    Args:
        at: where the part is, in words such as ``issue.fields``; empty for the whole.

    Raises:
        Unreadable: the part has another shape; the message says where.
        msgspec.DecodeError: it is no JSON.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        found = _PATH.search(str(error))
        path = f"{at}{found['path']}" if found else at
        raise Unreadable(f"{path.lstrip('.') or 'the body'} has an unexpected shape") from None


def malformed(body: bytes) -> MalformedPayload:
    """Return the error for a body that cannot be decoded, with the position of the first byte at fault where one is."""
    text = ""
    try:
        text = body.decode()
        json.loads(text)  # names the place more exactly than msgspec, but lets NaN pass
        ANYTHING.decode(body)
    except UnicodeDecodeError as error:
        return MalformedPayload(f"the body is not UTF-8: byte {error.start} begins no character")
    except RecursionError:
        return MalformedPayload("the body is nested too deeply to be read")
    except json.JSONDecodeError as error:
        position = len(text[: error.pos].encode())
        return MalformedPayload(f"the body is not JSON: what stands at byte {position} cannot follow")
    except msgspec.DecodeError as error:
        found = _BYTE.search(str(error))
        position = int(found["position"]) if found else len(body)
        return MalformedPayload(f"the body is not JSON: what stands at byte {position} cannot follow")
    return MalformedPayload("the body is not JSON that can be read")


def mended(body: bytes) -> bytes | None:
    """
    Return the body with halves of characters replaced, or None when it is not JSON for another reason.

    Programs that cut texts at a length may cut a surrogate pair in two; that is no reason to lose the delivery.
    """
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return None
