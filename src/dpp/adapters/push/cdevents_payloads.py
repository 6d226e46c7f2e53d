"""What of a CDEvent is read; members that the platform does not know are skipped while decoding."""

from __future__ import annotations

from msgspec import Raw, Struct


class Context(Struct, frozen=True, kw_only=True):
    """What every event has."""

    id: str | None = None
    type: str | None = None
    timestamp: str | None = None


class Reference(Struct, frozen=True, kw_only=True):
    """Something that the event refers to; environments may have a name beside an id that says little."""

    id: str | None = None
    name: str | None = None


class Content(Struct, frozen=True, kw_only=True, rename="camel"):
    """What subjects of several kinds have, each some of it."""

    environment: Reference | None = None
    service: Reference | None = None
    pipeline_run: Reference | None = None
    artifact_id: str | None = None
    pipeline_name: str | None = None
    task_name: str | None = None
    outcome: str | None = None
    errors: str | None = None
    description: str | None = None


class Subject(Struct, frozen=True, kw_only=True):
    """What the event is about."""

    id: str | None = None
    content: Content = Content()


class Custom(Struct, frozen=True, kw_only=True):
    """What a sender may add, since the specification has no place for it in these events."""

    repo_full_name: str | None = None
    commit_sha: str | None = None


class Head(Struct, frozen=True, kw_only=True):
    """The part of an event that tells whether the rest is read."""

    context: Context


class Event(Struct, frozen=True, kw_only=True, rename="camel"):
    """An event that is read."""

    context: Context
    subject: Subject
    custom_data: Raw = Raw()
