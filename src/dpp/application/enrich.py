"""What the configuration of the moment adds to an event as it is stored (§5.1, step 4).

The columns filled here serve people who read the event tables. Derivations resolve the source's own names through the
configuration of *their* moment, so an event stored before its stream was configured loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from dpp.domain.attribution import delivery_stream_of
from dpp.domain.configuration import Configuration
from dpp.domain.events import NAMESPACE, RepositoryRef, WorkItemEvent
from dpp.domain.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItemTags:
    """Resolved columns of a work-item event; None is what the configuration does not tell (yet)."""

    delivery_stream_id: UUID | None
    from_stage: Stage | None
    to_stage: Stage | None
    to_active: bool | None
    blocking_tech_stream_id: UUID | None
    sprint_id: UUID | None


def sprint_uuid(jira_sprint_id: str) -> UUID:
    """The platform's id of a sprint: the same on every machine."""
    return uuid5(NAMESPACE, f"sprint\x1f{jira_sprint_id}")


def work_item_tags(event: WorkItemEvent, *, configuration: Configuration) -> WorkItemTags:
    """Resolve the names in a work-item event (§5.2.3, §5.2.4)."""
    origin = configuration.statuses.find(event.project_key, event.from_status)
    target = configuration.statuses.find(event.project_key, event.to_status)
    fields = event.fields
    stream = None
    if fields:
        stream = delivery_stream_of(project_key=event.project_key, fields=fields, configuration=configuration)
    blocking = configuration.tech_stream(fields.blocking_tech_stream) if fields else None
    return WorkItemTags(
        delivery_stream_id=stream,
        from_stage=origin.stage if origin else None,
        to_stage=target.stage if target else None,
        to_active=target.active if target else None,
        blocking_tech_stream_id=blocking.stream_id if blocking else None,
        sprint_id=sprint_uuid(fields.jira_sprint_id) if fields and fields.jira_sprint_id else None,
    )


def tech_stream_of(repository: RepositoryRef, *, configuration: Configuration) -> UUID | None:
    """Resolve the technology stream of a repository (§5.3.5): the installation decides, else the organisation."""
    stream = configuration.tech_stream_of(org=repository.org, installation_id=repository.installation_id)
    return stream.stream_id if stream else None
