"""Deployments, changes and incidents as of a view's moment, from kept rows (decisions 0024, 0044)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from dpp.adapters.postgres import kept_delivery_tables as tables
from dpp.adapters.postgres.engine import Database
from dpp.adapters.postgres.kept_rows import KeptRows, Rows, Shown, together
from dpp.adapters.postgres.kept_streams import NO_TICKET, number_of, shown_of
from dpp.application.delivery_columns import Columns
from dpp.application.delivery_reader import BLAMED_BEFORE
from dpp.application.evidence_reader import Among, UnplacedDeliveries
from dpp.application.views import View, Window
from dpp.domain.arrays import BoolArray, IntArray
from dpp.domain.calendar import to_micros
from dpp.domain.dora import HELD_RESPONSIBLE, STANDINGS
from dpp.domain.histories import FOREVER
from dpp.domain.incidents import Standing

_TICKETS = f"""
SELECT uuid_hash_extended(record_id, 0), {number_of("linked_issue_id")}
FROM deployment_records WHERE record_id = ANY (%(records)s)
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

    async def ended(self, view: View, *, since: datetime) -> Rows:
        """Return the deployments to production that ended since a time and before the moment, whoever sees them."""
        first, moment = to_micros(since), to_micros(view.as_of)
        parts = await self._kept.between(tables.DEPLOYMENTS, since, view.as_of)
        return together(
            (part, (part.columns["deployed_at"] >= first) & (part.columns["deployed_at"] < moment)) for part in parts
        )

    async def shown(self, view: View, rows: Rows, *, among: Among = Among.SHOWN) -> Rows:
        """Return those of some rows with a ``ticket`` that a view shows."""
        return rows.only(await shown_of(self._kept, view, rows, among=among))

    async def blamed(self, view: View, suspects: Rows, *, since: datetime) -> Columns:
        """Return what is thought of suspects for incidents that began since a time, as ``history`` takes it."""
        began = await self._began(view, since=since)
        blames = await self._blames(view)
        incident = places_in(began.columns["incident"], blames.columns["incident"])
        record = places_in(suspects.columns["record"], blames.columns["record"])
        found = np.flatnonzero((incident >= 0) & (record >= 0))
        blames, incident, record = blames.only(found), incident[found], record[found]
        return {
            "record_id": blames.columns["record"],
            "repo_id": suspects.columns["repo"][record],
            "standing": blames.told(_standing, dtype=np.int64),
            "valid_from": blames.columns["valid_from"],
            "valid_to": blames.columns["valid_to"],
            "began_at": began.columns["started_at"][incident],
            "ended_at": await self._ended_at(view, blames.columns["incident"], since=since),
        }

    async def _began(self, view: View, *, since: datetime) -> Rows:
        first, moment = to_micros(since), to_micros(view.as_of)
        parts = await self._kept.between(tables.INCIDENTS, since, view.as_of)
        return together(
            (part, (part.columns["started_at"] >= first) & (part.columns["started_at"] <= moment)) for part in parts
        )

    async def _blames(self, view: View) -> Rows:
        """Return what was thought up to the moment."""
        moment = to_micros(view.as_of)
        parts = await self._kept.every(tables.BLAMES)
        return together((part, part.columns["valid_from"] <= moment) for part in parts)

    async def _ended_at(self, view: View, incidents: IntArray, *, since: datetime) -> IntArray:
        """Return when incidents ended as known at the moment; none that began later ended before the time."""
        first, moment = to_micros(since), to_micros(view.as_of)
        parts = await self._kept.between(tables.RESTORES, since)
        known = together(
            (part, (part.columns["resolved_at"] >= first) & _holds(part, moment)) for part in parts
        ).columns
        places = places_in(known["incident"], incidents)
        return np.where(places >= 0, np.append(known["resolved_at"], FOREVER)[places], FOREVER)

    async def restores(
        self, view: View, *, since: datetime, among: Among = Among.SHOWN, only_known: bool = False
    ) -> Rows:
        """Return how long incidents lasted that ended since a time and before the moment.

        Args:
            view: what counts.
            since: the time.
            among: what is asked for instead of what is shown.
            only_known: leave out what was known of them before the moment and not at it.
        """
        first, moment = to_micros(since), to_micros(view.as_of)
        parts = await self._kept.between(tables.RESTORES, since, view.as_of)

        def counts(part: Rows) -> BoolArray:
            resolved_at, told = part.columns["resolved_at"], part.columns["valid_from"] <= moment
            in_time: BoolArray = (resolved_at >= first) & (resolved_at < moment) & told
            return in_time & _holds(part, moment) if only_known else in_time

        rows = together((part, counts(part)) for part in parts)
        if not Shown.by(view, among).is_of_delivery:
            tickets = np.full(len(rows.group), NO_TICKET, dtype=np.int64)
        else:
            tickets = await self._tickets(view, rows.columns["incident"], since=since)
        return await self.shown(view, rows.beside(ticket=tickets), among=among)

    async def responsible(self, view: View) -> Rows:
        """Return which deployments are held responsible for incidents at the moment."""
        blames, moment = await self._blames(view), to_micros(view.as_of)
        return blames.only(np.flatnonzero(_holds(blames, moment) & blames.told(_is_responsible)))

    async def _tickets(self, view: View, incidents: IntArray, *, since: datetime) -> IntArray:
        """Return the ticket of the deployment that each incident is blamed on, a confirmed one before others."""
        blames = await self.responsible(view)
        blames = blames.only(np.flatnonzero(np.isin(blames.columns["incident"], incidents)))
        order = np.lexsort((blames.columns["record_id"], ~blames.told(_is_confirmed), blames.columns["incident"]))
        blames = blames.only(order)
        blamed, first = np.unique(blames.columns["incident"], return_index=True)
        tickets = await self._tickets_of(view, blames.only(first), since=since)
        places = places_in(blamed, incidents)
        return np.where(places >= 0, np.append(tickets, NO_TICKET)[places], NO_TICKET)

    async def _tickets_of(self, view: View, blames: Rows, *, since: datetime) -> IntArray:
        kept = (await self.ended(view, since=since - BLAMED_BEFORE)).columns
        records = blames.columns["record"]
        places = places_in(kept["record"], records)
        tickets = np.append(kept["ticket"], NO_TICKET)[places]
        earlier = np.flatnonzero(places < 0)
        if earlier.size:
            told = await self._told([UUID(bytes=one.ljust(16, b"\0")) for one in blames.columns["record_id"][earlier]])
            tickets[earlier] = [told.get(record, NO_TICKET) for record in records[earlier].tolist()]
        return tickets

    async def _told(self, records: Sequence[UUID]) -> dict[int, int]:
        async with self._database.reading() as connection:
            cursor = await connection.execute(_TICKETS.encode(), {"records": records})
            return dict(await cursor.fetchall())

    async def changes(self, view: View, *, window: Window) -> Rows:
        """Return the changes of a view that were deployed in a window, and before the moment."""
        start, end = to_micros(window.start), min(to_micros(window.end), to_micros(view.as_of))
        parts = await self._kept.between(tables.CHANGES, window.start, window.end)
        rows = together(
            (part, (part.columns["deployed_at"] >= start) & (part.columns["deployed_at"] < end)) for part in parts
        )
        return await self.shown(view, rows)

    async def waiting(self, view: View) -> Rows:
        """Return the changes of a view that were merged and not deployed at the moment."""
        moment = to_micros(view.as_of)
        parts = await self._kept.between(tables.CHANGES, view.as_of)
        rows = together(
            (part, (part.columns["deployed_at"] > moment) & (part.columns["merged_at"] <= moment)) for part in parts
        )
        return await self.shown(view, rows)

    async def unplaced(self, view: View, *, window: Window) -> UnplacedDeliveries:
        """Return what may be of a view and does not say so."""
        moment, end = to_micros(view.as_of), to_micros(window.end)
        rows = await self.ended(view, since=window.start)
        rows = rows.only(np.flatnonzero(rows.columns["deployed_at"] < end))
        found = (await self.shown(view, rows, among=Among.UNPLACED)).columns
        restores = (await self.restores(view, since=window.start, among=Among.UNPLACED, only_known=True)).columns
        minutes = restores["minutes"][restores["resolved_at"] < end]
        blamed = (await self.responsible(view)).columns["record"]
        undone = found["rollback_at"] <= moment
        is_change = ~found["is_config_only"]
        hours = found["lead_time_hrs"][found["has_succeeded"]]
        return UnplacedDeliveries(
            changes=int(is_change.sum()),
            releases=int((is_change & found["has_succeeded"] & ~undone).sum()),
            harmful=int((is_change & (undone | np.isin(found["record"], blamed))).sum()),
            lead_time_hrs=hours[~np.isnan(hours)],
            restore_minutes=minutes[~np.isnan(minutes)],
        )


def places_in(known: IntArray, wanted: IntArray) -> IntArray:
    """Return the place of each wanted number among known ones that differ, -1 for one that is not there."""
    if not known.size:
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(known)
    ordered = known[order]
    places = np.minimum(np.searchsorted(ordered, wanted), known.size - 1)
    return np.where(ordered[places] == wanted, order[places], -1)


def _holds(rows: Rows, moment: int) -> BoolArray:
    holds: BoolArray = (rows.columns["valid_from"] <= moment) & (rows.columns["valid_to"] > moment)
    return holds


def _standing(standing: str) -> int:
    return STANDINGS.index(Standing(standing))


def _is_responsible(standing: str) -> bool:
    return standing in HELD_RESPONSIBLE


def _is_confirmed(standing: str) -> bool:
    return standing == Standing.CONFIRMED


def as_history(rows: Rows) -> dict[str, NDArray[np.generic]]:
    """Return the columns of deployments under the names that ``history`` knows."""
    return {**rows.columns, "record_id": rows.columns["record"], "repo_id": rows.columns["repo"]}
