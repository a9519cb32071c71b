"""The body of a message in a pool's queue."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class JobMessage(BaseModel):
    """A job to run, and the number of claims before this dispatch. Fields of later versions are ignored."""

    model_config = ConfigDict(frozen=True)

    job_id: str = Field(min_length=1, max_length=64)
    attempt: int = Field(ge=0)
