"""Who somebody is: identity providers, passwords, API keys."""
