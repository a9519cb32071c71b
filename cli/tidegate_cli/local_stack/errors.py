"""What can go wrong with the local stack."""

from __future__ import annotations


class LocalStackError(Exception):
    """The local stack cannot do what was asked; the message is for the user, whole and readable."""
