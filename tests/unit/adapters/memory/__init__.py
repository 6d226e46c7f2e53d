"""Tests of the adapters that keep everything in memory."""
