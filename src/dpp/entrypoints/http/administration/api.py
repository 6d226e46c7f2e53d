"""What all routes of administration's part of the API have in common."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec

from dpp.application.configuration_authority import Authority
from dpp.application.configure import Applied
from dpp.domain.access import Permission, Principal
from dpp.entrypoints.http.administration.bodies import Changed, ChangedAnswer
from dpp.entrypoints.http.auth import OR_PERMISSION
from dpp.entrypoints.http.envelope import answer

#: A change has few words, and a project at most some hundred statuses.
BODY_BYTES = 256 * 1024
TAGS = ["Administration"]

#: Leads of streams, and whoever may administer the platform by a key.
READS = {"permission": Permission.STREAMS_MANAGE, OR_PERMISSION: Permission.ADMIN_READ}
WRITES = {"permission": Permission.STREAMS_MANAGE, OR_PERMISSION: Permission.ADMIN_WRITE}


def changing(status: int = 200, *, opt: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the settings of a route that changes the configuration."""
    described = ResponseSpec(data_container=ChangedAnswer, description="What was changed", generate_examples=False)
    return {
        "opt": opt if opt is not None else {"permission": Permission.ADMIN_WRITE},
        "tags": TAGS,
        "status_code": status,
        "responses": {status: described},
        "request_max_body_size": BODY_BYTES,
    }


def changed(principal: Principal, applied: Applied, *, status: int = 200) -> Response[Any]:
    """Answer with what a change was."""
    version = applied.configuration.version if Authority.of(principal).reads_all else None
    return answer(Changed(version=version, changes=list(applied.changes)), status=status)


def revision(if_match: str) -> str:
    """Return the revision in an ``If-Match`` header, which may come in quotes, as headers of that kind do."""
    return if_match.strip().removeprefix("W/").strip('"')
