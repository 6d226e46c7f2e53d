"""Why a figure is what it is, over HTTP (decision 0026)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter, PathParameter

from dpp.application.evidence import Explanations
from dpp.application.evidence_answers import Item, Question
from dpp.domain import catalogue
from dpp.domain.access import Permission, Principal
from dpp.domain.companions import COMPANIONS
from dpp.entrypoints.http import evidence_shapes, paging
from dpp.entrypoints.http.envelope import answer
from dpp.entrypoints.http.metrics import Answering, AsOf, Stream, TechStream, WindowDays, described
from dpp.entrypoints.http.source_links import SourceLinks

MetricName = Annotated[
    str,
    PathParameter(
        description="The name of a metric, or of a figure beside them",
        schema_extra={"enum": [*catalogue.METRICS, *COMPANIONS]},
    ),
]
Counted = Annotated[
    bool | None, Parameter(description="True for what counts alone, false for what is left out alone; without it, both")
]


def routes(answering: Callable[[], Answering], explanations: Callable[[], Explanations]) -> list[HTTPRouteHandler]:
    """Build the routes; the arguments give what they need once the platform has started."""

    @get(
        "/metrics/{metric:str}/evidence",
        opt={"permission": Permission.METRICS_READ},
        tags=["Metrics"],
        responses={200: described(evidence_shapes.EvidenceAnswer)},
    )
    async def evidence(
        principal: NamedDependency[Principal],
        metric: MetricName,
        stream: Stream = None,
        tech_stream: TechStream = None,
        window: WindowDays = None,
        as_of: AsOf = None,
        counted: Counted = None,
        limit: paging.Limit = None,
        cursor: paging.Cursor = None,
    ) -> Response[Any]:
        """Explain a figure: what it means, the very things behind it, what is left out and why, how fresh it is.

        Figures that have a window of their own, or none, do not use the window that is asked for.
        """
        to = answering()
        question = Question(
            metric=catalogue.explained(metric),
            view=to.view(principal, stream=stream, tech_stream=tech_stream, as_of=as_of),
            window_days=to.window(window),
            configuration=to.configuration.value,
        )
        found = await explanations().explain(question)
        page = listed(question, found.found.items, as_of=as_of, counted=counted, limit=limit, cursor=cursor)
        meta = {**to.meta(found.found.asked), "limit": page.meta.limit, "next_cursor": page.meta.next_cursor}
        links = SourceLinks.of(question.configuration)
        return answer(evidence_shapes.evidence(found, page.rows, links=links), meta=meta)

    return [evidence]


def listed(
    question: Question,
    items: Sequence[Item],
    *,
    as_of: str | None,
    counted: bool | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> paging.Page[Item]:
    """Return a page of the items of an answer; arguments and errors as those of the route and of ``paging.page``."""
    view = question.view
    return paging.page(
        [item for item in items if counted is None or item.counted is counted],
        key=_key,
        of=(question.metric.name, view.delivery_stream_id, view.tech_stream_id, question.window_days, as_of, counted),
        limit=limit,
        cursor=cursor,
    )


def _key(item: Item) -> str:
    return f"{item.role} {item.kind} {item.name} {item.at} {item.detail}"
