"""What the environment may set."""

from dataclasses import fields
from pathlib import Path

import pytest

from dpp.entrypoints.bootstrap.serving import application
from dpp.entrypoints.bootstrap.settings import SETTINGS, InvalidSetting, Settings, load
from dpp.entrypoints.bootstrap.signing_in import client_of, signs_in_by_oidc


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


OIDC = {"AUTH_METHOD": "oidc", "OIDC_ISSUER_URL": "https://login.example.org/t", "OIDC_CLIENT_ID": "dpp"}


@pytest.mark.parametrize(
    ("more", "uri"),
    [
        ({"DPP_PUBLIC_URL": "https://dpp.example.org/"}, "https://dpp.example.org/sign-in/oidc/callback"),
        ({"OIDC_REDIRECT_URI": "https://x.example/sign-in/oidc/callback"}, "https://x.example/sign-in/oidc/callback"),
    ],
)
def test_the_way_back_follows_from_the_public_address(tmp_path: Path, more: dict[str, str], uri: str) -> None:
    """Unless it is set, people are sent back to the address that browsers use."""
    settings = load(OIDC | more, data_dir=tmp_path)
    assert signs_in_by_oidc(settings)
    client = client_of(settings)
    assert (uri, "openid profile email", "groups") == (client.redirect_uri, client.scopes, client.group_claim)


@pytest.mark.parametrize(
    ("changed", "variable"),
    [
        ({}, "OIDC_REDIRECT_URI"),
        ({"OIDC_ISSUER_URL": "", "DPP_PUBLIC_URL": "https://x.example"}, "OIDC_ISSUER_URL"),
        ({"OIDC_CLIENT_ID": "", "DPP_PUBLIC_URL": "https://x.example"}, "OIDC_CLIENT_ID"),
        ({"OIDC_REDIRECT_URI": "https://x.example/callback"}, "OIDC_REDIRECT_URI"),
        ({"OIDC_REDIRECT_URI": "x.example/sign-in/oidc/callback"}, "OIDC_REDIRECT_URI"),
        ({"OIDC_SCOPES": "profile email", "DPP_PUBLIC_URL": "https://x.example"}, "OIDC_SCOPES"),
    ],
)
def test_what_sign_in_lacks_is_named_at_the_start(tmp_path: Path, changed: dict[str, str], variable: str) -> None:
    """A platform that people could not sign in to does not start, and says which variable to set."""
    settings = load(OIDC | changed, data_dir=tmp_path)
    with pytest.raises(InvalidSetting, match=variable) as caught:
        application(settings)
    assert variable == caught.value.field
