"""Keeps the progress of workflows, from the changes of their jobs."""
