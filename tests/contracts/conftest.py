"""What these tests share: a PostgreSQL server, and a database of it for each test."""

from tests.support.postgres import database_url, empty_database_url, postgres_server

__all__ = ["database_url", "empty_database_url", "postgres_server"]
