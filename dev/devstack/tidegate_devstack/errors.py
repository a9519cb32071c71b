"""The error of the local stack."""

from __future__ import annotations


class LocalStackError(Exception):
    """The local stack can't do what the user asked for. The message is written for the user."""
