"""Password hashing with argon2id, at the lowest costs so that tests are fast."""

from __future__ import annotations

import asyncio
import threading
from typing import Literal

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type, hash_secret

from dpp.adapters.identity import passwords as module
from dpp.adapters.identity.passwords import Argon2Passwords, BusyWithPasswords

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
DEARER = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)


class Counted(PasswordHasher):
    """Counts comparisons, and how many run at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[bytes | str] = []
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.verified.append(password)
        try:
            # Long enough that comparisons would overlap if they were let.
            threading.Event().wait(0.005)
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.running -= 1


def test_a_password_is_known_again() -> None:
    """The right password is right, another one is wrong, and two hashes of one differ."""

    async def story() -> None:
        passwords = Argon2Passwords(CHEAP)
        one, other = await passwords.hash("sesame"), await passwords.hash("sesame")
        assert one != other
        assert one.startswith("$argon2id$")
        assert (True, None) == ((found := await passwords.check("sesame", one)).is_right, found.new_hash)
        assert not (await passwords.check("Sesame", one)).is_right
        assert not (await passwords.check("", one)).is_right

    asyncio.run(story())


def test_composed_and_decomposed_letters_are_one_password() -> None:
    """An é typed as one character or as e with an accent is the same, since keyboards differ."""

    async def story() -> None:
        passwords = Argon2Passwords(CHEAP)
        assert (await passwords.check("cafe\u0301", await passwords.hash("caf\u00e9"))).is_right

    asyncio.run(story())


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_missing_or_foreign_hash_takes_the_same_work_and_is_wrong(stored: str | None) -> None:
    """Without a usable hash the answer is no, after one comparison as ever."""

    async def story() -> None:
        hasher = Counted()
        found = await Argon2Passwords(hasher).check("nobody", stored)
        assert not found.is_right
        assert 1 == len(hasher.verified)

    asyncio.run(story())


def test_the_stand_in_for_unknown_users_opens_nothing() -> None:
    """Even the password of the stand-in hash is wrong for somebody who is not there."""
    assert not asyncio.run(Argon2Passwords(CHEAP).check("nobody", None)).is_right


def test_other_costs_give_a_new_hash() -> None:
    """A hash made at other costs is replaced when its password is known, and only then."""

    async def story() -> None:
        old = await Argon2Passwords(CHEAP).hash("sesame")
        passwords = Argon2Passwords(DEARER)
        found = await passwords.check("sesame", old)
        assert found.new_hash is not None
        assert (await passwords.check("sesame", found.new_hash)).new_hash is None
        assert (await passwords.check("wrong", old)).new_hash is None

    asyncio.run(story())


@pytest.mark.parametrize("password", ["\ud800", "\x00", "x" * 100_000, "🔑" * 300])
def test_any_text_can_be_checked(password: str) -> None:
    """No text breaks the check."""

    async def story() -> None:
        passwords = Argon2Passwords(CHEAP)
        assert not (await passwords.check(password, await passwords.hash("sesame"))).is_right

    asyncio.run(story())


def test_few_hashes_are_made_at_once() -> None:
    """Of twenty checks no more than two run at once, and every one gets its answer."""

    async def story() -> None:
        hasher = Counted()
        passwords = Argon2Passwords(hasher)
        stored = await passwords.hash("sesame")
        found = await asyncio.gather(*(passwords.check("sesame", stored) for _ in range(20)))
        assert [True] * 20 == [check.is_right for check in found]
        assert hasher.most <= 2

    asyncio.run(story())


def test_a_crowd_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the length of the queue callers are refused at once instead of waiting for minutes."""
    monkeypatch.setattr(module, "MAX_WAITING", 3)

    async def story() -> None:
        passwords = Argon2Passwords(CHEAP)
        answers = await asyncio.gather(*(passwords.check("x", None) for _ in range(5)), return_exceptions=True)
        assert 2 == sum(isinstance(answer, BusyWithPasswords) for answer in answers)
        assert not (await passwords.check("x", None)).is_right

    asyncio.run(story())


def test_hashes_are_of_the_published_algorithm() -> None:
    """A hash made by the reference library's own function, with a salt of ours, is understood."""
    stored = hash_secret(b"sesame", b"saltsalt", 1, 8, 1, 32, Type.ID).decode()
    assert asyncio.run(Argon2Passwords(CHEAP).check("sesame", stored)).is_right
