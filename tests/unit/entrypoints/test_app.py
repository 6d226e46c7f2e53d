"""The routes of the application, as a whole."""

from contextlib import AbstractAsyncContextManager

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from dpp.domain.access import Permission
from dpp.entrypoints.http.app import create
from dpp.entrypoints.http.parts import Parts

#: Doors that verify by themselves, sign-in, files, health, and the description of the API.
OPEN = (
    "/api/v1/webhooks/",
    "/api/v1/events/",
    "/api/v1/openapi",
    "/sign-in",
    "/sign-out",
    "/set-password",
    "/static/",
    "/health/",
)


def never_opened() -> AbstractAsyncContextManager[Parts]:
    """Stand in for the parts, which routes do not need to be listed."""
    raise AssertionError("the application was not to start")


def handlers(app: Litestar) -> list[tuple[str, HTTPRouteHandler]]:
    """Return every handler with its path, but those that answer OPTIONS by themselves."""
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    return [
        (route.path, handler)
        for route in routes
        for handler in route.route_handlers
        if set(handler.http_methods) != {"OPTIONS"}
    ]


def test_every_route_declares_who_may_use_it() -> None:
    """A route either is one of those that are open by design or states its permission and stands behind the guard."""
    undeclared = [
        path
        for path, handler in handlers(create(never_opened))
        if not path.startswith(OPEN)
        and (not isinstance(handler.opt.get("permission"), Permission) or not handler.resolve_guards())
    ]
    assert [] == undeclared


def test_the_application_uses_nothing_that_is_about_to_go() -> None:
    """Building the application warns of nothing (warnings are errors here) and has the routes of the API."""
    paths = {path for path, _ in handlers(create(never_opened))}
    assert {"/api/v1/metrics/realtime", "/api/v1/metrics/diagnostic", "/api/v1/streams/delivery", "/metrics"} <= paths


def test_bodies_that_refuse_unknown_fields_say_so() -> None:
    """The description closes such objects, those inside of others too, and leaves open what takes more."""
    schemas = create(never_opened).openapi_schema.to_schema()["components"]["schemas"]
    closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    assert {"NewDeliveryStream", "CalendarGiven", "MappingsGiven", "MappingGiven", "NewVerdict"} <= closed
    assert not {"ChangedPassword", "EvidenceData"} & closed
