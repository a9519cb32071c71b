"""Failed jobs, grouped by their cause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from tidegate_client.models.base import Model
from tidegate_client.models.operate import RuleChange


class FailedIn(Model):
    """How many jobs of a failure group belong to a workflow."""

    workflow_id: str
    jobs: int


class FailureGroup(Model):
    """Failed jobs with one cause.

    `pattern` is the first line of their errors without names and numbers, `message` that line of the latest job.
    `over_time` has the number of jobs in equal steps of the time that the listing covers.
    """

    fingerprint: str
    type: str
    code: str | None = None
    pattern: str
    message: str
    count: int
    first_at: datetime
    last_at: datetime
    over_time: tuple[int, ...] = ()
    job_ids: tuple[str, ...] = ()
    workflow_count: int
    workflows: tuple[FailedIn, ...] = ()
    muted: RuleChange | None = None


class Failures(Model):
    """The groups of a page of failed jobs, the largest first. `cursor` asks for earlier jobs, None at the end."""

    groups: tuple[FailureGroup, ...] = ()
    left_out: int
    mutes: Mapping[str, RuleChange] = Field(default_factory=dict)
    since: datetime
    until: datetime
    step_seconds: float
    looked_at: int
    looked_back_to: datetime | None = None
    cursor: str | None = None


class Mute(Model):
    """Whether a failure group is muted, and the last change of that."""

    fingerprint: str
    muted: bool
    change: RuleChange | None = None
