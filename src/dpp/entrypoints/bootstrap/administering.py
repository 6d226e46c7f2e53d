"""What administration is made of."""

from __future__ import annotations

from dishka import Provider, Scope, provide

from dpp.adapters.postgres.administration import PostgresAdministrationReader
from dpp.adapters.postgres.corrections import PostgresCorrections
from dpp.adapters.postgres.dead_letters import PostgresDeadLetters
from dpp.adapters.postgres.sprint_corrections import PostgresSprintCorrections
from dpp.adapters.postgres.ticket_histories import PostgresTicketHistories
from dpp.application.access_ports import AccessStore
from dpp.application.administration import Administration
from dpp.application.administration_reader import AdministrationReader
from dpp.application.corrections import Corrections
from dpp.application.current import CurrentConfiguration
from dpp.application.derive import Derivation
from dpp.application.doors import Readers
from dpp.application.ingest import Intake
from dpp.application.jobs import Jobs
from dpp.application.mapping_preview import MappingPreviews, TicketHistories
from dpp.application.ports import Clock, ConfigurationStore, Ids, Sealer
from dpp.application.readers import MetricsReader
from dpp.application.repairing import DeadLetterStore, Repairing
from dpp.application.sprint_corrections import SprintCorrections, SprintCorrectionStore
from dpp.domain.privacy import Pseudonymiser


class Administering(Provider):
    """Changes of the configuration piece by piece, and what is looked at before they are made."""

    scope = Scope.APP

    administration = provide(Administration)
    administration_reader = provide(PostgresAdministrationReader, provides=AdministrationReader)
    corrections = provide(PostgresCorrections, provides=Corrections)
    dead_letters = provide(PostgresDeadLetters, provides=DeadLetterStore)
    sprint_correction_store = provide(PostgresSprintCorrections, provides=SprintCorrectionStore)
    ticket_histories = provide(PostgresTicketHistories, provides=TicketHistories)

    @provide
    def sprint_corrections(
        self, store: SprintCorrectionStore, configuration: ConfigurationStore, jobs: Jobs, clock: Clock, ids: Ids
    ) -> SprintCorrections:
        """Take down what people say of sprints."""
        return SprintCorrections(store=store, configuration=configuration, jobs=jobs, clock=clock, ids=ids)

    @provide
    def mapping_previews(
        self, histories: TicketHistories, derivation: Derivation, reader: MetricsReader
    ) -> MappingPreviews:
        """Work out what other meanings of statuses would do, by the calculation that derives for good."""
        return MappingPreviews(histories=histories, derive=derivation, reader=reader)

    @provide
    def repairing(
        self,
        letters: DeadLetterStore,
        sealer: Sealer,
        readers: Readers,
        intake: Intake,
        configuration: CurrentConfiguration,
        pseudonymiser: Pseudonymiser,
        log: AccessStore,
        clock: Clock,
    ) -> Repairing:
        """Read unread payloads again, by the readers and the way in that every delivery takes."""
        return Repairing(
            letters=letters,
            sealer=sealer,
            readers=readers,
            intake=intake,
            configuration=configuration,
            pseudonymiser=pseudonymiser,
            log=log,
            clock=clock,
        )
