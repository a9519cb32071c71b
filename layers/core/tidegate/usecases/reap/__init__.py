"""Reaping: the repairs of each minute, one file for each group of things that may be lost."""
