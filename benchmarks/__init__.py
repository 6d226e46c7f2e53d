"""Benchmarks: each module's ``run`` measures something against a baseline of the same run."""
