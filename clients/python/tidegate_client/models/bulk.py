"""The outcome of an act on many jobs, and of a submission that is only foreseen."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from tidegate_client.models.base import Model
from tidegate_client.models.states import JobState


class Told(Model):
    """The outcome of one job of an act in bulk: DONE, ASKED (its worker is to stop it) or LEFT, and why it was left."""

    job_id: str
    outcome: str
    state: JobState
    reason: str | None = None


class Acted(Model):
    """The result of one call of an act in bulk. `cursor` continues it, None at the end.

    With `dry_run` the outcomes and the counts are those that the same call would have now.
    """

    jobs: tuple[Told, ...] = ()
    done: int
    asked: int
    left: int
    looked_at: int
    cursor: str | None = None
    dry_run: bool


class Foreseen(Model):
    """How many jobs a submission would create, by first state and by pool."""

    dry_run: bool
    job_count: int
    states: Mapping[str, int] = Field(default_factory=dict)
    pools: Mapping[str, int] = Field(default_factory=dict)
