"""The configuration at hand: loaded once, refreshed when it changes, there even while the database is not."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from dpp.application.ports import ChangeFeed, ConfigurationStore
from dpp.domain.configuration import Configuration
from dpp.domain.errors import Unavailable

log = structlog.get_logger(__name__)

TOPIC = "configuration"
RETRY_SECONDS = 1.0


class CurrentConfiguration:
    """Keeps the latest configuration in memory; one per process."""

    def __init__(self, *, store: ConfigurationStore, feed: ChangeFeed) -> None:
        self._store = store
        self._feed = feed
        self._value: Configuration | None = None
        self._follower: asyncio.Task[None] | None = None

    @property
    def value(self) -> Configuration:
        """The latest configuration.

        Raises:
            Unavailable: it could not be loaded yet.
        """
        if self._value is None:
            raise Unavailable("The configuration is not loaded yet: the database does not answer")
        return self._value

    async def get(self) -> Configuration:
        """Return the latest configuration, loading it when this is the first time."""
        if self._value is None:
            await self.refresh()
        return self.value

    async def refresh(self) -> Configuration:
        """Load the configuration anew."""
        self._value = await self._store.load()
        return self._value

    async def start(self) -> None:
        """Load the configuration if the store answers, and follow its changes."""
        with suppress(Unavailable):
            await self.refresh()
        self._follower = asyncio.create_task(self._follow(), name="configuration")

    async def stop(self) -> None:
        """Follow no longer."""
        if self._follower is not None:
            self._follower.cancel()
            with suppress(asyncio.CancelledError):
                await self._follower

    async def _follow(self) -> None:
        while True:
            try:
                async with self._feed.subscribe() as changes:
                    await self.refresh()
                    async for change in changes:
                        # A change without streams stands for everything that was missed.
                        if change.topic == TOPIC or not (change.delivery_streams or change.tech_streams):
                            await self.refresh()
            except Unavailable as error:
                log.warning("configuration_not_refreshed", reason=str(error))
            except Exception:
                # Nobody else would ever follow again, and the process would go on with what it knew last.
                log.exception("configuration_not_refreshed")
            await asyncio.sleep(RETRY_SECONDS)
