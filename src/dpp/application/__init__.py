"""What the platform does, verb by verb, in terms of the domain and of ports."""
