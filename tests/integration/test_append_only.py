"""Event tables take rows in and let none out: the database itself refuses."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from dpp.application.resolving import EVENT_TABLES

REFUSED = "DPP01"
UPSERTED = {"sprint_snapshots": "committed_count", "pulse_responses": "pace_score"}

ONE_OF_EACH = """
    INSERT INTO delivery_streams (stream_id, name, display_name) VALUES
        ('00000000-0000-0000-0000-000000000001', 'a', 'A'), ('00000000-0000-0000-0000-000000000002', 'b', 'B');
    INSERT INTO sprints (sprint_id, jira_sprint_id, name) VALUES ('00000000-0000-0000-0000-000000000003', '1', 's');
    INSERT INTO work_item_events (source, event_timestamp, event_type, ticket_id, issue_id, project_key, has_fields)
        VALUES ('jira', now(), 'created', 'PAY-1', '1', 'PAY', false);
    INSERT INTO work_item_facts (source, event_timestamp, event_type, ticket_id, issue_id, project_key, has_fields)
        VALUES ('jira', now(), 'updated', 'PAY-1', '1', 'PAY', false);
    INSERT INTO defect_events (source, event_timestamp, event_type, ticket_id, issue_id, project_key, found_in_stage)
        VALUES ('jira', now(), 'logged', 'PAY-1', '1', 'PAY', 'qa');
    INSERT INTO pr_events (source, event_timestamp, event_type, pr_number, github_org, github_repo, author_hash,
            author_is_bot, branch_name, is_draft, title_keys, body_keys, reviewer_is_bot)
        VALUES ('github', now(), 'opened', 1, 'o', 'r', 'a', false, 'b', false, '{}', '{}', false);
    INSERT INTO pull_request_facts (source, event_timestamp, event_type, pr_number, github_org, github_repo,
            author_hash, author_is_bot, branch_name, is_draft, title_keys, body_keys, reviewer_is_bot)
        VALUES ('github', now(), 'reopened', 1, 'o', 'r', 'a', false, 'b', false, '{}', '{}', false);
    INSERT INTO cicd_events (source, event_timestamp, event_type, pipeline_id, pipeline_run_id, environment,
            source_environment, status, is_config_only)
        VALUES ('deployment', now(), 'deploy_completed', 'p', '1', 'production', 'prod', 'success', false);
    INSERT INTO incident_events (source, event_timestamp, event_type, incident_id, service_name)
        VALUES ('monitoring', now(), 'incident_opened', 'i', 's');
    INSERT INTO push_events (source, event_timestamp, branch_name, first_commit_sha, last_commit_sha, commit_count,
            author_is_bot)
        VALUES ('github', now(), 'main', '1', '2', 1, false);
    INSERT INTO sprint_snapshots (source, event_timestamp, sprint_id, snapshot_date, committed_count, completed_count,
            remaining_count)
        VALUES ('jira', now(), '00000000-0000-0000-0000-000000000003', '2026-03-02', 1, 0, 1);
    INSERT INTO pulse_responses (source, event_timestamp, survey_period, respondent_hash, pace_score, tooling_score,
            clarity_score)
        VALUES ('survey', now(), '2026-03', 'r', 3, 3, 3);
    """


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to a database with one row in every event table."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(ONE_OF_EACH)
        yield connection


def _refused(connection: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refusal, connection.transaction():
        connection.execute(statement.encode())
    assert REFUSED == refusal.value.sqlstate


@pytest.mark.parametrize("table", [*EVENT_TABLES, *UPSERTED])
def test_rows_are_neither_deleted_nor_truncated(connection: psycopg.Connection, table: str) -> None:
    """DELETE and TRUNCATE of an event table are refused, and the row is still there."""
    _refused(connection, f"DELETE FROM {table}")  # noqa: S608
    _refused(connection, f"TRUNCATE {table}")
    count = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608
    assert (1,) == count


@pytest.mark.parametrize("table", EVENT_TABLES)
def test_facts_are_not_rewritten(connection: psycopg.Connection, table: str) -> None:
    """A column that holds what the source said is not changed, nor filled when the source left it empty."""
    _refused(connection, f"UPDATE {table} SET event_timestamp = event_timestamp + interval '1 s'")  # noqa: S608
    _refused(connection, f"UPDATE {table} SET source = 'x', tech_stream_id = NULL")  # noqa: S608
    _refused(connection, f"UPDATE {table} SET event_id = gen_random_uuid()")  # noqa: S608


def test_what_a_source_left_empty_stays_empty(connection: psycopg.Connection) -> None:
    """A column that is no enrichment is not even filled when it is empty."""
    _refused(connection, "UPDATE work_item_events SET to_status = 'Done'")
    _refused(connection, "UPDATE pr_events SET merge_sha = 'f'")


@pytest.mark.parametrize("table", EVENT_TABLES)
def test_enrichment_fills_what_is_empty_and_nothing_else(connection: psycopg.Connection, table: str) -> None:
    """A stream may be filled in once; afterwards it is neither changed nor taken away."""
    for stream in ("1", "1"):
        done = connection.execute(
            f"UPDATE {table} SET delivery_stream_id = %s".encode(),  # noqa: S608
            [f"00000000-0000-0000-0000-00000000000{stream}"],
        )
        assert 1 == done.rowcount
    _refused(connection, f"UPDATE {table} SET delivery_stream_id = '00000000-0000-0000-0000-000000000002'")  # noqa: S608
    _refused(connection, f"UPDATE {table} SET delivery_stream_id = NULL")  # noqa: S608


@pytest.mark.parametrize(("table", "column"), UPSERTED.items())
def test_two_tables_are_upserted_under_fast_keys(connection: psycopg.Connection, table: str, column: str) -> None:
    """Snapshots and answers may be overwritten with newer ones; their ids and keys may not."""
    assert 1 == connection.execute(f"UPDATE {table} SET {column} = 2".encode()).rowcount  # noqa: S608
    _refused(connection, f"UPDATE {table} SET event_id = gen_random_uuid()")  # noqa: S608


def test_what_is_on_record_stays_as_it_is(connection: psycopg.Connection) -> None:
    """An entry of the audit log is neither changed, completed, deleted nor truncated; more are added."""
    for actor in ("user:1", "user:2"):
        connection.execute("INSERT INTO audit_log (actor, action) VALUES (%s, 'sign_in')", [actor])
    _refused(connection, "UPDATE audit_log SET actor = 'user:3'")
    _refused(connection, "UPDATE audit_log SET subject = 'user:3'")
    _refused(connection, "DELETE FROM audit_log")
    _refused(connection, "TRUNCATE audit_log")
    assert (2,) == connection.execute("SELECT count(*) FROM audit_log").fetchone()


def test_retention_deletes_in_a_transaction_that_says_so(connection: psycopg.Connection) -> None:
    """With the setting of the retention job rows may be deleted, not changed; behind that transaction no longer."""
    with connection.transaction():
        connection.execute("SET LOCAL dpp.retention = 'on'")
        assert 1 == connection.execute("DELETE FROM pr_events").rowcount
    _refused(connection, "SET LOCAL dpp.retention = 'on'; UPDATE work_item_events SET source = 'x'")
    _refused(connection, "DELETE FROM work_item_events")
    _refused(connection, "SET LOCAL dpp.retention = 'off'; DELETE FROM work_item_events")


KEEP_ONE = """
    INSERT INTO event_reports (report_id, event_table, thing, event_id, event_timestamp, received_at, report)
    SELECT dpp_report_id('cicd_events', to_jsonb(one)), 'cicd_events', 'p', event_id, event_timestamp, received_at,
        to_jsonb(one) FROM cicd_events AS one
    """


def test_a_report_leaves_its_table_only_when_it_is_kept(connection: psycopg.Connection) -> None:
    """A row may go once what it says lies among the reports, which themselves are neither changed nor deleted; a copy
    that says something else is none.
    """
    with connection.transaction(force_rollback=True):
        connection.execute(KEEP_ONE.encode())
        assert 1 == connection.execute("DELETE FROM cicd_events").rowcount
    with connection.transaction(force_rollback=True):
        connection.execute(
            KEEP_ONE.replace("to_jsonb(one)),", """to_jsonb(one) || '{"status": "failure"}'),""").encode()
        )
        _refused(connection, "DELETE FROM cicd_events")
    connection.execute(KEEP_ONE.encode())
    _refused(connection, "DELETE FROM pr_events")
    for statement in ("DELETE FROM", "TRUNCATE"):
        _refused(connection, f"{statement} event_reports")
    _refused(connection, "UPDATE event_reports SET report = '{}'")


def test_where_there_is_a_retention_role_only_its_members_delete(connection: psycopg.Connection) -> None:
    """The setting alone is not enough where the database has the role for it and the session's user lacks that."""
    # The test's user may create no role, so roles that every server has take its place: one that the owner of a
    # database is a member of, and one that it is not.
    found = connection.execute("SELECT pg_get_functiondef('dpp_retention_is_on'::regproc)").fetchone()
    assert found is not None
    for role, allowed in (("pg_database_owner", True), ("pg_read_all_data", False)):
        connection.execute(found[0].replace("dpp_retention'", f"{role}'").encode())
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL dpp.retention = 'on'")
            assert (allowed,) == connection.execute("SELECT dpp_retention_is_on()").fetchone()
