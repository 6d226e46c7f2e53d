"""What the machine provides."""
