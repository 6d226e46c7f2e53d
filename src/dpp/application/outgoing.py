"""Requests over HTTP to systems that are asked: one attempt each; who asks decides what is worth another one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dpp.domain.errors import InvalidInput

Method = Literal["GET", "POST"]


class UnusableAddress(InvalidInput):
    """What is configured is no address that can be asked."""

    code = "unusable_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. ``headers`` and ``body`` may hold secrets and never show."""

    method: Method = "GET"
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, headers by lower-case name, and a body; status 0 is that no (whole) answer came in time."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def is_web_page(self) -> bool:
        """Whether the body is a page for people and no data."""
        return self.body[:100].lstrip().startswith(b"<")


class Http(Protocol):
    """Sends requests."""

    @abstractmethod
    async def ask(self, request: Request) -> Answer:
        """Return what came back, whatever its status; status 0 when nothing did, not all of it, or far too much.

        Raises:
            UnusableAddress: the address cannot be asked.
        """
