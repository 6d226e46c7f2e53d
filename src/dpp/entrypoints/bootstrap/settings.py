"""Every setting that the environment may give, in one table; nothing else reads the environment.

Secrets are not settings: they lie in files of their own (see ``docs/settings.md``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from dpp.application.off_peak import OffPeak
from dpp.domain.errors import InvalidInput


class InvalidSetting(InvalidInput):
    """A variable of the environment has a value that cannot be used."""

    code = "invalid_setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One variable: how it is read, what it is without, and what it is for."""

    variable: str
    attribute: str
    purpose: str
    default: str
    read: Callable[[str], object] = str


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(f"must be between {low} and {high}")
        return number

    return read


def _choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return read


def _hours(text: str) -> OffPeak:
    start, _, end = text.partition("-")
    if not (start.isascii() and start.isdigit() and end.isascii() and end.isdigit()):
        raise ValueError("must be two hours, such as 20-6")
    if int(start) > 24 or int(end) > 24:
        raise ValueError("has hours beyond 24")
    return OffPeak(start_hour=int(start), end_hour=int(end))


def _path(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _optional(text: str) -> str | None:
    return text or None


SETTINGS: tuple[Setting, ...] = (
    Setting(
        variable="DPP_DATA_DIR",
        attribute="data_dir",
        purpose="where the archive, the embedded database, secrets and logs lie",
        default="the user's data directory",
        read=_path,
    ),
    Setting(
        variable="DPP_DATABASE_URL",
        attribute="database_url",
        purpose="a PostgreSQL of yours, version 15 or later, in place of the embedded one",
        default="",
        read=_optional,
    ),
    Setting(
        variable="DPP_DATABASE_OWNER_URL",
        attribute="database_owner_url",
        purpose="the same database, by the account that owns the tables: for `dpp migrate` alone",
        default="`DPP_DATABASE_URL`, whose account then owns them",
        read=_optional,
    ),
    Setting(
        variable="DPP_SECRETS_DIR",
        attribute="secrets_dir",
        purpose="a directory with one file a secret",
        default="`secrets` in the data directory",
        read=_path,
    ),
    Setting(variable="DPP_HOST", attribute="host", purpose="the address to listen on", default="127.0.0.1"),
    Setting(
        variable="DPP_PORT",
        attribute="port",
        purpose="the port to listen on",
        default="8080",
        read=_whole(0, 65535),
    ),
    Setting(
        variable="DPP_PUBLIC_URL",
        attribute="public_url",
        purpose="the address that browsers use, when a proxy stands in between",
        default="",
        read=_optional,
    ),
    Setting(
        variable="DPP_LOG_LEVEL",
        attribute="log_level",
        purpose="the least severe log events to write",
        default="info",
        read=_choice("debug", "info", "warning", "error"),
    ),
    Setting(
        variable="DPP_LOG_FORMAT",
        attribute="log_format",
        purpose="`json`, or `console` for people",
        default="json",
        read=_choice("json", "console"),
    ),
    Setting(
        variable="DPP_BACKFILL_HOURS",
        attribute="backfill_hours",
        purpose="the hours, in the platform's time zone, in which the worker reads histories, such as `20-6`",
        default="0-24",
        read=_hours,
    ),
    Setting(
        variable="DPP_GITHUB_RATE_RESERVE",
        attribute="github_rate_reserve",
        purpose="requests of GitHub's hourly limit of an organisation that are left for what cannot wait (§5.3.7)",
        default="500",
        read=_whole(0, 100_000),
    ),
    Setting(
        variable="AUTH_METHOD",
        attribute="auth_method",
        purpose="how people sign in (§3.4)",
        default="database",
        read=_choice("database", "oidc"),
    ),
    Setting(
        variable="OIDC_ISSUER_URL",
        attribute="oidc_issuer_url",
        purpose="the identity provider, as it calls itself (§3.2.1)",
        default="",
        read=_optional,
    ),
    Setting(
        variable="OIDC_CLIENT_ID",
        attribute="oidc_client_id",
        purpose="the id under which the platform is registered there",
        default="",
        read=_optional,
    ),
    Setting(
        variable="OIDC_REDIRECT_URI",
        attribute="oidc_redirect_uri",
        purpose="where the provider sends people back to, as registered there",
        default="`DPP_PUBLIC_URL` followed by `/sign-in/oidc/callback`",
        read=_optional,
    ),
    Setting(
        variable="OIDC_SCOPES",
        attribute="oidc_scopes",
        purpose="what the platform asks the provider for",
        default="openid profile email",
    ),
    Setting(
        variable="OIDC_GROUP_CLAIM",
        attribute="oidc_group_claim",
        purpose="the claim with a person's groups, or application roles",
        default="groups",
    ),
    Setting(
        variable="PASSWORD_HASH_ALGORITHM",
        attribute="password_hash_algorithm",
        purpose="the algorithm of stored passwords (§3.2.2)",
        default="argon2id",
        read=_choice("argon2id"),
    ),
    Setting(
        variable="SESSION_DURATION_MINUTES",
        attribute="session_duration_minutes",
        purpose="how long a sign-in lasts (§3.2.2)",
        default="480",
        read=_whole(1, 43200),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process."""

    data_dir: Path
    database_url: str | None = field(default=None, repr=False)
    database_owner_url: str | None = field(default=None, repr=False)
    secrets_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    log_level: str = "info"
    log_format: str = "json"
    backfill_hours: OffPeak = field(default_factory=OffPeak)
    github_rate_reserve: int = 500
    auth_method: str = "database"
    oidc_issuer_url: str | None = None
    oidc_client_id: str | None = None
    oidc_redirect_uri: str | None = None
    oidc_scopes: str = "openid profile email"
    oidc_group_claim: str = "groups"
    password_hash_algorithm: str = "argon2id"  # noqa: S105 - the name of an algorithm
    session_duration_minutes: int = 480

    @property
    def archive_dir(self) -> Path:
        """Where accepted deliveries are kept."""
        return self.data_dir / "archive"

    @property
    def repair_dir(self) -> Path:
        """Where unread payloads wait, encrypted, until the database has them."""
        return self.data_dir / "repair"

    @property
    def postgres_dir(self) -> Path:
        """Where the embedded database lives."""
        return self.data_dir / "postgres"


def load(environment: Mapping[str, str], **given: object) -> Settings:
    """Read the settings.

    Args:
        environment: the variables; an empty one counts as absent.
        given: values from the command line, by attribute; None counts as absent.

    Raises:
        InvalidSetting: a variable cannot be used; the message names it.
    """
    values = {attribute: value for attribute, value in given.items() if value is not None}
    for setting in SETTINGS:
        text = environment.get(setting.variable, "")
        if text and setting.attribute not in values:
            values[setting.attribute] = _read(setting, text)
    data_dir = values.setdefault("data_dir", Path(platformdirs.user_data_dir("dpp")))
    if not isinstance(data_dir, Path):
        raise InvalidSetting("DPP_DATA_DIR must be a path", field="DPP_DATA_DIR")
    values.setdefault("secrets_dir", data_dir / "secrets")
    return Settings(**values)  # type: ignore[arg-type]


def _read(setting: Setting, text: str) -> object:
    try:
        return setting.read(text)
    except ValueError as error:
        raise InvalidSetting(f"{setting.variable} is {text!r}: {error}", field=setting.variable) from error
