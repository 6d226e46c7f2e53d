"""Stores, jobs and notification on PostgreSQL."""
