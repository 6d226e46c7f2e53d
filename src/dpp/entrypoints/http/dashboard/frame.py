"""What stands around the zones: the filters, who is signed in, and what to connect first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request

from dpp.application.views import MAX_WINDOW_DAYS, View
from dpp.domain.access import Permission, Principal
from dpp.domain.configuration import Configuration, DeliveryStream, TechStream
from dpp.entrypoints.http.auth import CSRF_FIELD
from dpp.entrypoints.http.dashboard import filters
from dpp.entrypoints.http.dashboard.looking import Context, Looking, Showing, sees


def frame(request: Request[Any, Any, Any], principal: Principal, to: Showing, looking: Looking) -> Context:
    """Return the filters' choices, what is chosen, and who is signed in."""
    configuration = to.answering.configuration.value
    return {
        "heading": chosen(configuration, looking.view),
        "streams": [
            (row.name, row.display_name) for row in configuration.delivery_streams if sees(row, principal.scope)
        ],
        "tech_streams": [
            (row.name, row.display_name) for row in configuration.tech_streams if sees(row, principal.scope)
        ],
        "chosen_stream": _name(configuration.delivery_streams, looking.view.delivery_stream_id),
        "chosen_tech_stream": _name(configuration.tech_streams, looking.view.tech_stream_id),
        "presets": filters.PRESET_DAYS,
        "max_days": MAX_WINDOW_DAYS,
        "signed_in_as": principal.name,
        "may_answer": Permission.SURVEY_SUBMIT in principal.permissions,
        "may_administer": Permission.STREAMS_MANAGE in principal.permissions,
        "csrf_field": CSRF_FIELD,
        "csrf_token": to.gate.form_token(request),
    }


def chosen(configuration: Configuration, view: View) -> str:
    """Name what is shown."""
    delivery = [row.display_name for row in configuration.delivery_streams if row.stream_id == view.delivery_stream_id]
    tech = [row.display_name for row in configuration.tech_streams if row.stream_id == view.tech_stream_id]
    names = delivery + tech
    return " on ".join(names) if names else "All streams"


def _name(rows: Sequence[DeliveryStream] | Sequence[TechStream], stream_id: UUID | None) -> str | None:
    return next((row.name for row in rows if row.stream_id == stream_id), None)
