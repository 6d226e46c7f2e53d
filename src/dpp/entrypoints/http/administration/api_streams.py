"""Delivery and technology streams over HTTP: listed, added, changed, archived and brought back (§2.2, §7.1.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter

from dpp.application.configuration_changes import WEEKDAYS
from dpp.application.configuration_edits import Add, Change
from dpp.domain.access import Principal
from dpp.domain.configuration import CalendarRules, DeliveryStream, TechStream
from dpp.entrypoints.http.administration import api, bodies
from dpp.entrypoints.http.administration.administering import Administering, Looking, Provide
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import described

_LIKE_AN_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

StreamName = Annotated[str, PathParameter(description="The name that the stream has now, or its id", max_length=200)]


def routes(administering: Provide) -> list[HTTPRouteHandler]:
    """Build the routes; ``administering`` gives what they need once the platform has started."""

    @get(
        "/admin/delivery-streams",
        opt=api.READS,
        tags=api.TAGS,
        responses={200: described(bodies.DeliveryStreamsAnswer)},
    )
    async def delivery_streams(principal: NamedDependency[Principal]) -> Response[Any]:
        """List the delivery streams that the caller manages, archived ones included, with their revisions."""
        looking = await administering().looking(principal)
        return answer(delivery_rows(looking), meta=looking.meta)

    @get("/admin/tech-streams", opt=api.READS, tags=api.TAGS, responses={200: described(bodies.TechStreamsAnswer)})
    async def tech_streams(principal: NamedDependency[Principal]) -> Response[Any]:
        """List the technology streams that the caller manages, archived ones included, with their revisions."""
        looking = await administering().looking(principal)
        return answer(tech_rows(looking), meta=looking.meta)

    @post("/admin/delivery-streams", **api.changing(201))
    async def add_delivery_stream(
        principal: NamedDependency[Principal], data: JSONBody[bodies.NewDeliveryStream]
    ) -> Response[Any]:
        """Add a delivery stream; tickets that name it belong to it from then on, those of the past included."""
        edit = Add(section="delivery_streams", values=data.values())
        return api.changed(principal, await administering().change(principal, edit), status=201)

    @post("/admin/tech-streams", **api.changing(201))
    async def add_tech_stream(
        principal: NamedDependency[Principal], data: JSONBody[bodies.NewTechStream]
    ) -> Response[Any]:
        """Add a technology stream; what its GitHub organisation sends, and has sent, belongs to it."""
        edit = Add(section="tech_streams", values=data.values())
        return api.changed(principal, await administering().change(principal, edit), status=201)

    @patch("/admin/delivery-streams/{name:str}", **api.changing(opt=api.WRITES))
    async def change_delivery_stream(
        principal: NamedDependency[Principal],
        name: StreamName,
        if_match: bodies.IfMatch,
        data: JSONBody[bodies.DeliveryStreamChanges],
    ) -> Response[Any]:
        """Change, rename, archive or bring back a delivery stream.

        Whoever leads it may change its description, team size and calendar.
        """
        return api.changed(principal, await _change(administering, principal, "delivery_streams", name, if_match, data))

    @patch("/admin/tech-streams/{name:str}", **api.changing(opt=api.WRITES))
    async def change_tech_stream(
        principal: NamedDependency[Principal],
        name: StreamName,
        if_match: bodies.IfMatch,
        data: JSONBody[bodies.TechStreamChanges],
    ) -> Response[Any]:
        """Change, rename, archive or bring back a technology stream.

        Whoever leads it may change its description, how lead time is taken, and its pattern for branches.
        """
        return api.changed(principal, await _change(administering, principal, "tech_streams", name, if_match, data))

    return [
        delivery_streams,
        tech_streams,
        add_delivery_stream,
        add_tech_stream,
        change_delivery_stream,
        change_tech_stream,
    ]


async def _change(
    administering: Provide, principal: Principal, section: str, name: str, if_match: str, data: bodies.Given
) -> Any:
    to = administering()
    named = await _name_of(to, principal, section, name)
    edit = Change(section=section, name=named, values=data.values(), revision=api.revision(if_match))
    return await to.change(principal, edit)


async def _name_of(to: Administering, principal: Principal, section: str, given: str) -> str:
    """Return the name of a stream that is given by id; an id that is none of the caller's streams stays what it is."""
    if not _LIKE_AN_ID.fullmatch(given):
        return given
    looking = await to.looking(principal)
    streams: Sequence[DeliveryStream | TechStream] = getattr(looking.configuration, section)
    found = (row.name for row in streams if str(row.stream_id) == given.lower() and looking.authority.sees(row))
    return next(found, given)


def delivery_rows(looking: Looking) -> list[bodies.DeliveryStreamShown]:
    """Return the delivery streams that somebody manages, in the order of the configuration."""
    return [
        bodies.DeliveryStreamShown(
            stream_id=row.stream_id,
            name=row.name,
            display_name=row.display_name,
            description=row.description,
            team_size=row.team_size,
            minimum_contributors=row.minimum_contributors,
            calendar=None if row.calendar is None else calendar_shown(row.calendar),
            is_active=row.is_active,
            revision=looking.revision("delivery_streams", index),
        )
        for index, row in enumerate(looking.configuration.delivery_streams)
        if looking.authority.sees(row)
    ]


def tech_rows(looking: Looking) -> list[bodies.TechStreamShown]:
    """Return the technology streams that somebody manages, in the order of the configuration."""
    return [
        bodies.TechStreamShown(
            stream_id=row.stream_id,
            name=row.name,
            display_name=row.display_name,
            description=row.description,
            github_org=row.github_org,
            github_install_id=row.github_install_id,
            lead_time_method=row.lead_time_method,
            branch_pattern=row.branch_pattern,
            minimum_contributors=row.minimum_contributors,
            is_active=row.is_active,
            revision=looking.revision("tech_streams", index),
        )
        for index, row in enumerate(looking.configuration.tech_streams)
        if looking.authority.sees(row)
    ]


def calendar_shown(rules: CalendarRules) -> bodies.CalendarShown:
    """Return a calendar in words."""
    return bodies.CalendarShown(
        time_zone=rules.time_zone,
        weekend=[WEEKDAYS[day] for day in sorted(rules.weekend)],
        holidays=list(rules.holidays),
        extra_holidays=[day.isoformat() for day in rules.extra_holidays],
    )
