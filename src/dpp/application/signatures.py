"""Signatures of which a header lists several, as long as a secret is being rotated."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

VERSION = "v1="


def is_signed(body: bytes, header: str, *, secrets: Sequence[bytes]) -> bool:
    """
    Tell whether one of the signatures of a header is HMAC-SHA256 over the body with one of the secrets.

    Args:
        body: the raw bytes.
        header: ``v1=`` and hexadecimal digits, several of these with commas in between; other versions prove nothing.
        secrets: the current one and the one that is being rotated out; empty ones prove nothing.
    """
    claimed = [part.strip().lower().encode() for part in header.split(",")]
    made = [f"{VERSION}{hmac.digest(secret, body, 'sha256').hex()}".encode() for secret in secrets if secret]
    # Every pair is compared, so that the time taken does not tell which of them it was.
    return any([hmac.compare_digest(one, other) for one in claimed for other in made])
