"""Secrets: found by name, fresh on each look-up, never shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dpp.adapters.files.secrets import DirectorySecrets
from dpp.adapters.memory.secrets import MemorySecrets
from dpp.application.secrets import GENERATABLE, SecretMissing
from dpp.domain.errors import InvalidInput

Put = Callable[[str, bytes], None]


@pytest.fixture(params=["files", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[DirectorySecrets | MemorySecrets, Put]:
    """Secrets of each kind, and the way to put one there from outside."""
    if request.param == "memory":
        memory = MemorySecrets()
        return memory, memory.put
    (tmp_path / "secrets").mkdir(mode=0o700)
    return DirectorySecrets(tmp_path / "secrets"), lambda name, value: _write(tmp_path / "secrets" / name, value)


def _write(path: Path, value: bytes) -> None:
    path.write_bytes(value)


def test_a_trailing_newline_is_no_part_of_a_secret(store: tuple[DirectorySecrets | MemorySecrets, Put]) -> None:
    """One newline at the end is left out; any other byte is part of the value."""
    secrets, put = store
    put("session_key", b" value\n\n")
    assert b" value\n" == secrets.get("session_key")


def test_a_value_that_is_rotated_out_comes_second(store: tuple[DirectorySecrets | MemorySecrets, Put]) -> None:
    """The candidates are the current value, then the previous one for as long as it is there."""
    secrets, put = store
    put("github_webhook_secret", b"new\n")
    assert (b"new",) == secrets.candidates("github_webhook_secret")
    put("github_webhook_secret.previous", b"old\n")
    assert (b"new", b"old") == secrets.candidates("github_webhook_secret")
    put("github_webhook_secret.previous", b"")
    assert (b"new",) == secrets.candidates("github_webhook_secret")


def test_a_changed_secret_is_seen_at_once(store: tuple[DirectorySecrets | MemorySecrets, Put]) -> None:
    """A look-up after a change returns the new value without a restart."""
    secrets, put = store
    put("session_key", b"first")
    assert b"first" == secrets.get("session_key")
    put("session_key", b"the second")
    assert b"the second" == secrets.get("session_key")


@pytest.mark.parametrize("value", [None, b"", b"\n"])
def test_a_missing_or_empty_secret_is_named(
    store: tuple[DirectorySecrets | MemorySecrets, Put], value: bytes | None
) -> None:
    """A secret that is not there, or empty, is an error that names it."""
    secrets, put = store
    put("session_key.previous", b"old")
    if value is not None:
        put("session_key", value)
    with pytest.raises(SecretMissing, match="session_key"):
        secrets.get("session_key")
    with pytest.raises(SecretMissing, match="session_key"):
        secrets.candidates("session_key")


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/b", "", ".", "A", "a.previous", "a\n", "a\0b", "x" * 65]
)
def test_a_name_leads_nowhere_else(store: tuple[DirectorySecrets | MemorySecrets, Put], name: str) -> None:
    """A name that is not plain lower-case is refused before anything is looked up."""
    with pytest.raises(InvalidInput, match="lower-case"):
        store[0].get(name)


def test_no_value_is_ever_shown(store: tuple[DirectorySecrets | MemorySecrets, Put]) -> None:
    """The representation shows no value."""
    secrets, put = store
    put("session_key", b"s3cr3t")
    secrets.get("session_key")
    assert "s3cr3t" not in repr(secrets)


def test_missing_secrets_are_made_up_once(store: tuple[DirectorySecrets | MemorySecrets, Put]) -> None:
    """Each missing one gets its own 43 characters (32 bytes in Base64); those that are there stay."""
    secrets, put = store
    put("session_key", b"mine")
    assert [name for name in GENERATABLE if name != "session_key"] == secrets.create_missing()
    values = {name: secrets.get(name) for name in GENERATABLE}
    assert b"mine" == values.pop("session_key")
    assert {43} == {len(value) for value in values.values()}
    assert len(GENERATABLE) - 1 == len(set(values.values()))
    assert [] == secrets.create_missing()
    assert values == {name: secrets.get(name) for name in values}


def test_what_another_system_gives_out_is_not_made_up(store: tuple[DirectorySecrets | MemorySecrets, Put]) -> None:
    """A name whose value another system gives out is refused, and nothing is made."""
    secrets, _ = store
    with pytest.raises(InvalidInput, match="jira_api_token"):
        secrets.create_missing(["session_key", "jira_api_token"])
    with pytest.raises(SecretMissing):
        secrets.get("session_key")


def test_the_remedy_names_the_file(tmp_path: Path) -> None:
    """The error of a missing secret says which file to write."""
    with pytest.raises(SecretMissing, match=f"{tmp_path}/none/session_key does not exist; write the value into"):
        DirectorySecrets(tmp_path / "none").get("session_key")


def test_created_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """A directory made for secrets has mode 0700 and the files in it 0600, with nothing left beside them."""
    secrets = DirectorySecrets(tmp_path / "data" / "secrets")
    secrets.create_missing()
    assert 0o700 == (tmp_path / "data" / "secrets").stat().st_mode & 0o777
    files = [*(tmp_path / "data" / "secrets").iterdir()]
    assert set(GENERATABLE) == {path.name for path in files}
    assert {0o600} == {path.stat().st_mode & 0o777 for path in files}


def test_files_that_everyone_can_read_are_listed(tmp_path: Path) -> None:
    """A file that others may read counts as exposed, unless its directory keeps them out."""
    tmp_path.chmod(0o755)
    open_file, closed_file = tmp_path / "session_key", tmp_path / "api_key_pepper"
    for path, mode in ((open_file, 0o644), (closed_file, 0o640)):
        path.write_bytes(b"x")
        path.chmod(mode)
    secrets = DirectorySecrets(tmp_path)
    assert [open_file] == secrets.exposed()
    tmp_path.chmod(0o700)
    assert [] == secrets.exposed()
    assert [] == DirectorySecrets(tmp_path / "none").exposed()


def test_a_mount_that_switches_a_link_is_followed(tmp_path: Path) -> None:
    """A secret behind a link, as Kubernetes mounts it, changes when the link's target does."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "session_key").write_text(version)
        os.utime(tmp_path / version / "session_key", (0, 0))
    mount = tmp_path / "mount"
    mount.symlink_to(tmp_path / "one")
    secrets = DirectorySecrets(mount)
    assert b"one" == secrets.get("session_key")
    (tmp_path / "new").symlink_to(tmp_path / "two")
    (tmp_path / "new").replace(mount)
    assert b"two" == secrets.get("session_key")


def test_an_unchanged_secret_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look-ups of an unchanged file ask for its state and do not read it again."""
    (tmp_path / "session_key").write_bytes(b"x")
    secrets = DirectorySecrets(tmp_path)
    secrets.get("session_key")
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("the file was opened again"))
    assert b"x" == secrets.get("session_key")


def test_candidates_are_trusted_for_so_long_and_no_longer(tmp_path: Path) -> None:
    """Within the trusted time a changed file changes nothing; from its end on, the new value and no other counts."""
    now = 0.0
    secrets = DirectorySecrets(tmp_path, trusted_seconds=0.1, elapsed=lambda: now)
    _write(tmp_path / "github_webhook_secret", b"first")
    assert (b"first",) == secrets.candidates("github_webhook_secret")
    _write(tmp_path / "github_webhook_secret", b"the second")
    now = 0.09
    assert (b"first",) == secrets.candidates("github_webhook_secret")
    now = 0.1
    assert (b"the second",) == secrets.candidates("github_webhook_secret")
