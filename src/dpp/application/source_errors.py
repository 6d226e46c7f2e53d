"""What comes of asking a source that does not answer as it should."""

from __future__ import annotations

from dpp.domain.errors import Unavailable


class SourceUnavailable(Unavailable):
    """The source does not answer, or not so that it can be read; a later attempt may succeed."""

    code = "source_unavailable"


class SourceRefused(SourceUnavailable):
    """The source refuses until a person mends something; the message says what."""

    code = "source_refused"
