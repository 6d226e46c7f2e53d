"""What a view shows, as a condition in SQL."""

from __future__ import annotations

from typing import Any

from dpp.application.views import View


def condition(view: View) -> str:
    """Return what follows ``WHERE …``: empty, or ``AND …``, on ``delivery_stream_id`` and ``tech_stream_ids``.

    Only what restricts is written down, so that each kind of view has a plan of its own.
    """
    in_scope = "tech_stream_ids && %(scope_tech)s::uuid[]"
    return _condition(view, of_tech="%(tech)s = ANY (tech_stream_ids)", in_scope=in_scope)


def condition_on_one(view: View) -> str:
    """Return the same for what has one technology stream or none, ``tech_stream_id``."""
    return _condition(view, of_tech="tech_stream_id = %(tech)s", in_scope="tech_stream_id = ANY (%(scope_tech)s)")


def _condition(view: View, *, of_tech: str, in_scope: str) -> str:
    terms = []
    if view.delivery_stream_id is not None:
        terms.append("delivery_stream_id = %(delivery)s")
    if view.tech_stream_id is not None:
        terms.append(of_tech)
    if not view.scope.is_all:
        terms.append(f"(delivery_stream_id = ANY (%(scope_delivery)s) OR {in_scope})")
    return "".join(f" AND {term}" for term in terms)


def values(view: View) -> dict[str, Any]:
    """Return what the condition compares with, and ``as_of``."""
    return {
        "as_of": view.as_of,
        "delivery": view.delivery_stream_id,
        "tech": view.tech_stream_id,
        "scope_delivery": sorted(view.scope.delivery_streams),
        "scope_tech": sorted(view.scope.tech_streams),
    }
