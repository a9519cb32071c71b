"""Moments on the command line of a script."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """Reads a moment with its time zone, to the second, as an option of argparse. The answer is in UTC.

    Raises ArgumentTypeError with the form that is wanted.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; give one like 2026-12-01T08:00:00Z"
        ) from error
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("name the time zone too, as in 2026-12-01T08:00:00Z")
    return found.astimezone(UTC).replace(microsecond=0)
