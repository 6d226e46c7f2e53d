"""The shapes of Jira's REST API, Cloud and Data Center alike, as far as they are read.

Cloud pages a search by ``nextPageToken`` and ends it by ``isLast``; Data Center by ``startAt`` and ``total``. The Agile
API pages both by ``startAt`` and ``isLast``. People are in none of these shapes beside the ticket's own fields, which
hash them.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from dpp.adapters.jira.payloads import EMPTY, Changelog

T = TypeVar("T")


class InlineChangelog(Struct):
    """``changelog`` inside an issue: the latest changes, which may be fewer than ``total``."""

    total: int | None = None
    histories: list[Changelog] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether it says that no change is missing."""
        return self.total is not None and len(self.histories) >= self.total


class ApiIssue(Struct):
    """A ticket as the API gives it."""

    id: str | int | None = None
    key: str | None = None
    fields: Raw = EMPTY
    changelog: InlineChangelog | None = None


class SearchPage(Struct):
    """A page of a search: by token in Cloud, by number in Data Center and in the Agile API."""

    issues: list[ApiIssue]
    next_token: str | None = field(name="nextPageToken", default=None)
    is_last: bool | None = field(name="isLast", default=None)
    start: int | None = field(name="startAt", default=None)
    total: int | None = None


class ValuesPage(Struct, Generic[T]):
    """A page of ``values``: changes, boards or sprints."""

    values: list[T]
    start: int | None = field(name="startAt", default=None)
    is_last: bool | None = field(name="isLast", default=None)
    total: int | None = None


class Board(Struct):
    """A board; only those that are scrum have sprints, and ``simple`` ones may have."""

    id: int
    type: str | None = None


class FieldSchema(Struct):
    """What values a field takes; ``custom`` names the kind of a custom field."""

    type: str | None = None
    items: str | None = None
    custom: str | None = None


class FieldRow(Struct):
    """One of the fields that a Jira has."""

    id: str
    name: str | None = None
    custom: bool = False
    schema: FieldSchema | None = None


class ServerInfo(Struct):
    """What a Jira says of itself."""

    deployment: str | None = field(name="deploymentType", default=None)


SEARCH = msgspec.json.Decoder(SearchPage)
CHANGES = msgspec.json.Decoder(ValuesPage[Changelog])
BOARDS = msgspec.json.Decoder(ValuesPage[Board])
SPRINTS = msgspec.json.Decoder(ValuesPage[object])
ISSUE = msgspec.json.Decoder(ApiIssue)
FIELDS = msgspec.json.Decoder(list[FieldRow])
SERVER_INFO = msgspec.json.Decoder(ServerInfo)
