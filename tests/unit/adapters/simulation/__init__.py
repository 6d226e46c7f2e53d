"""The simulated organisation."""
