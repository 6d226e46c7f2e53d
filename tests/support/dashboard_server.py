"""The dashboard's application for a server process, with two more routes by which a browser test moves it."""

from typing import Any

from litestar import Litestar, get, post

from dpp.application.ports import Change
from dpp.application.readers import StageRow
from tests.support.dashboard_app import TOKEN, Dashboard

DASHBOARD = Dashboard()


@post("/test/happen/{what:str}", status_code=204)
async def happen(what: str, count: int = 0) -> None:
    """Let something happen: work in progress becomes ``count``, the news break off, or the session ends."""
    match what:
        case "work":
            DASHBOARD.reader.stages = (StageRow("dev", True, count),)
        case "break":
            DASHBOARD.feed.break_off()
        case "away":
            DASHBOARD.reader.is_away = bool(count)
        case "over":
            DASHBOARD.signin.is_over, DASHBOARD.signin.tokens = bool(count), [TOKEN]
        case topic:
            await DASHBOARD.feed.publish(Change(topic=topic))


@get("/test/listeners")
async def listeners() -> dict[str, Any]:
    """Say how many pages listen."""
    return {"listeners": len(DASHBOARD.feed.listeners)}


def build() -> Litestar:
    """Build the application with the test's routes."""
    app = DASHBOARD.app()
    app.register(happen)
    app.register(listeners)
    return app
