"""A calculation that fails where a test wants it to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from dpp.application.delivery_derivation import ChangeInputs, DeploymentInputs, IncidentInputs
from dpp.application.delivery_rows import ChangeRow, DeploymentRow, IncidentRows
from dpp.application.derivation import Derive, LinkedTicket, PullRequestInputs, TicketInputs
from dpp.application.derived_rows import PullRequestRows, TicketRows
from dpp.application.identities import PullRequestId
from dpp.domain.configuration import Configuration
from dpp.domain.linking import Link
from tests.support.derivation import DERIVE


@dataclass
class Poisoned(Derive):
    """Fails on some tickets."""

    tickets_that_fail: Collection[str]
    calls: list[int] = field(default_factory=list)

    def tickets(self, inputs: TicketInputs, configuration: Configuration) -> TicketRows:
        """Fail when one of them is there."""
        self.calls.append(len(inputs.columns.items))
        if not set(self.tickets_that_fail).isdisjoint(inputs.columns.items):
            raise ValueError("no")
        return DERIVE.tickets(inputs, configuration)

    def links(self, inputs: PullRequestInputs, configuration: Configuration) -> Mapping[PullRequestId, Link]:
        """Do as usual."""
        return DERIVE.links(inputs, configuration)

    def pull_requests(
        self,
        inputs: PullRequestInputs,
        configuration: Configuration,
        *,
        links: Mapping[PullRequestId, Link],
        tickets: Mapping[str, LinkedTicket],
    ) -> PullRequestRows:
        """Do as usual."""
        return DERIVE.pull_requests(inputs, configuration, links=links, tickets=tickets)

    def deployments(self, inputs: DeploymentInputs, configuration: Configuration) -> list[DeploymentRow]:
        """Do as usual."""
        return DERIVE.deployments(inputs, configuration)

    def changes(self, inputs: ChangeInputs) -> list[ChangeRow]:
        """Do as usual."""
        return DERIVE.changes(inputs)

    def incidents(self, inputs: IncidentInputs, configuration: Configuration) -> IncidentRows:
        """Do as usual."""
        return DERIVE.incidents(inputs, configuration)
