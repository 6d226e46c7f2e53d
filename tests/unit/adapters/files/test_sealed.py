"""Sealed payloads: closed to everyone without the key, and gone after their time."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpp.adapters.files.sealed import AesGcmSealer, DirectoryRepairBox, RepairBoxUnavailable, SealBroken
from dpp.domain.errors import InvalidInput

KEY = b"k" * 32
OTHER = b"o" * 32
ONE, TWO = UUID(int=1), UUID(int=2)


@given(payload=st.binary(), associated=st.binary())
def test_what_is_sealed_opens_again(payload: bytes, associated: bytes) -> None:
    """Any payload opens to itself with the same associated bytes, 39 bytes shorter than it was sealed."""
    sealed = AesGcmSealer(KEY).seal(payload, associated=associated)
    assert len(payload) + 39 == len(sealed)
    assert payload == AesGcmSealer(KEY).open(sealed, associated=associated)


def test_sealing_hides_the_payload_and_never_repeats() -> None:
    """The payload is not to be seen in what is sealed, and sealing it twice gives different bytes."""
    first, second = (AesGcmSealer(KEY).seal(b"Jane Doe", associated=b"id") for _ in range(2))
    assert b"Jane" not in first
    assert first != second


@given(bit=st.integers(0, 8 * (39 + 8) - 1))
def test_any_flipped_bit_breaks_the_seal(bit: int) -> None:
    """Whichever bit of header, nonce, ciphertext or tag flips, opening is refused."""
    sealed = bytearray(AesGcmSealer(KEY).seal(b"Jane Doe", associated=b"id"))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        AesGcmSealer(KEY).open(bytes(sealed), associated=b"id")


@pytest.mark.parametrize("length", [0, 10, 11, 38])
def test_a_cut_seal_is_broken(length: int) -> None:
    """What is shorter than header, nonce and tag is refused as cut short."""
    sealed = AesGcmSealer(KEY).seal(b"", associated=b"")
    with pytest.raises(SealBroken, match="cut short"):
        AesGcmSealer(KEY).open(sealed[:length], associated=b"")


def test_another_key_or_association_does_not_open() -> None:
    """Only the same key with the same associated bytes opens a payload."""
    sealed = AesGcmSealer(KEY).seal(b"x", associated=b"delivery 1")
    with pytest.raises(SealBroken, match="another key or for another delivery"):
        AesGcmSealer(OTHER).open(sealed, associated=b"delivery 1")
    with pytest.raises(SealBroken, match="another key or for another delivery"):
        AesGcmSealer(KEY).open(sealed, associated=b"delivery 2")


def test_a_previous_key_opens_and_does_not_seal() -> None:
    """While a key is rotated, what the old one sealed opens, and what is sealed now needs the new one."""
    rotating = AesGcmSealer(KEY, previous=[OTHER])
    assert b"old" == rotating.open(AesGcmSealer(OTHER).seal(b"old", associated=b""), associated=b"")
    assert b"new" == AesGcmSealer(KEY).open(rotating.seal(b"new", associated=b""), associated=b"")


def test_a_weak_key_is_refused_and_a_key_never_shown() -> None:
    """A secret under 16 bytes is refused, and no representation shows one."""
    with pytest.raises(InvalidInput, match="16 bytes"):
        AesGcmSealer(b"short")
    assert "kkkk" not in repr(AesGcmSealer(KEY))


def test_the_box_gives_back_what_was_put(tmp_path: Path) -> None:
    """A payload is there until it is removed; one that is not there is None, and removing it does nothing."""
    box = DirectoryRepairBox(tmp_path / "repair")
    assert ([], None) == (box.letters(), box.take(ONE))
    box.put(ONE, b"first")
    box.put(ONE, b"again")
    box.put(TWO, b"second")
    assert {ONE, TWO} == set(DirectoryRepairBox(tmp_path / "repair").letters())
    assert b"again" == DirectoryRepairBox(tmp_path / "repair").take(ONE)
    box.remove(ONE)
    box.remove(ONE)
    assert [TWO] == box.letters()
    assert None is box.take(ONE)


def test_the_box_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Directory and files can be read by the owner only."""
    box = DirectoryRepairBox(tmp_path / "repair")
    box.put(ONE, b"x")
    assert 0o700 == (tmp_path / "repair").stat().st_mode & 0o777
    assert [0o600] == [path.stat().st_mode & 0o777 for path in (tmp_path / "repair").iterdir()]


def test_old_payloads_expire(tmp_path: Path) -> None:
    """What was put before the moment goes, with what a crash left behind then; what was put at it or later stays."""
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    box = DirectoryRepairBox(tmp_path)
    box.put(ONE, b"old")
    box.put(TWO, b"young")
    half_written = tmp_path / "x.sealed.abc.new"
    half_written.touch()
    for path, put_at in (
        (tmp_path / f"{ONE}.sealed", moment - timedelta(seconds=1)),
        (tmp_path / f"{TWO}.sealed", moment),
        (half_written, moment - timedelta(days=1)),
    ):
        os.utime(path, (put_at.timestamp(), put_at.timestamp()))
    assert [ONE, TWO] == box.letters()
    assert 1 == box.expire(moment)
    assert [tmp_path / f"{TWO}.sealed"] == [*tmp_path.iterdir()]


def test_a_payload_is_synced_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails at the sync, the box says so, keeps nothing half-written and leaves what was there."""
    box = DirectoryRepairBox(tmp_path)
    box.put(ONE, b"before")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RepairBoxUnavailable, match="No space left"):
        box.put(ONE, b"after")
    assert b"before" == box.take(ONE)
    assert [tmp_path / f"{ONE}.sealed"] == [*tmp_path.iterdir()]
