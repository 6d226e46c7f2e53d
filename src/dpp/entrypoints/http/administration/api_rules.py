"""Rules of the platform over HTTP: calendar, environments, severities, and the roles of groups (§3.3, §6.7, §7.1.3)."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, patch, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import convert

from dpp.application.configuration_edits import ReplaceList, ReplaceTable
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.administration import api, bodies
from dpp.entrypoints.http.administration import bodies_rules as rules
from dpp.entrypoints.http.administration.administering import Provide
from dpp.entrypoints.http.administration.api_streams import calendar_shown
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described

_READS = {"permission": Permission.ADMIN_READ}


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    @get("/admin/platform", opt=_READS, tags=api.TAGS, responses={200: described(rules.PlatformAnswer)})
    async def platform(principal: NamedDependency[Principal]) -> Response[Any]:
        """Show what holds for every stream that does not say otherwise: calendar, windows, safeguards."""
        looking = await administering().whole(principal)
        found = looking.configuration.platform
        shown = rules.PlatformShown(
            calendar=calendar_shown(found.calendar),
            correlation_window_minutes=found.correlation_window_minutes,
            minimum_contributors=found.minimum_contributors,
            window_days=found.window_days,
            survey_last_day=found.survey_last_day,
            revision=looking.revision_of_section("platform"),
        )
        return answer(shown, meta=looking.meta)

    @patch("/admin/platform", **api.changing())
    async def change_platform(
        principal: NamedDependency[Principal], if_match: bodies.IfMatch, data: JSONBody[rules.PlatformChanges]
    ) -> Response[Any]:
        """Change what holds for every stream; another calendar has everything derived anew."""
        edit = ReplaceTable(section="platform", values=data.values(), revision=api.revision(if_match))
        return api.changed(principal, await administering().change(principal, edit))

    async def listed(principal: Principal, section: str, row: type[Any], shape: type[Any]) -> Response[Any]:
        looking = await administering().whole(principal)
        rows = convert(looking.document.get(section, []), list[row])  # type: ignore[valid-type]
        shown = shape(**{section: rows}, revision=looking.revision_of_section(section))
        return answer(shown, meta=looking.meta)

    async def replaced(principal: Principal, section: str, if_match: str, data: rules.Entries) -> Response[Any]:
        edit = ReplaceList(section=section, entries=data.entries(), revision=api.revision(if_match))
        return api.changed(principal, await administering().change(principal, edit))

    @get("/admin/environments", opt=_READS, tags=api.TAGS, responses={200: described(rules.EnvironmentsAnswer)})
    async def environments(principal: NamedDependency[Principal]) -> Response[Any]:
        """List the patterns that say which environment a source's name means; the first that matches wins."""
        return await listed(principal, "environments", rules.EnvironmentRow, rules.EnvironmentsShown)

    @put("/admin/environments", **api.changing())
    async def replace_environments(
        principal: NamedDependency[Principal], if_match: bodies.IfMatch, data: JSONBody[rules.EnvironmentsGiven]
    ) -> Response[Any]:
        """Replace the patterns; deployments of the past are read by them too."""
        return await replaced(principal, "environments", if_match, data)

    @get("/admin/severities", opt=_READS, tags=api.TAGS, responses={200: described(rules.SeveritiesAnswer)})
    async def severities(principal: NamedDependency[Principal]) -> Response[Any]:
        """List when a shared bottleneck is how severe."""
        return await listed(principal, "severities", rules.SeverityRow, rules.SeveritiesShown)

    @put("/admin/severities", **api.changing())
    async def replace_severities(
        principal: NamedDependency[Principal], if_match: bodies.IfMatch, data: JSONBody[rules.SeveritiesGiven]
    ) -> Response[Any]:
        """Replace the thresholds of severities."""
        return await replaced(principal, "severities", if_match, data)

    @get("/admin/group-roles", opt=_READS, tags=api.TAGS, responses={200: described(rules.GroupsAnswer)})
    async def group_roles(principal: NamedDependency[Principal]) -> Response[Any]:
        """List the groups of the identity provider with the roles that they bring."""
        return await listed(principal, "group_roles", rules.GroupRow, rules.GroupsShown)

    @put("/admin/group-roles", **api.changing())
    async def replace_group_roles(
        principal: NamedDependency[Principal], if_match: bodies.IfMatch, data: JSONBody[rules.GroupsGiven]
    ) -> Response[Any]:
        """Replace the roles of groups; people get theirs when they sign in next."""
        return await replaced(principal, "group_roles", if_match, data)

    return [
        platform,
        change_platform,
        environments,
        replace_environments,
        severities,
        replace_severities,
        group_roles,
        replace_group_roles,
    ]
