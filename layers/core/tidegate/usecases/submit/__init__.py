"""Submitting: a job, or a workflow as a whole or not at all."""
