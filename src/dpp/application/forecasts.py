"""When the work will be done, how sure that is, what would change it, and how forecasts have fared so far."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from dpp.application.answers import Answers, Asked, Trust
from dpp.application.cache import Keeping
from dpp.application.calendars import Calendars
from dpp.application.forecast_answers import (
    ByDate,
    DeliveryForecast,
    Imagined,
    Reason,
    SprintConfidence,
    SprintCut,
    WhatIf,
)
from dpp.application.forecasting_reader import ForecastReader, ForecastStore, StoredForecast
from dpp.application.queries import NOT_ABOUT_TICKETS
from dpp.application.readers import MetricsReader
from dpp.application.sprint_outlook import SprintOutlook, local_day, sprint_outlook
from dpp.application.views import View, Window
from dpp.domain.access import StreamScope
from dpp.domain.arrays import IntArray
from dpp.domain.calendar import BusinessCalendar, to_micros
from dpp.domain.calibration import Calibration, Promise, calibrate
from dpp.domain.catalogue import METRICS
from dpp.domain.configuration import Configuration
from dpp.domain.errors import InvalidInput
from dpp.domain.figures import Figure
from dpp.domain.forecast import (
    FORECAST_RUNS,
    HORIZON_WEEKS,
    MINIMUM_WEEKS,
    PERCENTS,
    Forecast,
    Method,
    forecast,
)
from dpp.domain.resampling import as_sample, outcomes, seed_of
from dpp.domain.throughput import SAMPLE_WEEKS, WeeklyThroughput, weekly_throughput

FORECAST = Keeping(ttl=timedelta(hours=1), unmoved_by=NOT_ABOUT_TICKETS)
#: So far back the platform makes up forecasts for itself, to be judged by.
CAUGHT_UP_WEEKS = 26

CONFIDENCE = Keeping(ttl=timedelta(seconds=30), unmoved_by=NOT_ABOUT_TICKETS)

JUDGED_DAYS = 365
"""Forecasts are judged that are no older: so long they are kept at least (§8.3)."""

#: The weeks of a sample with the running one, and a day for what a clock may be ahead.
_SAMPLE_SPAN = timedelta(weeks=SAMPLE_WEEKS + 1, days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What a forecast of a view stands on."""

    calendar: BusinessCalendar
    today: date
    now: int
    throughput: WeeklyThroughput
    completed_at: IntArray
    promises: tuple[Promise, ...]

    @property
    def sample(self) -> list[int]:
        counts: list[int] = self.throughput.completions.tolist()
        return counts


