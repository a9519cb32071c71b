"""Counts ended jobs into roll-ups, and reads them."""
