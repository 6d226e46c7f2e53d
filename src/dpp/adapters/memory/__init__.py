"""Every store port in memory, for tests and for programs that embed the platform."""
