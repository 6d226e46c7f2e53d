"""What the machine and the libraries at hand provide: the time, ids, randomness, public holidays."""
