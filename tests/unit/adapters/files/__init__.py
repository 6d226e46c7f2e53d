"""The adapters that keep things in files."""
