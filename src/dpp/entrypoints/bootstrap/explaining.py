"""Which adapter names the things behind figures, and who explains with them."""

from __future__ import annotations

from dishka import Provider, Scope, provide

from dpp.adapters.postgres.evidence import PostgresEvidenceReader
from dpp.application.evidence import Explanations
from dpp.application.evidence_of_changes import ChangeEvidence
from dpp.application.evidence_of_deliveries import DeliveryEvidence
from dpp.application.evidence_of_flow import FlowEvidence
from dpp.application.evidence_of_outlooks import OutlookEvidence, Outlooks
from dpp.application.evidence_of_tickets import TicketEvidence
from dpp.application.evidence_reader import EvidenceReader
from dpp.application.gaps import Gaps


class Explaining(Provider):
    """Evidence and bounds, made once for a process."""

    scope = Scope.APP

    evidence_reader = provide(PostgresEvidenceReader, provides=EvidenceReader)
    ticket_evidence = provide(TicketEvidence)
    change_evidence = provide(ChangeEvidence)
    delivery_evidence = provide(DeliveryEvidence)
    flow_evidence = provide(FlowEvidence)
    outlooks = provide(Outlooks)
    outlook_evidence = provide(OutlookEvidence)
    explanations = provide(Explanations)

    @provide
    def gaps(self, reader: EvidenceReader) -> Gaps:
        """Know what may belong to a stream and does not say so."""
        return Gaps(reader=reader)