class Forecasts:
    """Answers what is asked of the future, and keeps what was answered to judge it later.

    Args:
        reader: rows for forecasts.
        store: where forecasts are kept.
        metrics: rows that tell how far figures can be trusted.
        configuration: returns the current one.
        calendars: makes the streams' calendars.
        answers: keeps answers, or not.
    """

    def __init__(
        self,
        *,
        reader: ForecastReader,
        store: ForecastStore,
        metrics: MetricsReader,
        configuration: Callable[[], Awaitable[Configuration]],
        calendars: Calendars,
        answers: Answers | None = None,
    ) -> None:
        self._reader = reader
        self._store = store
        self._configuration = configuration
        self._calendars = calendars
        self._answers = answers or Answers()
        self._trust = Trust(reader=metrics, answers=self._answers)

    async def forecast(self, view: View, *, what_if: WhatIf = WhatIf()) -> DeliveryForecast:  # noqa: B008 - immutable
        """Return when the remaining work of a view will be done (§6.5.1), and what would be if.

        Raises:
            InvalidInput: ``what_if`` asks about a day that is over or more than ten years ahead.
        """
        # The day is a part of the question: what was answered before midnight is about another one.
        calendar = await self._calendar(view.delivery_stream_id)
        today = local_day(to_micros(view.as_of), calendar)
        _check_day(what_if.by_date, today=today)
        return await self._answers.get(
            ("forecast", today, what_if),
            view=view,
            keeping=FORECAST,
            compute=lambda: self._forecast(view, what_if=what_if, calendar=calendar, today=today),
        )

    async def _forecast(
        self, view: View, *, what_if: WhatIf, calendar: BusinessCalendar, today: date
    ) -> DeliveryForecast:
        unit, asked = METRICS["monte_carlo_forecast"].unit, Asked.of(view)
        if view.tech_stream_id is not None:
            figure = Figure(value=None, unit=unit, sample_size=0)
            return DeliveryForecast(asked=asked, figure=figure, calibration={}, reason=Reason.TECH_STREAM)
        ground = await self._ground(view, calendar=calendar, today=today)
        found = _made(view, ground, scope=await self._reader.scope(view))
        marks = await self._trust.marks(view)
        figure = Figure(value=float(found.scope), unit=unit, sample_size=len(found.sample))
        return DeliveryForecast(
            asked=asked,
            figure=marks.on(figure, "monte_carlo_forecast"),
            forecast=found,
            weeks=tuple(ground.throughput.weeks.tolist()),
            calibration=_judged(ground),
            imagined=await self._imagined(view, ground, found, what_if) if what_if else None,
        )

    async def _ground(self, view: View, *, calendar: BusinessCalendar, today: date, is_judged: bool = True) -> _Ground:
        since = today - timedelta(days=JUDGED_DAYS)
        rows = await self._reader.promises(view, since=since) if is_judged else ()
        start = min([view.as_of - _SAMPLE_SPAN, *(row.made_at for row in rows)])
        completed = await self._reader.completions(view, window=Window(start=start, end=view.as_of))
        now = to_micros(view.as_of)
        return _Ground(
            calendar=calendar,
            today=today,
            now=now,
            throughput=weekly_throughput(
                completed_at=completed, first_event=await self._reader.first_event(view), now=now, calendar=calendar
            ),
            completed_at=completed,
            promises=tuple(
                Promise(to_micros(row.made_at), row.scope_item_count, dict(zip(PERCENTS, row[2:], strict=True)))
                for row in rows
            ),
        )

    async def _imagined(self, view: View, ground: _Ground, found: Forecast, what_if: WhatIf) -> Imagined:
        changed = _made(view, ground, scope=max(0, found.scope + what_if.scope_change))
        confidence = what_if.confidence_pct
        return Imagined(
            asked=what_if,
            forecast=changed,
            confident_date=None if confidence is None else changed.completion_date(confidence),
            by_date=_by_date(changed, what_if),
            sprint=await self._sprint_cut(view, ground, confidence) if confidence is not None else None,
        )

    async def _sprint_cut(self, view: View, ground: _Ground, confidence_pct: float) -> SprintCut | None:
        if view.delivery_stream_id is None:
            return None
        outlook = await sprint_outlook(self._reader, view, calendar=ground.calendar, today=ground.today)
        cut = outlook.cut_for(confidence_pct) if outlook else None
        if outlook is None or cut is None:
            return None
        return SprintCut(sprint=outlook.sprint, remaining=outlook.remaining.items, scope_cut=cut)

    async def sprint_confidence(self, view: View) -> SprintConfidence:
        """Return how likely the running sprint of a delivery stream is to finish what is left in it (§6.2.2)."""
        return await self._answers.get(
            "sprint_confidence", view=view, keeping=CONFIDENCE, compute=lambda: self._sprint_confidence(view)
        )

    async def confidence_of(self, view: View) -> float | None:
        """Return the bare percentage of ``sprint_confidence``, or None, for figures that rest on it."""
        return (await self.sprint_confidence(view)).figure.value

    async def _sprint_confidence(self, view: View) -> SprintConfidence:
        if view.tech_stream_id is not None:
            return _no_confidence(view, Reason.TECH_STREAM)
        if view.delivery_stream_id is None:
            return _no_confidence(view, Reason.NO_STREAM)
        calendar = await self._calendar(view.delivery_stream_id)
        today = local_day(to_micros(view.as_of), calendar)
        outlook = await sprint_outlook(self._reader, view, calendar=calendar, today=today)
        if outlook is None:
            return _no_confidence(view, Reason.NO_SPRINT)
        marks = await self._trust.marks(view)
        return _confidence(view, outlook, lambda figure: marks.on(figure, "sprint_confidence"))

    async def store_forecasts(self, *, at: datetime) -> int:
        """Make and keep a forecast for each active delivery stream, and for all together, as of a moment.

        What has no probability has no dates to be judged by, and is not kept. A stream that has a forecast for the day
        keeps that one, so that this may run any number of times a day and in several processes.

        Returns:
            How many forecasts are new.

        Raises:
            Unavailable: the store does not answer.
        """
        configuration = await self._configuration()
        streams = [None, *(stream.stream_id for stream in configuration.delivery_streams if stream.is_active)]
        made = [await self._made_for(stream, at=at) for stream in streams]
        return await self._store.add([row for row in made if row.forecast.method is Method.MONTE_CARLO])

    async def catch_up_forecasts(self, *, at: datetime, weeks: int = CAUGHT_UP_WEEKS) -> int:
        """Make and keep the forecasts that would have been made at the end of each past week, where there are none.

        A platform that has just learnt the history of a stream can then say at once how its forecasts would have held.
        Each stands on the events up to its moment; only what was reported late makes it differ from one made then.

        Args:
            at: the present.
            weeks: how far to go back.

        Returns:
            How many forecasts are new.

        Raises:
            Unavailable: the store does not answer.
        """
        configuration = await self._configuration()
        streams = [None, *(stream.stream_id for stream in configuration.delivery_streams if stream.is_active)]
        missing: list[StoredForecast] = []
        for stream in streams:
            view = View(scope=StreamScope.everything(), as_of=at, delivery_stream_id=stream)
            since = local_day(to_micros(at - timedelta(weeks=weeks + 1)), await self._calendar(stream))
            known = [row.made_at for row in await self._reader.promises(view, since=since)]
            for week in range(weeks, 0, -1):
                moment = at - timedelta(weeks=week)
                # One a week is enough, whenever in the week before it was made.
                if not any(moment - timedelta(weeks=1) < made_at <= moment for made_at in known):
                    missing.append(await self._made_for(stream, at=moment))
        return await self._store.add([row for row in missing if row.forecast.method is Method.MONTE_CARLO])

    async def _made_for(self, stream: UUID | None, *, at: datetime) -> StoredForecast:
        view = View(scope=StreamScope.everything(), as_of=at, delivery_stream_id=stream)
        calendar = await self._calendar(stream)
        today = local_day(to_micros(at), calendar)
        ground = await self._ground(view, calendar=calendar, today=today, is_judged=False)
        found = _made(view, ground, scope=await self._reader.scope(view))
        return StoredForecast(delivery_stream_id=stream, made_at=at, forecast=found)

    async def _calendar(self, stream: UUID | None) -> BusinessCalendar:
        return self._calendars.of((await self._configuration()).calendar_of(stream))


