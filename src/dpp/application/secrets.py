"""Where secrets come from: by name, fresh on each call, with an overlap while one is rotated."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Protocol

from dpp.domain.errors import InvalidInput, Unavailable

# Values that mean something only to this platform, so that it can make them up.
GENERATABLE = (
    "github_webhook_secret",
    "jira_webhook_secret",
    "jira_webhook_token",
    "anonymisation_key",
    "session_key",
    "api_key_pepper",
    "admin_password",
)
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class SecretMissing(Unavailable):
    """A secret that is needed is not there; the message says where it belongs, never what another one holds."""

    code = "secret_missing"


class Secrets(Protocol):
    """Looks secrets up; ask each time one is needed, so that a rotation needs no restart."""

    @abstractmethod
    def get(self, name: str) -> bytes:
        """Return the current value, without a trailing newline.

        Raises:
            InvalidInput: the name is not lower-case letters, digits and underscores.
            SecretMissing: there is no such secret, or it is empty.
        """
        raise NotImplementedError

    @abstractmethod
    def candidates(self, name: str) -> tuple[bytes, ...]:
        """Return the current value and, while it is being rotated out, the previous one.

        Raises:
            InvalidInput: the name is not lower-case letters, digits and underscores.
            SecretMissing: there is no current value, or it is empty.
        """
        raise NotImplementedError


def check_name(name: str) -> None:
    """Refuse a name that could lead out of where secrets lie.

    Raises:
        InvalidInput: the name is not lower-case letters, digits and underscores.
    """
    if not NAME.fullmatch(name):
        raise InvalidInput(
            "a secret's name starts with a lower-case letter and goes on with lower-case letters, digits, underscores",
            field="name",
        )


def check_generatable(name: str) -> None:
    """Refuse to make up what only another system can give out.

    Raises:
        InvalidInput: the name is not one of ``GENERATABLE``.
    """
    if name not in GENERATABLE:
        message = f"the secret {name} comes from another system and cannot be generated; put it in place by hand"
        raise InvalidInput(message, field="name")
