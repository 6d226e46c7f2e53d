"""Requests to other systems: bounded in time and size, and never led elsewhere."""
