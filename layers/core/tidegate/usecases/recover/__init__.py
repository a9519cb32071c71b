"""Recovering: callers cancel, reopen and redrive jobs."""
