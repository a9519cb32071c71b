"""What an exit code of a program or a status of a call stands for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """The error that an exit code or a status stands for, and whether another attempt could help."""

    code: str
    retryable: bool
