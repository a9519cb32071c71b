"""Amending: callers change jobs that wait."""
