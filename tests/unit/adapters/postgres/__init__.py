"""Fast tests without sockets; the folders mirror the package."""
