"""Who may change what of the configuration (§3.3, decision 0034).

An administrator changes everything. Whoever leads a stream changes what concerns that stream alone: not its names and
not what another stream's figures hang on, since names are how tickets find their stream and a name that is taken would
tell of a stream that they may not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from dpp.application.configuration_edits import Change, Edit, ReplaceMappings, missing
from dpp.application.views import may_name
from dpp.domain.access import Permission, Principal, StreamScope
from dpp.domain.configuration import (
    Configuration,
    DeliveryStream,
    JiraProject,
    RepositoryOverride,
    TechStream,
    folded,
)
from dpp.domain.errors import Forbidden

S = TypeVar("S", DeliveryStream, TechStream)

#: What a lead may change of a stream of theirs.
OF_DELIVERY_STREAMS = ("description", "team_size", "calendar")
OF_TECH_STREAMS = ("description", "lead_time_method", "branch_pattern")
#: What a lead may change of the repositories of a technology stream of theirs. A deploy target decides whose an
#: incident is, and could take one from another stream.
OF_REPOSITORIES = ("is_deployable", "default_branch")


class NotYours(Forbidden):
    """The change reaches beyond what the caller may manage."""

    code = "not_yours"

    def __init__(self) -> None:
        super().__init__(
            "You may change the description, team size and calendar of a delivery stream that you lead, the "
            "description, lead time and branch pattern of a technology stream, whether its repositories are deployed, "
            "and the status mappings of the Jira projects of your streams. For anything else ask an administrator"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """
    What somebody may manage.

    Attributes:
        is_admin: whether that is everything.
        reads_all: whether they may read all of the configuration.
        reads: the streams whose configuration they may read.
        changes: those of which they may change what a lead may.
    """

    is_admin: bool
    reads_all: bool
    reads: StreamScope
    changes: StreamScope

    @classmethod
    def of(cls, principal: Principal) -> Authority:
        """Return what a caller may manage; a key for administration that is for some streams is like their lead."""
        writes, reads = (principal.scope_of(one) for one in (Permission.ADMIN_WRITE, Permission.ADMIN_READ))
        changes = principal.scope_of(Permission.STREAMS_MANAGE) | writes
        return cls(
            is_admin=writes.is_all, reads_all=reads.is_all or writes.is_all, reads=changes | reads, changes=changes
        )

    def sees(self, stream: DeliveryStream | TechStream) -> bool:
        """Whether the configuration of a stream may be read."""
        return may_name(stream, scope=self.reads)

    def sees_project(self, project: JiraProject, configuration: Configuration) -> bool:
        """Whether that of a Jira project may: whoever leads the delivery stream that it is for manages its statuses."""
        return self.reads_all or project.key in _projects(configuration, self.reads)

    def check_edit(self, edit: Edit, before: Configuration) -> None:
        """Refuse a change for what it is about, before it is judged: a judgement may name what the caller may not see.

        Raises:
            NotFound: it is about something that the caller may not know of; the words are those of what is not there.
            NotYours: it is about more than the caller may change.
        """
        if self.is_admin:
            return
        fields: tuple[str, ...]
        match edit:
            case Change(section="delivery_streams", name=name):
                known, fields = self._leads(before.delivery_streams, name), OF_DELIVERY_STREAMS
            case Change(section="tech_streams", name=name):
                known, fields = self._leads(before.tech_streams, name), OF_TECH_STREAMS
            case Change(section="repositories", name=name):
                stream = before.tech_stream_of(org=name.partition("/")[0])
                known, fields = stream is not None and may_name(stream, scope=self.changes), OF_REPOSITORIES
            case ReplaceMappings(project=project):
                if project.strip().upper() not in _projects(before, self.changes):
                    raise missing("jira_projects", project)
                return
            case _:
                raise NotYours
        if not known:
            raise missing(edit.section, edit.name)
        if not edit.values.keys() <= {*fields}:
            raise NotYours

    def check(self, before: Configuration, after: Configuration) -> None:
        """Refuse a change that the caller may not make: with all that is theirs put back, nothing may differ.

        Raises:
            NotYours: something else differs.
        """
        if not self.is_admin and _put_back(after, to=before, scope=self.changes) != before:
            raise NotYours

    def _leads(self, streams: Iterable[DeliveryStream | TechStream], name: str) -> bool:
        return any(folded(row.name) == folded(name) and may_name(row, scope=self.changes) for row in streams)


def _put_back(after: Configuration, *, to: Configuration, scope: StreamScope) -> Configuration:
    former_delivery = {row.stream_id: row for row in to.delivery_streams}
    former_tech = {row.stream_id: row for row in to.tech_streams}
    theirs = _projects(to, scope)
    others = [row for row in after.status_mappings if row.project not in theirs]
    return replace(
        after,
        version=to.version,
        delivery_streams=tuple(
            _with_former(row, former_delivery, OF_DELIVERY_STREAMS, scope) for row in after.delivery_streams
        ),
        tech_streams=tuple(_with_former(row, former_tech, OF_TECH_STREAMS, scope) for row in after.tech_streams),
        repositories=_repositories(after, to, scope),
        status_mappings=to.status_mappings
        if others == [row for row in to.status_mappings if row.project not in theirs]
        else after.status_mappings,
    )


def _with_former(row: S, former: Mapping[UUID, S], fields: Iterable[str], scope: StreamScope) -> S:
    old = former.get(row.stream_id)
    if old is None or not may_name(old, scope=scope):
        return row
    former_values: Any = {name: getattr(old, name) for name in fields}
    return replace(row, **former_values)


def _projects(configuration: Configuration, scope: StreamScope) -> frozenset[str]:
    streams = {row.key: configuration.delivery_stream(row.delivery_stream) for row in configuration.jira_projects}
    return frozenset(key for key, stream in streams.items() if stream is not None and may_name(stream, scope=scope))


def _repositories(after: Configuration, before: Configuration, scope: StreamScope) -> tuple[RepositoryOverride, ...]:
    """Return the former overrides where the rest of them is as before."""

    def rest(configuration: Configuration) -> dict[str, RepositoryOverride]:
        rows = {}
        for row in configuration.repositories:
            stream = before.tech_stream_of(org=row.full_name.partition("/")[0])
            left = row
            if stream is not None and may_name(stream, scope=scope):
                left = RepositoryOverride(full_name=row.full_name, deploy_target=row.deploy_target)
            if left.deploy_target is not None or left is row:
                rows[folded(row.full_name)] = left
        return rows

    return before.repositories if rest(after) == rest(before) else after.repositories
