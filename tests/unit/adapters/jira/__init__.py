"""What Jira sends, and what becomes of it."""
