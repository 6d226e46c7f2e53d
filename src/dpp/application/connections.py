"""The connections to GitHub and Jira: what they lack, and whether they answer when somebody asks (§5.2, §5.3)."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from dpp.application.access_ports import AuditEntry, AuditLog
from dpp.application.backfill import BackfillStore
from dpp.application.ports import Clock
from dpp.application.secrets import SecretMissing, Secrets
from dpp.application.source_errors import SourceUnavailable
from dpp.domain.access import Principal
from dpp.domain.errors import Conflict

EXAMINED_SECONDS = 30.0
"""Somebody waits for the answer: what has not answered by then does not."""
ACTION = "connection.tested"


class ConnectedSource(StrEnum):
    """A source that is asked."""

    GITHUB = "github"
    JIRA = "jira"


class NeededSecret(NamedTuple):
    """A secret, what it is for, and whether anything works without it."""

    name: str
    purpose: str
    is_alternative: bool = False


#: What each source needs, beside what is configured.
NEEDED: Mapping[ConnectedSource, Sequence[NeededSecret]] = {
    ConnectedSource.GITHUB: (
        NeededSecret("github_app_private_key", "to ask GitHub as the App"),
        NeededSecret("github_webhook_secret", "to know its webhooks by their signature"),
    ),
    ConnectedSource.JIRA: (
        NeededSecret("jira_api_token", "to ask Jira as the service account"),
        NeededSecret("jira_webhook_secret", "to know its webhooks by their signature"),
        NeededSecret("jira_webhook_token", "to know webhooks of a Jira that cannot sign by their path", True),
    ),
}


class SecretState(NamedTuple):
    """A needed secret and whether it is there; never what it is."""

    secret: NeededSecret
    is_set: bool


class Examined(NamedTuple):
    """One thing that a source was asked for: whether it came, and what came or what to do."""

    about: str
    is_well: bool
    found: str


class NotConnected(Conflict):
    """There is nothing to ask: no address, or no account, is configured."""

    code = "not_connected"


class ConnectionBusy(Conflict):
    """The connection is being tested already."""

    code = "connection_busy"


class Probe(Protocol):
    """A source as it is configured at the moment."""

    @abstractmethod
    async def examine(self) -> Sequence[Examined]:
        """
        Ask for little, at the configured address and nowhere else, and store nothing of it.

        Returns:
            What was asked for, one row or more.

        Raises:
            NotConnected: none is configured.
            SourceUnavailable: it does not answer, or refuses; the message says what to do.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """
    Looks after the connections.

    Args:
        probes: asks the sources.
        secrets: says which there are.
        notes: keeps how the sources answered last.
        log: has on record who tested what.
        clock: tells the time.
    """

    probes: Mapping[ConnectedSource, Probe]
    secrets: Secrets
    notes: BackfillStore
    log: AuditLog
    clock: Clock
    _busy: set[ConnectedSource] = field(default_factory=set)

    def secrets_of(self, source: ConnectedSource) -> list[SecretState]:
        """Return what a source needs, each with whether it is there."""
        return [SecretState(secret, self._is_set(secret.name)) for secret in NEEDED[source]]

    async def examine(self, principal: Principal, source: ConnectedSource) -> Sequence[Examined]:
        """
        Ask a source whether it answers, note it for the page of integration health, and put on record who asked.

        Raises:
            NotConnected: none is configured.
            ConnectionBusy: somebody does so at the moment.
        """
        if source in self._busy:
            raise ConnectionBusy(f"The connection to {source} is being tested at the moment; wait for the answer")
        self._busy.add(source)
        try:
            found = await self._asked(source)
        finally:
            self._busy.discard(source)
        failed = next((f"{row.about}: {row.found}" for row in found if not row.is_well), None)
        now = self.clock.now()
        await self.notes.note(source.value, at=now, reason=failed)
        details = {"is_well": failed is None, "reason": failed}
        entry = AuditEntry(
            occurred_at=now, actor=principal.actor, action=ACTION, subject=f"connection:{source}", details=details
        )
        await self.log.record(entry)
        return found

    async def _asked(self, source: ConnectedSource) -> Sequence[Examined]:
        probe = self.probes.get(source)
        if probe is None:
            raise NotConnected(f"Nothing here asks {source}")
        try:
            async with asyncio.timeout(EXAMINED_SECONDS):
                return await probe.examine()
        except SourceUnavailable as error:
            return [Examined("the connection", False, str(error))]
        except TimeoutError:
            silent = (
                f"no answer came within {EXAMINED_SECONDS:.0f} seconds; check the address, and that it can be reached"
            )
            return [Examined("the connection", False, silent)]

    def _is_set(self, name: str) -> bool:
        try:
            self.secrets.get(name)
        except SecretMissing:
            return False
        return True
