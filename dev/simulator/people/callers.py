"""Invented callers."""

from __future__ import annotations

from tidegate.domain.callers import Caller


def caller_named(display: str) -> Caller:
    """Returns a caller who is shown as `display`."""
    return Caller(f"arn:aws:sts::123456789012:assumed-role/Schedulers/{display}", display)
