"""The GitHub App: proves who it is, and gets for each organisation a token that opens that one alone (§5.3.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
import msgspec
from gidgethub.apps import get_jwt

from dpp.adapters.github.decoding import Time
from dpp.application.outgoing import Answer, Http, Request
from dpp.application.secrets import SecretMissing
from dpp.application.source_errors import SourceRefused, SourceUnavailable

PRIVATE_KEY = "github_app_private_key"

RENEWED_BEFORE = timedelta(minutes=5)
"""A token is renewed so long before it ends, so that none ends on its way."""

ACCEPT = "application/vnd.github+json"
VERSION = "2022-11-28"

KEY_REMEDY = (
    "GitHub does not know the App by its key (status {status}). Put the App's private key, as GitHub gave it, into the "
    f"secret {PRIVATE_KEY}, and its number as app_id under [github]"
)
INSTALLATION_REMEDY = (
    "GitHub knows no installation {installation} of the App (status {status}). Install the App in the organisation, "
    "and give the installation's number as github_install_id of its technology stream"
)


class _Granted(msgspec.Struct, frozen=True):
    token: str
    expires_at: Time


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: datetime


class GitHubApp:
    """
    The App as GitHub knows it.

    Args:
        http: sends requests.
        api_url: of GitHub, or of an Enterprise Server with ``/api/v3``.
        app_id: the App's number, or its client id.
        private_key: gives its key in PEM, fresh on each call.
        now: tells when tokens end.
    """

    def __init__(
        self,
        *,
        http: Http,
        api_url: str,
        app_id: str,
        private_key: Callable[[], bytes],
        now: Callable[[], datetime],
    ) -> None:
        self._http = http
        self._base = api_url.rstrip("/")
        self._app_id = app_id
        self._private_key = private_key
        self._now = now
        self._tokens: dict[str, _Token] = {}

    def proof(self) -> str:
        """Return what the App itself shows: a signed statement that is good for ten minutes.

        Raises:
            SourceRefused: there is no key, or none that can sign.
        """
        try:
            return get_jwt(app_id=self._app_id, private_key=self._private_key(), expiration=9 * 60)
        except SecretMissing as error:
            raise SourceRefused(str(error)) from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            # Not the library's words: they may quote what it was given.
            raise SourceRefused(f"The secret {PRIVATE_KEY} is no private key in PEM; put the App's there") from error

    async def token(self, installation: str) -> str:
        """Return a token for one installation, read-only use of one organisation; made anew before it ends.

        Raises:
            SourceRefused: GitHub does not know the App or the installation; the message says what to do.
            SourceUnavailable: GitHub does not answer.
        """
        known = self._tokens.get(installation)
        if known is None or known.until - RENEWED_BEFORE <= self._now():
            granted = await self._grant(installation)
            known = self._tokens[installation] = _Token(granted.token, granted.expires_at)
        return known.text

    def forget(self, installation: str) -> None:
        """Let go of a token that GitHub does not take any more."""
        self._tokens.pop(installation, None)

    async def _grant(self, installation: str) -> _Granted:
        answer = await self._http.ask(
            Request(
                method="POST",
                url=f"{self._base}/app/installations/{installation}/access_tokens",
                headers=headers(self.proof()),
            )
        )
        _check(answer, installation)
        try:
            return _GRANTED.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise SourceUnavailable("GitHub's answer to the request for a token cannot be read") from None


_GRANTED = msgspec.json.Decoder(_Granted)


def headers(token: str) -> dict[str, str]:
    """Return what every request carries."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": ACCEPT,
        "X-GitHub-Api-Version": VERSION,
        "User-Agent": "dpp",
    }


def _check(answer: Answer, installation: str) -> None:
    if answer.status in {200, 201}:
        return
    is_limit = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    if answer.status == 401 or (answer.status == 403 and not is_limit):
        raise SourceRefused(KEY_REMEDY.format(status=answer.status))
    if answer.status in {404, 422}:
        raise SourceRefused(INSTALLATION_REMEDY.format(installation=installation, status=answer.status))
    why = "its rate limit is used up" if is_limit else said(answer)
    raise SourceUnavailable(f"GitHub gives no token at present ({why}); it is tried again by itself")


def said(answer: Answer) -> str:
    """Return in a few words what came back."""
    return f"status {answer.status}" if answer.status else "no answer came in time"
