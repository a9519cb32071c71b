"""Recovering: callers amend, cancel, reopen, rerun and redrive jobs."""
