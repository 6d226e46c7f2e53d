"""People and access: users, API keys, one's own sessions and the audit log, in the API and on pages (§3, §8.4)."""
