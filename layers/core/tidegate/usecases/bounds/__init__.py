"""Bounds on long work, for other use cases: deadlines, portions, and sweeps that the next run continues."""
