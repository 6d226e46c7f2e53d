"""The web application of a process, wired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dishka import Provider
from litestar import Litestar

from dpp.application.access_ports import AccessStore
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
from dpp.entrypoints.bootstrap.providers import container
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.bootstrap.signing_in import client_of, signs_in_by_oidc
from dpp.entrypoints.http.app import create
from dpp.entrypoints.http.parts import Parts


def application(settings: Settings, *overrides: Provider) -> Litestar:
    """Build the web application; ``overrides`` replace single adapters.

    Raises:
        InvalidSetting: people are to sign in by an identity provider, and it is not said which.
    """
    if signs_in_by_oidc(settings):
        client_of(settings)

    @asynccontextmanager
    async def parts() -> AsyncIterator[Parts]:
        wired = container(settings, *overrides)
        try:
            current, intake = await wired.get(CurrentConfiguration), await wired.get(Intake)
            await current.start()
            await intake.start()
            try:
                yield Parts(
                    doors=await wired.get(Doors),
                    intake=intake,
                    configuration=current,
                    feed=await wired.get(ChangeFeed),
                    queries=await wired.get(Queries),
                    diagnostics=await wired.get(Diagnostics),
                    trends=await wired.get(Trends),
                    change_ledger=await wired.get(ChangeLedger),
                    blames=await wired.get(Blames),
                    manual_links=await wired.get(ManualLinks),
                    forecasts=await wired.get(Forecasts),
                    backfill=await wired.get(Backfill),
                    connections=await wired.get(Connections),
                    sprint_corrections=await wired.get(SprintCorrections),
                    sprint_store=await wired.get(SprintStore),
                    pulse=await wired.get(Pulse),
                    survey=await wired.get(Survey),
                    cross_stream=await wired.get(CrossStream),
                    flow_over_time=await wired.get(FlowOverTime),
                    figure_history=await wired.get(FigureHistory),
                    explanations=await wired.get(Explanations),
                    administration=await wired.get(Administration),
                    administration_reader=await wired.get(AdministrationReader),
                    mapping_previews=await wired.get(MappingPreviews),
                    repairing=await wired.get(Repairing),
                    operations=await wired.get(OperationsReader),
                    freshness=await wired.get(Freshness),
                    events=await wired.get(EventStore),
                    keys=await wired.get(ApiKeys),
                    signin=await wired.get(SignIn),
                    users=await wired.get(Users),
                    password_links=await wired.get(PasswordLinks),
                    audit=await wired.get(AccessStore),
                    oidc=await wired.get(OpenIdSignIn) if signs_in_by_oidc(settings) else None,
                    secrets=await wired.get(Secrets),
                    clock=await wired.get(Clock),
                    public_url=settings.public_url,
                )
            finally:
                await intake.stop()
                await current.stop()
        finally:
            await wired.close()

    return create(parts, public_url=settings.public_url)
