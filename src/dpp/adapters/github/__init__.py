"""GitHub: webhooks in, events out, and the calls that fill gaps."""
