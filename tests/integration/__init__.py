"""Tests with real databases, browsers and processes."""
