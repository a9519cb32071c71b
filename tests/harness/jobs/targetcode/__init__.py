"""Targets that the tests run."""
