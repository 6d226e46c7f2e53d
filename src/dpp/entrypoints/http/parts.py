"""What the web application is made of, ready for use; the bootstrap puts it together."""

from __future__ import annotations

from dataclasses import dataclass

from dpp.application.current import CurrentConfiguration
from dpp.application.doors import Doors
from dpp.application.ingest import Intake
from dpp.application.keys import ApiKeys
from dpp.application.ports import ChangeFeed, Clock, EventStore
from dpp.application.queries import Queries
from dpp.application.readers import OperationsReader
from dpp.application.secrets import Secrets
from dpp.application.signin import SignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One process's share of the platform that answers over HTTP."""

    doors: Doors
    intake: Intake
    configuration: CurrentConfiguration
    feed: ChangeFeed
    queries: Queries
    operations: OperationsReader
    events: EventStore
    keys: ApiKeys
    signin: SignIn
    secrets: Secrets
    clock: Clock
    public_url: str | None = None
