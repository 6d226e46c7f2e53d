"""The families of errors; specific ones live beside the code that raises them."""

from __future__ import annotations


class DppError(Exception):
    """Root of every error that the platform raises on purpose.

    ``code`` is stable and may be scripted against; the message names what is wrong and what to do about it.
    """

    code: str = "error"


class InvalidInput(DppError):
    """What was given cannot be used; the message names the field and the remedy."""

    code = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotEnoughData(DppError):
    """A rate, average or percentile was asked of an empty sample."""

    code = "not_enough_data"


class NotFound(DppError):
    """The thing named does not exist, or the caller may not know that it does."""

    code = "not_found"


class Conflict(DppError):
    """The change contradicts what is already there."""

    code = "conflict"


class Unauthenticated(DppError):
    """The caller did not prove who they are."""

    code = "unauthenticated"


class Forbidden(DppError):
    """The caller is known and may not do this."""

    code = "forbidden"


class TooLarge(DppError):
    """The body exceeds the limit that its route states."""

    code = "too_large"


class Unavailable(DppError):
    """Something that is needed does not answer now; trying again later is right."""

    code = "unavailable"


class Damaged(DppError):
    """Stored data fails its own checks."""

    code = "damaged"
