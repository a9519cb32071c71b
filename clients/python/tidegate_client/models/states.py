"""The states of a job. A state that only a newer API has is kept as text."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field


class State(StrEnum):
    """The state of a job."""

    PENDING = "PENDING"
    SCHEDULED = "SCHEDULED"
    READY = "READY"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


JobState = Annotated[State | str, Field(union_mode="left_to_right")]
TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.SKIPPED})
LETTERS = {
    "P": State.PENDING,
    "D": State.SCHEDULED,
    "R": State.READY,
    "Q": State.QUEUED,
    "A": State.RUNNING,
    "S": State.SUCCEEDED,
    "F": State.FAILED,
    "T": State.TIMED_OUT,
    "C": State.CANCELLED,
    "K": State.SKIPPED,
}
"""The states by the letter that `GET /v1/workflows/{workflow_id}/states` has for them."""


def is_terminal(state: State | str) -> bool:
    """True for a state in which a job stays unless it is retried by hand."""
    return state in TERMINAL
