"""Jira, Cloud and Server: webhooks in, events out, and the calls that fill gaps."""
