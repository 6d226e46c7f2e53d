"""Deployments, changes and incidents as of a view's moment, from kept rows (decisions 0024, 0044)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import numpy as np

from dpp.adapters.postgres import kept_delivery_tables as tables
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows
from dpp.adapters.postgres.kept_streams import NOTHING, TicketStreams, only_shown, shown_in, ticket_of, wanted_for
from dpp.adapters.postgres.kept_tables import TICK, Wanted
from dpp.adapters.postgres.rows import Rows, joined, together
from dpp.adapters.postgres.shown import Shown
from dpp.adapters.postgres.unpacking import uuids
from dpp.application.delivery_reader import BLAMED_BEFORE, DeploymentHistory
from dpp.application.evidence_reader import Among, UnplacedDeliveries
from dpp.application.views import View, Window
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.dora import HELD_RESPONSIBLE, STANDINGS, Blames, Deployments
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Standing

#: What is counted of deployments that may be of a view.
_COUNTED = ("record", "ticket", "has_succeeded", "is_config_only", "rollback_at", "lead_time_hrs")
TICKETS = f"""
SELECT asked.place - 1, {ticket_of("linked_issue_id")}
FROM unnest(%(records)s::uuid[]) WITH ORDINALITY AS asked (record_id, place) JOIN deployment_records USING (record_id)
"""  # noqa: S608 - constants


class KeptDeliveries:
    """Finds them.

    Args:
        database: is asked for deployments of another time.
        kept: has the others.
    """

    def __init__(self, *, database: Database, kept: KeptRows) -> None:
        self._database = database
        self._kept = kept

    async def history(self, view: View, *, since: datetime) -> DeploymentHistory:
        """Return the deployments to production, and blames on them and on those shortly before."""
        earlier, shown, moment = since - BLAMED_BEFORE, Shown.by(view), to_micros(view.as_of)
        suspects, began, restores, blames, *tickets = await self._read(
            Wanted(tables.DEPLOYMENTS, earlier, view.as_of - TICK),
            Wanted(tables.INCIDENTS, earlier, view.as_of),
            Wanted(tables.RESTORES, earlier),
            Wanted(tables.BLAMES),
            *wanted_for(shown),
        )
        first = int(np.searchsorted(suspects.columns["deployed_at"], to_micros(since)))
        late = suspects.only(slice(first, None))
        own = first + np.flatnonzero(shown_in(late, shown, self._tickets(view, *tickets)))
        known, ended = _up_to(blames, moment), _holding(restores, moment)
        return _history(suspects, own, known, began=began, ended=ended, none=self._kept.none)

    async def restores(self, view: View, *, since: datetime) -> Rows:
        """Return how long incidents lasted that ended since a time and before the moment, as known over time."""
        restores = await self._restores(view, Shown.by(view), since=since)
        return _up_to(restores, to_micros(view.as_of))

    async def changes(self, view: View, *, window: Window) -> Rows:
        """Return the changes of a view that were deployed in a window, and before the moment."""
        end = min(window.end, view.as_of) - TICK
        return await self._changes(view, Wanted(tables.CHANGES, window.start, end))

    async def waiting(self, view: View) -> Rows:
        """Return the changes of a view that were merged and not deployed at the moment."""
        return await self._changes(view, Wanted(tables.CHANGES, view.as_of + TICK))

    async def unplaced(self, view: View, *, window: Window) -> UnplacedDeliveries:
        """Return what may be of a view and does not say so."""
        shown, moment, end = Shown.by(view, Among.UNPLACED), to_micros(view.as_of), min(window.end, view.as_of)
        parts, *more = await self._kept.read(
            Wanted(tables.DEPLOYMENTS, window.start, end - TICK), Wanted(tables.BLAMES), *wanted_for(shown)
        )
        blames, *tickets = map(joined, more)
        deployments = joined(parts, names=_COUNTED)
        found = only_shown(deployments, shown, self._tickets(view, *tickets)).columns
        restores = _holding(await self._restores(view, shown, since=window.start), moment).columns
        minutes = restores["minutes"][restores["resolved_at"] < to_micros(end)]
        is_change, is_undone = ~found["is_config_only"], found["rollback_at"] <= moment
        is_blamed = _places(_responsible(blames, moment).columns["record"], found["record"]) >= 0
        hours = found["lead_time_hrs"][found["has_succeeded"]]
        return UnplacedDeliveries(
            changes=int(is_change.sum()),
            releases=int((is_change & found["has_succeeded"] & ~is_undone).sum()),
            harmful=int((is_change & (is_undone | is_blamed)).sum()),
            lead_time_hrs=hours[~np.isnan(hours)],
            restore_minutes=minutes[~np.isnan(minutes)],
        )

    async def _read(self, *wanted: Wanted) -> list[Rows]:
        return [joined(parts) for parts in await self._kept.read(*wanted)]

    def _tickets(self, view: View, attributions: Rows | None = None) -> TicketStreams | None:
        if attributions is None:
            return None
        return TicketStreams(attributions, view=view, kept=self._kept)

    async def _changes(self, view: View, wanted: Wanted) -> Rows:
        shown, moment = Shown.by(view), to_micros(view.as_of)
        parts, *more = await self._kept.read(wanted, *wanted_for(shown))
        rows = together((part, part.columns["merged_at"] <= moment) for part in parts)
        return only_shown(rows, shown, self._tickets(view, *map(joined, more)))

    async def _restores(self, view: View, shown: Shown, *, since: datetime) -> Rows:
        ended = Wanted(tables.RESTORES, since, view.as_of - TICK)
        if not shown.is_of_delivery:
            (restores,) = await self._read(ended)
            return only_shown(restores, shown, None)
        *found, parts = await self._kept.read(
            *(ended, Wanted(tables.BLAMES), *wanted_for(shown)),
            Wanted(tables.DEPLOYMENTS, since - BLAMED_BEFORE, view.as_of),
        )
        restores, blames, attributions = map(joined, found)
        deployments = joined(parts, names=("record", "ticket"))
        blamed = _blamed_first(_responsible(blames, to_micros(view.as_of)), restores.columns["incident"])
        tickets = await self._tickets_of(blamed, deployments)
        places = _places(blamed.columns["incident"], restores.columns["incident"])
        of_incident = np.append(tickets, self._kept.none)[places]
        return only_shown(restores.beside(ticket=of_incident), shown, self._tickets(view, attributions))

    async def _tickets_of(self, blamed: Rows, deployments: Rows) -> IntArray:
        """Return the ticket of each deployment that is blamed."""
        records = blamed.columns["record"]
        places = _places(deployments.columns["record"], records)
        tickets: IntArray = np.append(deployments.columns["ticket"], self._kept.none)[places]
        elsewhere = np.flatnonzero(places < 0)
        if elsewhere.size:
            told = await self._told(uuids(blamed.columns["record_id"][elsewhere]))
            numbers = [told.get(place, NOTHING) for place in range(elsewhere.size)]
            tickets[elsewhere] = self._kept.codes.of(np.array(numbers, dtype=np.int64))
        return tickets

    async def _told(self, records: Sequence[UUID]) -> dict[int, int]:
        """Return the number of the ticket of each deployment that there is, by its place."""
        async with self._database.reading() as connection:
            cursor = await connection.execute(TICKETS.encode(), {"records": records})
            return dict(await cursor.fetchall())


def _history(suspects: Rows, own: IntArray, blames: Rows, *, began: Rows, ended: Rows, none: int) -> DeploymentHistory:
    """
    Put together deployments and what is thought of them.

    Args:
        suspects: deployments in the order of their end.
        own: which of them are shown, their places in order.
        blames: what was thought of any.
        began: incidents that began.
        ended: those that ended, as it is known; none ended before it began.
        none: the code of no repository.
    """
    incident = _places(began.columns["incident"], blames.columns["incident"])
    record = _places(suspects.columns["record"], blames.columns["record"])
    found = np.flatnonzero((incident >= 0) & (record >= 0))
    blames, incident, record = blames.only(found), incident[found], record[found]
    repository = np.where(suspects.columns["repo"] == none, -1, suspects.columns["repo"])
    place = np.full(len(suspects.group), -1, dtype=np.int64)
    place[own] = np.arange(own.size)
    end = _places(ended.columns["incident"], blames.columns["incident"])
    shown = suspects.only(own).columns
    return DeploymentHistory(
        deployments=Deployments(
            started_at=shown["started_at"],
            deployed_at=shown["deployed_at"],
            has_succeeded=shown["has_succeeded"],
            is_config_only=shown["is_config_only"],
            rolled_back_at=shown["rollback_at"],
            lead_time_hrs=shown["lead_time_hrs"],
            repository=repository[own],
        ),
        blames=Blames(
            deployment=place[record],
            repository=repository[record],
            standing=blames.told(_standing, dtype=np.int64),
            valid_from=blames.columns["valid_from"],
            valid_to=blames.columns["valid_to"],
            began_at=began.columns["started_at"][incident],
            ended_at=np.append(ended.columns["resolved_at"], FOREVER)[end],
        ),
    )


def _blamed_first(blames: Rows, incidents: IntArray) -> Rows:
    """Return the deployment that each of some incidents is blamed on, a confirmed one before others."""
    blames = blames.only(np.flatnonzero(_places(incidents, blames.columns["incident"]) >= 0))
    order = np.lexsort((blames.columns["record_id"], ~blames.told(_is_confirmed), blames.columns["incident"]))
    ordered = blames.only(order)
    _, first = np.unique(ordered.columns["incident"], return_index=True)
    return ordered.only(first)


def _responsible(blames: Rows, moment: int) -> Rows:
    """Return which deployments are held responsible for incidents at the moment."""
    return blames.only(np.flatnonzero(_holds(blames, moment) & blames.told(_is_responsible)))


def _up_to(rows: Rows, moment: int) -> Rows:
    return rows.only(np.flatnonzero(rows.columns["valid_from"] <= moment))


def _holding(rows: Rows, moment: int) -> Rows:
    return rows.only(np.flatnonzero(_holds(rows, moment)))


def _places(known: IntArray, wanted: IntArray) -> IntArray:
    """Return the place of each wanted code among known ones that differ, -1 for one that is not there."""
    place_of = np.full(max(known.max(initial=-1), wanted.max(initial=-1)) + 1, -1, dtype=np.int64)
    place_of[known] = np.arange(known.size)
    found: IntArray = place_of[wanted]
    return found


def _holds(rows: Rows, moment: int) -> BoolArray:
    holds: BoolArray = (rows.columns["valid_from"] <= moment) & (rows.columns["valid_to"] > moment)
    return holds


def _standing(standing: str) -> int:
    return STANDINGS.index(Standing(standing))


def _is_responsible(standing: str) -> bool:
    return standing in HELD_RESPONSIBLE


def _is_confirmed(standing: str) -> bool:
    return standing == Standing.CONFIRMED
