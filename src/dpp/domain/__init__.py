"""What the words of the specification mean: no clock, no randomness of its own, no input or output."""
