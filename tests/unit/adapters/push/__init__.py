"""Pushed deployments and incidents."""
