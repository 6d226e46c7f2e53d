"""What the web application is made of, ready for use; the bootstrap puts it together."""

from __future__ import annotations

from dataclasses import dataclass

from dpp.application.access_ports import AuditLog
from dpp.application.administration import Administration
from dpp.application.administration_reader import AdministrationReader
from dpp.application.backfill import Backfill
from dpp.application.blames import Blames
from dpp.application.change_ledger import ChangeLedger
from dpp.application.connections import Connections
from dpp.application.cross_stream import CrossStream
from dpp.application.current import CurrentConfiguration
from dpp.application.diagnostics import Diagnostics
from dpp.application.doors import Doors
from dpp.application.evidence import Explanations
from dpp.application.figure_history import FigureHistory
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.forecasts import Forecasts
from dpp.application.freshness import Freshness
from dpp.application.ingest import Intake
from dpp.application.keys import ApiKeys
from dpp.application.manual_links import ManualLinks
from dpp.application.mapping_preview import MappingPreviews
from dpp.application.oidc import OpenIdSignIn
from dpp.application.password_links import PasswordLinks
from dpp.application.ports import ChangeFeed, Clock, EventStore
from dpp.application.pulse import Pulse
from dpp.application.queries import Queries
from dpp.application.readers import OperationsReader
from dpp.application.repairing import Repairing
from dpp.application.secrets import Secrets
from dpp.application.signin import SignIn
from dpp.application.sprint_corrections import SprintCorrections
from dpp.application.sprint_snapshots import SprintStore
from dpp.application.survey import Survey
from dpp.application.trends import Trends
from dpp.application.users import Users


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One process's share of the platform that answers over HTTP."""

    doors: Doors
    intake: Intake
    configuration: CurrentConfiguration
    feed: ChangeFeed
    queries: Queries
    diagnostics: Diagnostics
    trends: Trends
    change_ledger: ChangeLedger
    blames: Blames
    manual_links: ManualLinks
    forecasts: Forecasts
    backfill: Backfill
    connections: Connections
    sprint_corrections: SprintCorrections
    sprint_store: SprintStore
    pulse: Pulse
    survey: Survey
    cross_stream: CrossStream
    flow_over_time: FlowOverTime
    figure_history: FigureHistory
    explanations: Explanations
    administration: Administration
    administration_reader: AdministrationReader
    mapping_previews: MappingPreviews
    repairing: Repairing
    operations: OperationsReader
    freshness: Freshness
    events: EventStore
    keys: ApiKeys
    signin: SignIn
    users: Users
    password_links: PasswordLinks
    audit: AuditLog
    secrets: Secrets
    clock: Clock
    oidc: OpenIdSignIn | None = None
    public_url: str | None = None
