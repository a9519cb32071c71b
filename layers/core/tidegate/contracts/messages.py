"""The body of a message in a pool's queue."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class JobMessage(BaseModel):
    """A job to run, with its type and its counts of claims and reopenings before this dispatch.

    `attempt` is the number of claims. `queued_at_ms` is when the job was dispatched, in milliseconds since the epoch, 0
    where that is not known. A field that a later version adds is ignored.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str = Field(min_length=1, max_length=64)
    attempt: int = Field(ge=0)
    reopened: int = Field(default=0, ge=0)
    queued_at_ms: int = Field(default=0, ge=0)
    type: str = ""
    estimated_seconds: float | None = None
