"""The account of the running processes may do what they do in the database, and nothing else (decision 0040)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from dpp.adapters.postgres.embedded import SERVICE_ROLE
from dpp.adapters.postgres.privileges import APPENDED, OVERWRITTEN, READ, owned_tables
from dpp.adapters.postgres.tables import metadata
from dpp.entrypoints.bootstrap.checks import examine
from dpp.entrypoints.bootstrap.schema import migrate
from dpp.entrypoints.bootstrap.settings import load
from tests.support.postgres import TestServer, restricted

#: A report of an event that is there, as an append would keep it.
KEEP = """
    INSERT INTO event_reports (report_id, event_table, thing, event_id, event_timestamp, received_at, report)
    SELECT dpp_report_id('push_events', to_jsonb(one)), 'push_events', 'p', event_id, event_timestamp, received_at,
        to_jsonb(one) FROM push_events AS one
    """
PUSH = """
    INSERT INTO push_events (source, event_timestamp, branch_name, first_commit_sha, last_commit_sha, commit_count,
        author_is_bot)
    VALUES ('github', now(), 'main', '1', '2', 1, false) RETURNING event_id
    """
RIGHTS = """
    SELECT has_table_privilege(%(role)s, oid, 'UPDATE'), has_any_column_privilege(%(role)s, oid, 'UPDATE'),
        has_table_privilege(%(role)s, oid, 'DELETE'), has_table_privilege(%(role)s, oid, 'TRUNCATE')
    FROM pg_class WHERE oid = %(table)s::regclass
    """
GUARDED = """
    SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'dpp_refuse_change'::regproc
    """


@pytest.fixture(scope="module")
def url(postgres_server: TestServer) -> Iterator[str]:
    """A migrated database for all of these tests, by the account that owns it."""
    with postgres_server.database(template=postgres_server.template) as url:
        yield url


@pytest.fixture
def owner(url: str) -> Iterator[psycopg.Connection]:
    """The account that owns the tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def service(url: str) -> Iterator[psycopg.Connection]:
    """The account of the running processes."""
    with psycopg.connect(restricted(url), autocommit=True) as connection:
        yield connection


def _rights(owner: psycopg.Connection, table: str) -> tuple[bool, ...]:
    row = owner.execute(RIGHTS, {"role": SERVICE_ROLE, "table": table}).fetchone()
    assert row is not None
    return tuple(row)


def test_the_account_of_the_processes_cannot_rewrite_history(
    owner: psycopg.Connection, service: psycopg.Connection
) -> None:
    """What is only added to it may not change, delete or empty; what is overwritten keeps its keys and is not deleted;
    it truncates nothing at all.
    """
    for table in (*APPENDED, *READ):
        assert (False, False, False, False) == _rights(owner, table), table
    for table in OVERWRITTEN:
        assert (False, True, False, False) == _rights(owner, table), table
    assert not any(_rights(owner, table)[3] for table in metadata.tables)
    with pytest.raises(InsufficientPrivilege):
        service.execute("UPDATE pulse_responses SET respondent_hash = 'x'")
    with pytest.raises(InsufficientPrivilege):
        service.execute("SET LOCAL dpp.retention = 'on'; DELETE FROM audit_log")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (n int)",
        "ALTER TABLE pr_events DISABLE TRIGGER USER",
        "DROP TRIGGER append_only ON audit_log",
        "DROP TABLE work_items",
        "CREATE OR REPLACE FUNCTION dpp_refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
        "SET session_replication_role = replica",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET ROLE dpp",
    ],
)
def test_the_account_of_the_processes_changes_no_schema(service: psycopg.Connection, statement: str) -> None:
    """Neither tables, triggers nor functions are its to make, change or switch off, nor another account to take."""
    with pytest.raises(psycopg.Error) as refusal:
        service.execute(statement.encode())
    assert "42501" == refusal.value.sqlstate


def test_every_table_that_is_only_added_to_is_named(owner: psycopg.Connection) -> None:
    """Tables that their triggers guard are among those that the account may not change, and no name is in vain."""
    guarded = {table for (table,) in owner.execute(GUARDED).fetchall()}
    assert guarded <= {*APPENDED, *OVERWRITTEN}
    assert {*APPENDED, *OVERWRITTEN} <= {*metadata.tables}
    assert not {*APPENDED} & {*OVERWRITTEN}


def test_an_event_gives_way_only_when_it_is_kept(service: psycopg.Connection) -> None:
    """By the function for it the account takes away an event that is among the reports, and none that is not."""
    (event_id,) = service.execute(PUSH).fetchone() or (None,)
    for refused in ("push_events", "pulse_responses", "audit_log"):
        with pytest.raises(psycopg.Error) as refusal:
            service.execute("SELECT dpp_give_up(%s, %s)", [refused, [event_id]])
        assert "DPP01" == refusal.value.sqlstate
    service.execute(KEEP)
    assert (1,) == service.execute("SELECT dpp_give_up('push_events', %s)", [[event_id]]).fetchone()
    assert (0,) == service.execute("SELECT count(*) FROM push_events").fetchone()


def test_what_is_done_in_the_owners_name_is_not_for_everybody(owner: psycopg.Connection) -> None:
    """Functions that run with the owner's rights look nowhere but in the platform's schema, and PUBLIC has none."""
    found = owner.execute(
        "SELECT proname, array_to_string(proconfig, ' '), has_function_privilege('public', oid, 'EXECUTE') "
        "FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    ).fetchall()
    assert 2 <= len(found)
    assert [] == [name for name, options, is_public in found if is_public or "search_path=public, pg_temp" != options]


def test_two_urls_make_two_accounts(empty_database_url: str, tmp_path: Path) -> None:
    """Migrating with both makes the lesser account work and the examination well; with one it says who owns what."""
    (tmp_path / "data").mkdir(mode=0o700)
    both = {"DPP_DATABASE_URL": restricted(empty_database_url), "DPP_DATABASE_OWNER_URL": empty_database_url}
    steps = migrate(load(both, data_dir=tmp_path / "data"))
    assert "0001" == steps[0]
    assert () == migrate(load(both, data_dir=tmp_path / "data"))
    findings = {}
    for name, value in both.items():
        settings = load({"DPP_DATABASE_URL": value}, data_dir=tmp_path / "data")
        findings[name] = next(found for found in examine(settings) if found.check == "database account")
    assert (True, "dpp_service owns no table") == (
        findings["DPP_DATABASE_URL"].is_well,
        findings["DPP_DATABASE_URL"].found,
    )
    with psycopg.connect(empty_database_url) as connection:
        count = owned_tables(connection)
    assert len(metadata.tables) < count
    assert not findings["DPP_DATABASE_OWNER_URL"].is_well
    assert f"dpp owns {count} tables" in findings["DPP_DATABASE_OWNER_URL"].found


def test_one_url_goes_on_working(empty_database_url: str, tmp_path: Path) -> None:
    """Without a second account the one that is named makes the tables, and nothing is granted to anybody."""
    assert migrate(load({"DPP_DATABASE_URL": empty_database_url}, data_dir=tmp_path))
    with psycopg.connect(empty_database_url) as connection:
        assert (False, False, False, False) == _rights(connection, "work_items")
