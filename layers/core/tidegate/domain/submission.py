"""What one API call creates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job


class Phase(StrEnum):
    """How far a workflow's submission has come. It is visible from COMMITTED on."""

    STAGING = "STAGING"  # jobs that wait on others are being written; nothing is visible, nothing can move
    COMMITTED = "COMMITTED"  # accepted: roots are being written, by whoever gets to it
    COMPLETE = "COMPLETE"  # everything is written
    ABANDONED = "ABANDONED"  # given up before it was accepted; what was staged is being removed
    REMOVED = "REMOVED"  # nothing of it is left; its id is never used again


GIVEN_UP = frozenset({Phase.ABANDONED, Phase.REMOVED})
DONE_WITH = frozenset({Phase.COMPLETE, Phase.REMOVED})  # nobody has to do anything about it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The record of a workflow's submission. `fingerprint` identifies the body for idempotency."""

    submission_id: str
    phase: Phase
    job_count: int
    fingerprint: str
    created_at_ms: int
    name: str | None = None
    expires_at_s: int | None = None


@dataclass(frozen=True, slots=True)
class ExternalEdge:
    """A dependency on a job of an earlier submission."""

    upstream_id: str
    downstream_id: str
    ordinal: int
    type: DependencyType


@dataclass(frozen=True, slots=True)
class SubmissionPlan:
    """What is written only after the commit: the roots, and the edges to earlier submissions' jobs.

    It is stored before the commit, so that anyone can finish an accepted submission whose writer died.
    """

    roots: tuple[Job, ...]
    edges: tuple[ExternalEdge, ...]
