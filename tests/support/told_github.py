"""A GitHub that tells what a test gives it, by the end of the path, behind the real client."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from dpp.adapters.github.api import GitHubApi
from dpp.adapters.github.app import GitHubApp
from dpp.adapters.github.source import GitHubSource
from dpp.application.outgoing import Answer, Http, Request
from tests.support.simulated_github import APP_ID, pem
from tests.unit.adapters.github.deliveries import READING

_NOW = datetime(2026, 3, 2, tzinfo=UTC)
_GRANTED = Answer(status=201, body=b'{"token": "a-token", "expires_at": "2099-01-01T00:00:00Z"}')


class Told(Http):
    """Answers by the end of the path; 404 for whatever is not told."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = {"/access_tokens": _GRANTED, **answers}
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        """Answer."""
        self.asked.append(request)
        found = (answer for end, answer in self.answers.items() if request.url.endswith(end))
        return next(found, Answer(status=404))


def source(http: Http) -> GitHubSource:
    """Return a source over answers; waiting takes no time."""
    app = GitHubApp(http=http, api_url="https://github.test", app_id=APP_ID, private_key=pem, now=lambda: _NOW)
    api = GitHubApi(http=http, app=app, api_url="https://github.test", now=lambda: _NOW, sleep=_no_pause)
    return GitHubSource(api=api, reading=lambda: READING, now=lambda: _NOW)


def whole(found: object) -> Answer:
    """Return a good answer."""
    return Answer(status=200, body=found if isinstance(found, bytes) else msgspec.json.encode(found))


async def _no_pause(seconds: float) -> None:
    """Wait for nothing."""
