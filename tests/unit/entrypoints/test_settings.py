"""What the environment may set."""

from dataclasses import fields
from pathlib import Path

import pytest

from dpp.entrypoints.bootstrap.settings import SETTINGS, InvalidSetting, Settings, load


def test_the_table_is_all_there_is() -> None:
    """Every attribute of the settings has a row in the table, and every row an attribute."""
    assert {row.attribute for row in SETTINGS} == {field.name for field in fields(Settings)}


def test_the_command_line_comes_first(tmp_path: Path) -> None:
    """What is given counts before the variable, the variable before the default; an empty variable is none."""
    settings = load({"DPP_PORT": "9000", "DPP_HOST": "", "DPP_LOG_LEVEL": "debug"}, port=9001, data_dir=tmp_path)
    assert (9001, "127.0.0.1", "debug") == (settings.port, settings.host, settings.log_level)


def test_parts_lie_below_the_data_directory(tmp_path: Path) -> None:
    """Archive, database, repair box and secrets lie below the data directory unless the secrets are put elsewhere."""
    settings = load({"DPP_DATA_DIR": str(tmp_path)})
    parts = (settings.archive_dir, settings.postgres_dir, settings.repair_dir, settings.secrets_dir)
    assert {tmp_path} == {part.parent for part in parts}
    assert tmp_path / "mounted" == load({"DPP_SECRETS_DIR": str(tmp_path / "mounted")}).secrets_dir


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DPP_PORT", "many"),
        ("DPP_PORT", "65536"),
        ("DPP_LOG_LEVEL", "loud"),
        ("AUTH_METHOD", "guess"),
        ("SESSION_DURATION_MINUTES", "0"),
    ],
)
def test_a_useless_value_is_named(variable: str, value: str) -> None:
    """A value that cannot be used is refused with the variable's name and the value."""
    with pytest.raises(InvalidSetting, match=f"{variable} is '{value}'"):
        load({variable: value})


def test_the_password_in_the_url_is_not_shown(tmp_path: Path) -> None:
    """The representation of settings, as it may end in a log, does not hold the database's URL."""
    settings = load({"DPP_DATABASE_URL": "postgresql://dpp:hidden-word@db/dpp"}, data_dir=tmp_path)
    assert "hidden-word" not in repr(settings)
