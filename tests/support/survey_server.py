"""The whole application for a member of a team, with routes that move its time and show the answers."""

from uuid import UUID

from litestar import Litestar, get, post

from dpp.application.pulse_ports import PulseResponse
from dpp.domain.access import Grant, Role
from tests.support.derivation import PAYMENTS
from tests.support.whole_app import WholeApp

WHOLE = WholeApp(grants=(Grant(role=Role.TEAM_MEMBER, delivery_stream_id=PAYMENTS),))


@post("/test/happen/forward", status_code=204)
async def forward(days: int) -> None:
    """Let days go by."""
    WHOLE.clock.forward(days=days)


@get("/test/answers")
async def answers() -> list[dict[str, int | str]]:
    """Return the scores of the answers of now, with who gave them, as they are stored."""
    stored: dict[object, PulseResponse] = WHOLE.organisation.stores.database.surveys.responses  # type: ignore[assignment]
    return [
        {
            "period": str(row.survey_period),
            "team": str(row.delivery_stream_id or UUID(int=0)),
            "pace": row.pace_score,
            "tooling": row.tooling_score,
            "clarity": row.clarity_score,
            "text": row.free_text or "",
        }
        for row in stored.values()
    ]


def build() -> Litestar:
    """Build the application with the test's routes."""
    app = WHOLE.app()
    app.register(forward)
    app.register(answers)
    return app
