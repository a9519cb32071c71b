"""The errors of the local stack."""

from __future__ import annotations


class LocalStackError(Exception):
    """The local stack can't do what the user asked for. The message is written for the user."""


class NoSuchFolder(LocalStackError):
    """The error for a folder of job code that does not exist."""
