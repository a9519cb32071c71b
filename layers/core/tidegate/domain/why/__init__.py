"""Decides why a job is not running: the facts that hold it, each with its evidence and the change that removes it."""
