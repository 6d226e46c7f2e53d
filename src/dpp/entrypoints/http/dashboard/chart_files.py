"""The charts that the server draws, each as a file that stands alone, for the filters of the page that shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dpp.application.cross_stream import CrossStream
from dpp.domain.access import Permission, Principal
from dpp.domain.catalogue import METRICS
from dpp.domain.errors import InvalidInput
from dpp.entrypoints.http.dashboard import beyond, problems, standalone, svg_ages, svg_bars, svg_stack, words
from dpp.entrypoints.http.dashboard.cross_stream_page import columns_of
from dpp.entrypoints.http.dashboard.frame import chosen
from dpp.entrypoints.http.dashboard.gauge import gauge
from dpp.entrypoints.http.dashboard.heatmap import heatmap, shades
from dpp.entrypoints.http.dashboard.looking import Answers, Showing, look
from dpp.entrypoints.http.dashboard.palette import Theme
from dpp.entrypoints.http.dashboard.sankey import sankey
from dpp.entrypoints.http.dashboard.standalone import NothingToDraw, Picture

SVG = "image/svg+xml"


class ChartFiles:
    """Draws charts.

    Args:
        cross_stream_of: gives what answers about shared bottlenecks once the platform has started.
    """

    def __init__(self, cross_stream_of: Callable[[], CrossStream]) -> None:
        self._cross_stream_of = cross_stream_of

    async def sprint(self, answers: Answers) -> Picture | None:
        """Draw the gauge of the running sprint."""
        found = await answers.confidence()
        if found.figure.value is None:
            return None
        note = f"{found.sprint.name}, {_note(answers)}" if found.sprint else _note(answers)
        title = METRICS["sprint_confidence"].title
        return Picture(kind="gauge", title=title, note=note, drawn=gauge(found.figure.value), height=300)

    async def defects(self, answers: Answers) -> Picture | None:
        """Draw how defects went from where they were made to where they were found."""
        drawn = sankey((await answers.diagnosis()).defects.matrix)
        title = METRICS["defect_escape_rate"].title
        if drawn is None:
            return None
        return Picture(kind="sankey", title=title, note=_note(answers, has_window=True), drawn=drawn, height=340)

    async def cumulative(self, answers: Answers) -> Picture | None:
        """Draw tickets by stage over days."""
        drawn = svg_stack.cumulative(await answers.cumulative_flow())
        if drawn is None:
            return None
        return Picture(
            kind="stacked",
            title=beyond.CUMULATIVE_FLOW.title,
            note=_note(answers, has_window=True),
            drawn=drawn,
            height=400,
            keys=tuple((band.name, f"band{band.number}", "square") for band in reversed(drawn.bands)),
        )

    async def arrivals(self, answers: Answers) -> Picture | None:
        """Draw what came and left, week by week."""
        drawn = svg_bars.bars((await answers.arrivals()).weeks)
        if drawn is None:
            return None
        return Picture(
            kind="pairs",
            title=beyond.ARRIVALS.title,
            note=f"{_note(answers, has_window=True)}; the last week is still running",
            drawn=drawn,
            height=340,
            keys=(("Came into progress", "active", "square"), ("Left progress", "queue", "square")),
        )

    async def ageing(self, answers: Answers) -> Picture | None:
        """Draw ages by stage."""
        drawn = svg_ages.ages(await answers.ageing())
        if drawn is None:
            return None
        lines = [
            (f"{line.name} of finished items, {words.number(line.days)} days", line.name, "line")
            for line in drawn.lines
        ]
        return Picture(
            kind="aged",
            title=beyond.AGEING.title,
            note=f"Working days in progress by stage; {_note(answers)}",
            drawn=drawn,
            height=400,
            keys=(("Item", "active", "dot"), ("Blocked item", "escape", "diamond"), *lines),
        )

    async def heatmap(self, answers: Answers) -> Picture | None:
        """Draw which deliveries depend on which technology."""
        looking = answers.looking
        found = await self._cross_stream_of().bottlenecks(
            replace(looking.view, tech_stream_id=None),
            configuration=answers.configuration,
            window_days=looking.filters.window,
        )
        drawn = heatmap(found, streams=columns_of(answers.configuration, looking))
        if not drawn.has_dependencies:
            return None
        return Picture(
            kind="heat",
            title=beyond.HEATMAP.title,
            note=f"Blocks of 14 days, and open tickets; {_note(answers)}",
            drawn=drawn,
            height=26 + 56 * len(drawn.rows) + 8,
            keys=tuple(
                (_blocks(shade.blocks), f"heat{shade.level}" if shade.level else "sunken", "square")
                for shade in shades()
            ),
        )


Draw = Callable[[ChartFiles, Answers], Awaitable[Picture | None]]

CHARTS: Mapping[str, Draw] = MappingProxyType(
    {
        "sprint": ChartFiles.sprint,
        "defects": ChartFiles.defects,
        "cumulative": ChartFiles.cumulative,
        "arrivals": ChartFiles.arrivals,
        "ageing": ChartFiles.ageing,
        "heatmap": ChartFiles.heatmap,
    }
)
"""By what their files are called."""


def routes(showing: Callable[[], Showing], cross_stream_of: Callable[[], CrossStream]) -> list[HTTPRouteHandler]:
    """Build the route; the arguments give what it needs once the platform has started."""
    settings: Mapping[str, Any] = {
        "opt": {"permission": Permission.METRICS_READ},
        "exception_handlers": problems.handlers(lambda: showing().gate),
        "include_in_schema": False,
    }
    files = ChartFiles(cross_stream_of)

    @get("/charts/{file:str}", **settings)
    async def chart(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], file: FromPath[str]
    ) -> Response[str]:
        """Send a chart."""
        name, theme = file.removesuffix(".svg"), _theme(request.query_params.get("theme", ""))
        if name not in CHARTS or name == file:
            raise NothingToDraw(f"There is no chart {file!r}; there are {', '.join(CHARTS)}")
        to = showing()
        looking = await look(request, principal, to.answering)
        picture = await CHARTS[name](files, Answers(to, looking))
        if picture is None:
            raise NothingToDraw("There is nothing to draw for this choice")
        headers = {
            "cache-control": "private, no-cache",
            "content-disposition": f'attachment; filename="dpp-{name}.svg"',
        }
        return Response(standalone.svg(picture, theme=theme), media_type=SVG, headers=headers)

    return [chart]


def _theme(text: str) -> Theme:
    try:
        return Theme(text or Theme.LIGHT)
    except ValueError:
        raise InvalidInput(f"There is no theme {text!r}; there are {', '.join(Theme)}", field="theme") from None


def _note(answers: Answers, *, has_window: bool = False) -> str:
    """Return of which streams and days a picture is."""
    looking = answers.looking
    moment = words.moment(looking.view.as_of, zone=looking.zone)
    when = f"the {words.days(looking.filters.window)} up to {moment}" if has_window else f"as of {moment}"
    return f"{chosen(answers.configuration, looking.view)}, {when}"


def _blocks(count: str) -> str:
    """Return what a step of the heatmap's scale stands for."""
    return {"none": "no block", "1": "1 block"}.get(count, f"{count} blocks")
