"""The HTTP application: intake of deliveries, API and pages."""
