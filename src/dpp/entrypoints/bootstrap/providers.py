"""Which adapter stands behind which port: the only place that chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

from dishka import AsyncContainer, Provider, Scope, from_context, make_async_container, provide
from dishka.entities.validation_settings import STRICT_VALIDATION

from dpp.adapters.files.archive import FileArchive
from dpp.adapters.files.codec import JsonDeliveryCodec
from dpp.adapters.files.configuration_file import TomlConfigurationFile
from dpp.adapters.files.sealed import AesGcmSealer, DirectoryRepairBox
from dpp.adapters.files.secrets import DirectorySecrets
from dpp.adapters.github.webhook import GitHubWebhookReader
from dpp.adapters.identity.oidc import OpenIdProvider
from dpp.adapters.identity.passwords import Argon2Passwords
from dpp.adapters.identity.provider_http import client as provider_client
from dpp.adapters.jira.webhook import JiraReader
from dpp.adapters.postgres.access import PostgresAccessStore
from dpp.adapters.postgres.bottlenecks import PostgresBottleneckReader, PostgresCorrelations
from dpp.adapters.postgres.configuration import PostgresConfigurationStore
from dpp.adapters.postgres.deliveries_reader import PostgresDeliveryReader
from dpp.adapters.postgres.derivations import PostgresDerivationStore
from dpp.adapters.postgres.diagnostics import PostgresDiagnosticsReader
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.events import PostgresEventStore
from dpp.adapters.postgres.feed import PostgresChangeFeed
from dpp.adapters.postgres.flow_over_time import PostgresFlowReader
from dpp.adapters.postgres.forecasting import PostgresForecastReader, PostgresForecastStore
from dpp.adapters.postgres.job_runner import PostgresJobRunner
from dpp.adapters.postgres.jobs import PostgresJobs
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.manual_links import PostgresManualLinks
from dpp.adapters.postgres.measure_reader import PostgresMeasureReader
from dpp.adapters.postgres.measures import PostgresMeasures
from dpp.adapters.postgres.operations import PostgresOperationsReader
from dpp.adapters.postgres.pulse import PostgresPulse
from dpp.adapters.postgres.readers import PostgresMetricsReader
from dpp.adapters.postgres.verdicts import PostgresVerdicts
from dpp.adapters.push.readers import FORMATS, DeploymentReader, IncidentReader, SurveyReader
from dpp.adapters.system.clock import RandomIds, SystemClock, SystemRandomness
from dpp.adapters.system.holidays import LibraryHolidays
from dpp.application.access_ports import AccessStore, Passwords, Randomness
from dpp.application.answers import Answers
from dpp.application.blames import Blames, Verdicts
from dpp.application.bottleneck_ports import BottleneckReader, Correlations
from dpp.application.calendars import Calendars, Holidays
from dpp.application.change_ledger import ChangeLedger
from dpp.application.configure import ConfigurationFile
from dpp.application.correlation import Correlation
from dpp.application.cross_stream import CrossStream
from dpp.application.current import CurrentConfiguration
from dpp.application.delivery_reader import DeliveryReader
from dpp.application.derivation import DerivationStore
from dpp.application.derive import Derivation
from dpp.application.diagnostics import Diagnostics
from dpp.application.diagnostics_reader import DiagnosticsReader
from dpp.application.doors import Doors, Readers
from dpp.application.figure_history import FigureHistory
from dpp.application.flow_over_time import FlowOverTime
from dpp.application.flow_reader import FlowReader
from dpp.application.forecasting_reader import ForecastReader, ForecastStore
from dpp.application.forecasts import Forecasts
from dpp.application.freshness import Freshness
from dpp.application.gaps import Gaps
from dpp.application.ingest import Intake
from dpp.application.jobs import JobRunner, Jobs
from dpp.application.kept_answers import KeptAnswers
from dpp.application.keys import ApiKeys
from dpp.application.manual_links import ManualLinks, ManualLinkStore
from dpp.application.measure import Measurer
from dpp.application.measure_reader import MeasureReader
from dpp.application.measures import MeasureStore
from dpp.application.oidc import OpenIdSignIn
from dpp.application.oidc_ports import Client, IdentityProvider
from dpp.application.password_links import PasswordLinks
from dpp.application.ports import (
    Archive,
    ChangeFeed,
    Clock,
    ConfigurationStore,
    DeliveryCodec,
    EventStore,
    Ids,
    RepairBox,
    Sealer,
)
from dpp.application.pulse import Pulse, PulseAggregation
from dpp.application.pulse_ports import PulseAggregates, PulseReader
from dpp.application.queries import Queries
from dpp.application.readers import MetricsReader, OperationsReader
from dpp.application.secrets import Secrets
from dpp.application.signin import SignIn
from dpp.application.survey import Survey
from dpp.application.survey_retention import RawAnswers, SurveyRetention
from dpp.application.trends import Trends
from dpp.application.users import Users
from dpp.application.views import View
from dpp.domain.calendar import BusinessCalendar
from dpp.domain.configuration import Configuration
from dpp.domain.privacy import Pseudonymiser
from dpp.domain.quality import MeasuredRate
from dpp.entrypoints.bootstrap.administering import Administering
from dpp.entrypoints.bootstrap.connecting import Connecting
from dpp.entrypoints.bootstrap.database import dsn_of
from dpp.entrypoints.bootstrap.explaining import Explaining
from dpp.entrypoints.bootstrap.settings import Settings
from dpp.entrypoints.bootstrap.signing_in import client_of
from dpp.entrypoints.bootstrap.sources import Sources

ANONYMISATION_KEY = "anonymisation_key"

#: A changed secret is known after so long at the latest.
SECRETS_TRUSTED_SECONDS = 0.1


class Platform(Provider):
    """Everything, each made once for a process when it is first asked for."""

    scope = Scope.APP
    settings = from_context(provides=Settings)

    clock = provide(SystemClock, provides=Clock)
    ids = provide(RandomIds, provides=Ids)
    randomness = provide(SystemRandomness, provides=Randomness)
    holidays = provide(LibraryHolidays, provides=Holidays)
    calendars = provide(Calendars)
    codec = provide(JsonDeliveryCodec, provides=DeliveryCodec)
    configuration_file = provide(TomlConfigurationFile, provides=ConfigurationFile)

    configuration_store = provide(PostgresConfigurationStore, provides=ConfigurationStore)
    current = provide(CurrentConfiguration)
    access = provide(PostgresAccessStore, provides=AccessStore)
    metrics_reader = provide(PostgresMetricsReader, provides=MetricsReader)
    delivery_reader = provide(PostgresDeliveryReader, provides=DeliveryReader)
    verdicts = provide(PostgresVerdicts, provides=Verdicts)
    change_ledger = provide(ChangeLedger)
    blames = provide(Blames)
    manual_link_store = provide(PostgresManualLinks, provides=ManualLinkStore)
    manual_links = provide(ManualLinks)
    diagnostics_reader = provide(PostgresDiagnosticsReader, provides=DiagnosticsReader)
    forecast_reader = provide(PostgresForecastReader, provides=ForecastReader)
    forecast_store = provide(PostgresForecastStore, provides=ForecastStore)
    operations_reader = provide(PostgresOperationsReader, provides=OperationsReader)
    pulse_reader = provide(PostgresPulse, provides=PulseReader)
    pulse_aggregates = provide(PostgresPulse, provides=PulseAggregates)
    raw_answers = provide(PostgresPulse, provides=RawAnswers)
    survey_retention = provide(SurveyRetention)
    bottleneck_reader = provide(PostgresBottleneckReader, provides=BottleneckReader)
    correlations = provide(PostgresCorrelations, provides=Correlations)
    kept_rows = provide(KeptRows)
    flow_reader = provide(PostgresFlowReader, provides=FlowReader)
    derivation_store = provide(PostgresDerivationStore, provides=DerivationStore)
    measure_reader = provide(PostgresMeasureReader, provides=MeasureReader)
    measures = provide(PostgresMeasures, provides=MeasureStore)
    figure_history = provide(FigureHistory)
    freshness = provide(Freshness)
    jobs = provide(PostgresJobs, provides=Jobs)
    intake = provide(Intake)
    doors = provide(Doors)
    survey = provide(Survey)

    @provide
    async def database(self, settings: Settings) -> AsyncIterator[Database]:
        """Connect to the database of the settings, or to the embedded one that runs in the data directory."""
        async with Database(dsn_of(settings)) as database:
            yield database

    @provide
    async def postgres_feed(self, database: Database) -> AsyncIterator[PostgresChangeFeed]:
        """Listen for changes while the process lives."""
        feed = PostgresChangeFeed(database=database)
        yield feed
        await feed.close()

    @provide
    def feed(self, feed: PostgresChangeFeed) -> ChangeFeed:
        """The same feed, for whoever only hears of changes."""
        return feed

    @provide
    def events(self, database: Database, current: CurrentConfiguration) -> EventStore:
        """Resolve names in new facts through the configuration at hand."""
        return PostgresEventStore(database=database, configuration=current.get)

    @provide
    def job_runner(self, settings: Settings, clock: Clock) -> JobRunner:
        """Run jobs over connections of its own."""
        return PostgresJobRunner(dsn_of(settings), clock=clock)

    @provide
    async def answers(self, feed: ChangeFeed) -> AsyncIterator[Answers]:
        """Answer from memory what nothing has changed since."""
        async with KeptAnswers(feed=feed) as answers:
            yield answers

    @provide
    def queries(
        self, reader: MetricsReader, answers: Answers, gaps: Gaps, pulse: Pulse, current: CurrentConfiguration
    ) -> Queries:
        """Answer what is asked of tickets, and how complete the data is."""

        async def pulse_rate(view: View) -> MeasuredRate:
            return await pulse.response_rate(view, configuration=await current.get())

        return Queries(reader=reader, answers=answers, gaps=gaps, pulse_rate=pulse_rate)

    @provide
    def trends(
        self, reader: DeliveryReader, metrics: MetricsReader, calendars: Calendars, answers: Answers, gaps: Gaps
    ) -> Trends:
        """Answer what is asked of deliveries."""
        return Trends(reader=reader, metrics=metrics, calendars=calendars, answers=answers, gaps=gaps)

    @provide
    def diagnostics(
        self, reader: DiagnosticsReader, metrics: MetricsReader, answers: Answers, gaps: Gaps
    ) -> Diagnostics:
        """Answer what is asked of defects and reviews."""
        return Diagnostics(reader=reader, metrics=metrics, answers=answers, gaps=gaps)

    @provide
    def forecasts(
        self,
        reader: ForecastReader,
        store: ForecastStore,
        metrics: MetricsReader,
        current: CurrentConfiguration,
        calendars: Calendars,
        answers: Answers,
    ) -> Forecasts:
        """Answer what is asked of the future."""
        return Forecasts(
            reader=reader,
            store=store,
            metrics=metrics,
            configuration=current.get,
            calendars=calendars,
            answers=answers,
        )

    @provide
    def pulse(self, reader: PulseReader, answers: Answers) -> Pulse:
        """Answer what is asked of the survey."""
        return Pulse(reader=reader, answers=answers)

    @provide
    def pulse_aggregation(self, reader: PulseReader, aggregates: PulseAggregates, feed: ChangeFeed) -> PulseAggregation:
        """Write the survey's aggregates."""
        return PulseAggregation(reader=reader, aggregates=aggregates, feed=feed)

    @provide
    def cross_stream(
        self, reader: BottleneckReader, metrics: MetricsReader, forecasts: Forecasts, answers: Answers
    ) -> CrossStream:
        """Answer what is asked of shared bottlenecks."""
        return CrossStream(reader=reader, metrics=metrics, confidences=forecasts, answers=answers)

    @provide
    def correlation(self, cross_stream: CrossStream, correlations: Correlations) -> Correlation:
        """Write the assessments of shared bottlenecks."""
        return Correlation(cross_stream=cross_stream, correlations=correlations)

    @provide
    def flow_over_time(
        self,
        reader: FlowReader,
        bottlenecks: BottleneckReader,
        metrics: MetricsReader,
        calendars: Calendars,
        answers: Answers,
    ) -> FlowOverTime:
        """Answer what is asked of flow over time."""
        return FlowOverTime(
            reader=reader, bottlenecks=bottlenecks, metrics=metrics, calendars=calendars, answers=answers
        )

    @provide
    def measurer(
        self,
        store: MeasureStore,
        reader: MeasureReader,
        deliveries: DeliveryReader,
        derivations: DerivationStore,
        calendars: Calendars,
        current: CurrentConfiguration,
        clock: Clock,
    ) -> Measurer:
        """Keep figures by day up to date."""
        return Measurer(
            store=store,
            reader=reader,
            deliveries=deliveries,
            derivations=derivations,
            calendars=calendars,
            configuration=current.get,
            clock=clock,
        )

    @provide
    def secrets(self, settings: Settings) -> Secrets:
        """Read secrets from their directory."""
        return DirectorySecrets(settings.secrets_dir, trusted_seconds=SECRETS_TRUSTED_SECONDS)

    @provide
    async def archive(self, settings: Settings, ids: Ids, clock: Clock) -> AsyncIterator[Archive]:
        """Write segments of this process's own."""
        archive = FileArchive(settings.archive_dir, writer=ids.new(), now=clock.now)
        yield archive
        await archive.close()

    @provide
    def repair_box(self, settings: Settings) -> RepairBox:
        """Keep unread payloads beside the archive."""
        return DirectoryRepairBox(settings.repair_dir)

    @provide
    def sealer(self, secrets: Secrets) -> Sealer:
        """Encrypt unread payloads under the same secret that persons are hashed with: it guards the same data."""
        key, *previous = secrets.candidates(ANONYMISATION_KEY)
        return AesGcmSealer(key, previous=previous)

    @provide
    def pseudonymiser(self, secrets: Secrets) -> Pseudonymiser:
        """Hash persons under the current key only: after a rotation, hashes do not meet."""
        return Pseudonymiser(secrets.get(ANONYMISATION_KEY))

    @provide
    def readers(self) -> Readers:
        """The readers of the sources."""
        return Readers(
            github=GitHubWebhookReader(),
            jira=JiraReader(),
            deployment=DeploymentReader(),
            incident=IncidentReader(),
            survey=SurveyReader(),
            formats=FORMATS,
        )

    @provide
    def passwords(self) -> Passwords:
        """Hash passwords with argon2id."""
        return Argon2Passwords()

    @provide
    def keys(self, store: AccessStore, secrets: Secrets, randomness: Randomness, clock: Clock, ids: Ids) -> ApiKeys:
        """API keys."""
        return ApiKeys(store=store, secrets=secrets, randomness=randomness, clock=clock, ids=ids)

    @provide
    def signin(
        self,
        settings: Settings,
        store: AccessStore,
        passwords: Passwords,
        randomness: Randomness,
        clock: Clock,
        ids: Ids,
    ) -> SignIn:
        """Sign-in by password, lasting as long as the settings say."""
        return SignIn(
            store=store,
            passwords=passwords,
            randomness=randomness,
            clock=clock,
            ids=ids,
            duration=timedelta(minutes=settings.session_duration_minutes),
        )

    @provide
    def oidc_client(self, settings: Settings) -> Client:
        """How the identity provider knows the platform."""
        return client_of(settings)

    @provide
    async def identity_provider(
        self, client: Client, secrets: Secrets, clock: Clock
    ) -> AsyncIterator[IdentityProvider]:
        """Ask the identity provider over connections of its own."""
        async with provider_client() as http:
            yield OpenIdProvider(client=client, http=http, secrets=secrets, clock=clock)

    @provide
    def oidc(
        self,
        client: Client,
        provider: IdentityProvider,
        store: AccessStore,
        signin: SignIn,
        current: CurrentConfiguration,
        secrets: Secrets,
        randomness: Randomness,
        clock: Clock,
    ) -> OpenIdSignIn:
        """Sign-in by way of the identity provider; asked for only where the settings say so."""
        return OpenIdSignIn(
            client=client,
            provider=provider,
            store=store,
            signin=signin,
            configuration=current.get,
            secrets=secrets,
            randomness=randomness,
            clock=clock,
        )

    @provide
    def users(self, store: AccessStore, passwords: Passwords, clock: Clock, ids: Ids) -> Users:
        """Local users."""
        return Users(store=store, passwords=passwords, clock=clock, ids=ids)

    @provide
    def password_links(self, store: AccessStore, users: Users, secrets: Secrets, clock: Clock) -> PasswordLinks:
        """Links by which people set their passwords."""
        return PasswordLinks(store=store, users=users, secrets=secrets, clock=clock)

    @provide
    def derivation(self, calendars: Calendars) -> Derivation:
        """Derive on the calendar of each delivery stream."""

        def calendar_of(configuration: Configuration, stream_id: UUID | None) -> BusinessCalendar:
            return calendars.of(configuration.calendar_of(stream_id))

        return Derivation(calendar_of=calendar_of)


def container(settings: Settings, *overrides: Provider) -> AsyncContainer:
    """Wire a process; ``overrides`` replace single adapters and must say so."""
    return make_async_container(
        Platform(),
        Explaining(),
        Administering(),
        Sources(),
        Connecting(),
        *overrides,
        context={Settings: settings},
        validation_settings=STRICT_VALIDATION,
    )
