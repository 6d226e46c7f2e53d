"""How people sign in, by the settings (§3.4); a setting that is missing is named before anybody tries."""

from __future__ import annotations

from urllib.parse import urlsplit

from dpp.application.oidc_ports import Client
from dpp.entrypoints.bootstrap.settings import InvalidSetting, Settings
from dpp.entrypoints.http.signin_oidc import CALLBACK

OIDC = "oidc"


def signs_in_by_oidc(settings: Settings) -> bool:
    """Tell whether people sign in by way of an identity provider."""
    return settings.auth_method == OIDC


def client_of(settings: Settings) -> Client:
    """Return how the platform is known to its identity provider.

    Raises:
        InvalidSetting: a variable is missing or cannot be used; the message names it.
    """
    return Client(
        issuer=_needed(settings.oidc_issuer_url, "OIDC_ISSUER_URL", "the issuer address of your provider or tenant"),
        client_id=_needed(settings.oidc_client_id, "OIDC_CLIENT_ID", "the id under which this platform is registered"),
        redirect_uri=_redirect_uri(settings),
        scopes=_scopes(settings.oidc_scopes),
        group_claim=settings.oidc_group_claim,
    )


def _needed(value: str | None, variable: str, what: str) -> str:
    if not value:
        raise InvalidSetting(f"{variable} is not set, and AUTH_METHOD is oidc; set it to {what}", field=variable)
    return value


def _redirect_uri(settings: Settings) -> str:
    given = settings.oidc_redirect_uri or (settings.public_url and settings.public_url.rstrip("/") + CALLBACK)
    uri = _needed(given, "OIDC_REDIRECT_URI", f"this platform's address, followed by {CALLBACK}")
    if not uri.startswith(("https://", "http://")) or urlsplit(uri).path != CALLBACK:
        message = f"OIDC_REDIRECT_URI is {uri!r}; it must be this platform's address, followed by {CALLBACK}"
        raise InvalidSetting(message, field="OIDC_REDIRECT_URI")
    return uri


def _scopes(text: str) -> str:
    if "openid" not in text.split():
        raise InvalidSetting(f"OIDC_SCOPES is {text!r}; it must hold openid", field="OIDC_SCOPES")
    return " ".join(text.split())
