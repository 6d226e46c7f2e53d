"""The worker: keeps derived figures up to date and runs what is due."""
