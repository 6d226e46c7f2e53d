"""Deployments, incidents and survey answers that other systems push to the platform."""
