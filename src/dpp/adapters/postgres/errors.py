"""Errors of the driver, translated once into those of the platform: by class and SQLSTATE, never by message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as codes
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from dpp.domain.errors import Unavailable

#: What goes away by itself: connections lost or refused (08), shutdown and start-up (57P), too little of something
#: (53); a standby in place of the primary, locks held by others, statements and transactions that took too long.
_CLASSES = ("08", "53", "57P")
_TRANSIENT = frozenset({"25006", "55P03", "57014", "25P03", "25P04"})

#: Transactions that met another one; the same work may succeed at once.
RETRYABLE = (codes.DeadlockDetected, codes.SerializationFailure)


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or not in time."""

    code = "database_unavailable"


class SchemaOutdated(Unavailable):
    """The database answers and lacks a table or column that this version needs."""

    code = "schema_outdated"


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the driver into the platform's; what is our own fault stays as it is."""
    try:
        yield
    except psycopg.Error as error:
        known = translation(error)
        if known is None:
            raise
        raise known from error


def translation(error: psycopg.Error) -> Unavailable | None:
    """Return what an error of the driver means to the platform, or None when it is our own fault."""
    if isinstance(error, PoolClosed | PoolTimeout | TooManyRequests):
        return DatabaseUnavailable("the database gives no connection: is it running, and does it allow enough of them?")
    if isinstance(error, codes.UndefinedTable | codes.UndefinedColumn | codes.UndefinedObject):
        said = error.diag.message_primary
        return SchemaOutdated(f"the database lacks a part of this version's schema ({said}): run `dpp migrate`")
    if is_disconnection(error) or _is_transient(error):
        return DatabaseUnavailable(f"the database does not answer ({error.sqlstate or type(error).__name__})")
    return None


def is_disconnection(error: psycopg.Error) -> bool:
    """Say whether the connection is gone, as far as the driver can tell."""
    if error.sqlstate is not None:
        return error.sqlstate.startswith(("08", "57P"))
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _is_transient(error: psycopg.Error) -> bool:
    state = error.sqlstate or ""
    return state in _TRANSIENT or state.startswith(_CLASSES) or isinstance(error, RETRYABLE)
