"""Secrets in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from secrets import token_urlsafe

from dpp.application.secrets import GENERATABLE, SecretMissing, Secrets, check_generatable, check_name

GENERATED_BYTES = 32


class MemorySecrets(Secrets):
    """Holds the values it is given; ``NAME.previous`` among them is a value that is being rotated out."""

    def __init__(self, values: Mapping[str, bytes] | None = None) -> None:
        self._values = dict(values or {})

    def __repr__(self) -> str:
        return f"MemorySecrets({len(self._values)} value(s))"

    def get(self, name: str) -> bytes:
        """Return the current value."""
        check_name(name)
        value = self._values.get(name, b"").removesuffix(b"\n")
        if not value:
            raise SecretMissing(f"the secret {name} is not set: put it among the values of MemorySecrets")
        return value

    def candidates(self, name: str) -> tuple[bytes, ...]:
        """Return the current value, then the previous one when there is one."""
        current = self.get(name)
        previous = self._values.get(f"{name}.previous", b"").removesuffix(b"\n")
        return (current, previous) if previous else (current,)

    def put(self, name: str, value: bytes) -> None:
        """Set a value, ``NAME`` or ``NAME.previous``, from now on."""
        check_name(name.removesuffix(".previous"))
        self._values[name] = value

    def create_missing(self, names: Iterable[str] = GENERATABLE) -> list[str]:
        """Make up a random value for each name that has none, and return the names of those made.

        Raises:
            InvalidInput: a name is not one of ``GENERATABLE``.
        """
        wanted = list(names)
        for name in wanted:
            check_generatable(name)
        made = [name for name in wanted if name not in self._values]
        self._values |= {name: token_urlsafe(GENERATED_BYTES).encode() for name in made}
        return made
