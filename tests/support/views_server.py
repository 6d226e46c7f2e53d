"""The views' application for a server process, with a route by which a browser test moves it."""

from litestar import Litestar, post

from dpp.application.derivation import TOPICS
from dpp.application.ports import Change
from dpp.application.stale import StaleKind
from dpp.domain.events import WorkItemEventType
from tests.support.views_app import NOW_HOURS, Views, flag

VIEWS = Views()


@post("/test/happen/unblock", status_code=204)
async def unblock(key: str) -> None:
    """Let nothing block a ticket any longer."""
    await VIEWS.happen(flag(key, WorkItemEventType.UNBLOCKED, NOW_HOURS - 0.1))
    await VIEWS.feed.publish(Change(topic=TOPICS[StaleKind.TICKET]))


def build() -> Litestar:
    """Build the application with the test's route."""
    app = VIEWS.app()
    app.register(unblock)
    return app
