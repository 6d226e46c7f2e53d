"""The schema, declared once: configuration (§4.2), events (§4.3), derived rows (§4.4), access (§3), operations.

Migrations must end at what is declared here; a test holds them to it.
"""

from dpp.adapters.postgres.tables.columns import metadata

__all__ = ["metadata"]

from dpp.adapters.postgres.tables import (  # noqa: F401
    access,
    configuration,
    contributions,
    deliveries,
    derived,
    events,
    measures,
    operations,
    quality,
    sources,
)
