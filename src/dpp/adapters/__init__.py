"""Technology behind the ports; no adapter knows another."""
