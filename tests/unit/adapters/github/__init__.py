"""GitHub's webhooks, as payloads and as real deliveries."""
