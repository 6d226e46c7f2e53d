"""Deployments and incidents that other systems push to the platform."""
