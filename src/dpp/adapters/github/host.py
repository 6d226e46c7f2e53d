"""GitHub as a host that is asked by the clock: its register, what has changed lately, and webhooks that failed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.json import Decoder

from dpp.adapters.github.api import GitHubApi, PermissionMissing
from dpp.adapters.github.decoding import Id, Time
from dpp.adapters.github.history import installed
from dpp.adapters.github.source import GitHubSource
from dpp.application.backfill import HistoryPage
from dpp.application.code_polling import CodeHost
from dpp.application.cursors import Cursors
from dpp.domain.configuration import Configuration

MOST_DELIVERY_PAGES = 50
MOST_SENT_AGAIN = 500


class _SentWebhook(Struct, frozen=True):
    id: Id
    guid: str
    status_code: int
    delivered_at: Time
    redelivery: bool = False


_SENT = Decoder(tuple[_SentWebhook, ...])


class GitHubHost(CodeHost):
    """
    Asks for what is new.

    Args:
        api: asks for what belongs to the App itself.
        source: asks for what belongs to organisations.
        configuration: gives the configuration at hand.
    """

    def __init__(self, *, api: GitHubApi, source: GitHubSource, configuration: Callable[[], Configuration]) -> None:
        self._api = api
        self._source = source
        self._configuration = configuration

    @property
    def name(self) -> str:
        """``github``."""
        return "github"

    def organisations(self) -> Sequence[str]:
        """Return the organisations of the technology streams that are in use."""
        streams = self._configuration().tech_streams
        return [stream.github_org for stream in streams if stream.is_active and stream.github_install_id]

    async def register(self, organisation: str) -> HistoryPage:
        """Return what the repositories are called now, and which are archived."""
        where = installed(organisation, self._configuration())
        repositories = await self._source.repositories(where)
        facts = self._source.register(where, repositories)
        return HistoryPage(facts=facts, cursor=None, things=len(repositories))

    async def changed(self, organisation: str, *, since: datetime) -> AsyncIterator[HistoryPage]:
        """Yield what has changed in each repository since."""
        where = installed(organisation, self._configuration())
        for repository in await self._source.repositories(where):
            for ask in (
                self._source.pull_requests,
                self._source.runs,
                self._source.deployments,
                self._source.pushes,
            ):
                at: str | None = None
                cursors = Cursors("GitHub")
                while True:
                    try:
                        part = await ask(where, repository, at=at, since=since)
                    except PermissionMissing:
                        if ask == self._source.pull_requests:
                            raise
                        break
                    yield HistoryPage(
                        facts=part.facts, cursor=part.following, things=part.things, unreadable=part.unreadable
                    )
                    at = cursors.after(part.following)
                    if at is None:
                        break

    async def send_again(self, *, since: datetime) -> int:
        """Have GitHub repeat the webhooks that no attempt has brought here; it remembers three days."""
        failed: dict[str, int] = {}
        arrived: set[str] = set()
        cursor: str | None = None
        for _ in range(MOST_DELIVERY_PAGES):
            query = {"per_page": "100"} | ({"cursor": cursor} if cursor else {})
            sent, cursor = await self._api.deliveries(query, decoder=_SENT)
            for one in sent:
                if 200 <= one.status_code < 300:
                    arrived.add(one.guid)
                elif one.delivered_at >= since:
                    failed.setdefault(one.guid, one.id)
            if cursor is None or (sent and sent[-1].delivered_at < since):
                break
        wanted = [number for guid, number in failed.items() if guid not in arrived][:MOST_SENT_AGAIN]
        for number in wanted:
            await self._api.redeliver(number)
        return len(wanted)
