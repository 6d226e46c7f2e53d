"""Payloads that nobody could read, kept for repair: only encrypted, and only for a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dpp.adapters.files.durable import TEMPORARY, make_directory, replace_synced
from dpp.application.ports import RepairBox, Sealer
from dpp.domain.errors import Damaged, InvalidInput, Unavailable

HEADER = b"dpp-sealed\x01"  # its last byte is the version
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_BYTES = 32
MIN_SECRET_BYTES = 16
INFO = b"dpp: payloads kept for repair, AES-256-GCM, version 1"
SUFFIX = ".sealed"


class SealBroken(Damaged):
    """The bytes were changed, or sealed under another key or with other associated bytes."""

    code = "seal_broken"


class RepairBoxUnavailable(Unavailable):
    """The payload was not kept."""

    code = "repair_box_unavailable"


class AesGcmSealer(Sealer):
    """AES-256-GCM under a key of its own, derived from a secret that may serve other ends as well.

    A sealed payload is header, 12 random bytes, ciphertext and tag. The header is authenticated with the rest.

    Args:
        key: the secret, at least 16 bytes.
        previous: secrets being rotated out; they open but do not seal.
    """

    def __init__(self, key: bytes, *, previous: Sequence[bytes] = ()) -> None:
        self._ciphers = [_cipher(secret) for secret in (key, *previous)]

    def __repr__(self) -> str:
        return f"AesGcmSealer({len(self._ciphers)} key(s))"

    def seal(self, payload: bytes, *, associated: bytes) -> bytes:
        """Return the payload encrypted; it is 39 bytes longer."""
        nonce = os.urandom(NONCE_BYTES)
        return HEADER + nonce + self._ciphers[0].encrypt(nonce, payload, HEADER + associated)

    def open(self, sealed: bytes, *, associated: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            SealBroken: it is not what ``seal`` returned for these associated bytes under one of the keys.
        """
        if len(sealed) < len(HEADER) + NONCE_BYTES + TAG_BYTES or not sealed.startswith(HEADER):
            raise SealBroken("not a sealed payload of version 1: its header is another one, or it is cut short")
        nonce, content = sealed[len(HEADER) :][:NONCE_BYTES], sealed[len(HEADER) + NONCE_BYTES :]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, content, HEADER + associated)
            except InvalidTag:
                continue
        raise SealBroken("the sealed payload was changed, or sealed under another key or for another delivery")


class DirectoryRepairBox(RepairBox):
    """One file a payload, in a directory for its owner alone; created when missing, by the first ``put``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, letter: UUID, sealed: bytes) -> None:
        """Keep a sealed payload, in the place of one put under the same id before.

        Raises:
            RepairBoxUnavailable: it was not kept.
        """
        try:
            make_directory(self._directory)
            replace_synced(self._path(letter), sealed)
        except OSError as error:
            raise RepairBoxUnavailable(f"nothing can be kept for repair in {self._directory}: {error}") from error

    def take(self, letter: UUID) -> bytes | None:
        """Return a sealed payload, which stays; None when it is not there."""
        try:
            return self._path(letter).read_bytes()
        except FileNotFoundError:
            return None

    def letters(self) -> list[UUID]:
        """Return the ids of what is kept, the oldest first."""
        return [letter for _, letter in sorted(self._kept())]

    def remove(self, letter: UUID) -> None:
        """Forget a sealed payload; nothing happens when it is not there."""
        self._path(letter).unlink(missing_ok=True)

    def expire(self, before: datetime) -> int:
        """Forget what was put before a moment, and what a crash left half-written then; return how many payloads.

        Args:
            before: zone-aware.
        """
        expired = [letter for put_at, letter in self._kept() if put_at < before]
        for letter in expired:
            self.remove(letter)
        for path in self._directory.glob(f"*{TEMPORARY}"):
            if (put_at := _put_at(path)) is not None and put_at < before:
                path.unlink(missing_ok=True)
        return len(expired)

    def _kept(self) -> list[tuple[datetime, UUID]]:
        found = ((_put_at(path), UUID(path.stem)) for path in self._directory.glob(f"*{SUFFIX}"))
        return [(put_at, letter) for put_at, letter in found if put_at is not None]

    def _path(self, letter: UUID) -> Path:
        return self._directory / f"{letter}{SUFFIX}"


def _cipher(secret: bytes) -> AESGCM:
    if len(secret) < MIN_SECRET_BYTES:
        raise InvalidInput(f"a sealing secret has at least {MIN_SECRET_BYTES} bytes", field="key")
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=INFO).derive(secret))


def _put_at(path: Path) -> datetime | None:
    """Return when a file was put; None when it went in the meantime."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    except FileNotFoundError:
        return None