def _check_day(day: date | None, *, today: date) -> None:
    if day is not None and not today <= day <= today + timedelta(weeks=HORIZON_WEEKS):
        raise InvalidInput(f"by_date is {day}; give a day from {today} on, within ten years", field="by_date")


def _made(view: View, ground: _Ground, *, scope: int) -> Forecast:
    seed = seed_of(stream=view.delivery_stream_id, day=ground.today)
    return forecast(scope=scope, sample=ground.sample, made_on=ground.today, seed=seed)


def _judged(ground: _Ground) -> dict[int, Calibration]:
    return dict(calibrate(ground.promises, completed_at=ground.completed_at, now=ground.now, calendar=ground.calendar))


def _by_date(changed: Forecast, what_if: WhatIf) -> ByDate | None:
    if what_if.by_date is None or len(changed.sample) < MINIMUM_WEEKS:
        return None
    done = outcomes(
        sample=as_sample(changed.sample),
        # As in a forecast, what a week does is done when it is over.
        periods=(what_if.by_date - changed.made_on).days // 7,
        seed=changed.seed,
        runs=FORECAST_RUNS,
    )
    confidence = what_if.confidence_pct
    return ByDate(
        day=what_if.by_date,
        items={percent: done.items_at(percent) for percent in PERCENTS},
        chance_pct=done.chance_pct(changed.scope),
        scope_cut=None if confidence is None else done.cut_for(changed.scope, confidence_pct=confidence),
    )


def _confidence(view: View, outlook: SprintOutlook, marked: Callable[[Figure], Figure]) -> SprintConfidence:
    value = outlook.confidence_pct
    return SprintConfidence(
        asked=Asked.of(view),
        figure=marked(
            Figure(value=value, unit=METRICS["sprint_confidence"].unit, sample_size=int(outlook.sample.size))
        ),
        sprint=outlook.sprint,
        remaining=outlook.remaining,
        working_days_left=outlook.days_left,
        reason=Reason.NO_HISTORY if value is None else None,
    )


def _no_confidence(view: View, reason: Reason) -> SprintConfidence:
    figure = Figure(value=None, unit=METRICS["sprint_confidence"].unit, sample_size=0)
    return SprintConfidence(asked=Asked.of(view), figure=figure, reason=reason)
