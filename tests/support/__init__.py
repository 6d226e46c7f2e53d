"""Things that several suites of tests need, and that are no tests."""
