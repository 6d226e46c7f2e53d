"""What lies in files: the archive of deliveries and the directory of secrets."""
