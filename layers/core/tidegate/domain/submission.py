"""A workflow's submission: its record, its phase, and the plan of its last writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import NO_TAGS, Job
from tidegate.domain.verdicts import Judgement

NO_ESTIMATES: Mapping[str, float] = MappingProxyType({})


class Phase(StrEnum):
    """The phase of a workflow's submission. Clients see the workflow from COMMITTED on."""

    STAGING = "STAGING"  # jobs with upstreams are being written; no client sees them and none can run
    COMMITTED = "COMMITTED"  # accepted; the API or the reaper writes the roots
    COMPLETE = "COMPLETE"  # everything is written
    ABANDONED = "ABANDONED"  # given up before it was accepted; its staged jobs are being removed
    REMOVED = "REMOVED"  # all its jobs are removed; its id is never used again


GIVEN_UP = frozenset({Phase.ABANDONED, Phase.REMOVED})
DONE_WITH = frozenset({Phase.COMPLETE, Phase.REMOVED})  # phases in which no work is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The record of a workflow's submission.

    `fingerprint` identifies the body of the request, for idempotency. `submitted_by` is the subject of the caller, None
    if it is not known. `namespace` is the shared namespace that the request named, None for the caller's own. `tags`
    are the workflow's own, which its jobs have too. `created_at_ms` is in milliseconds since the epoch.
    `critical_path_seconds` is the longest path through the jobs by their estimates, None where no job has one.
    `usual_estimates` are the usual run times, in seconds, that its jobs without an estimate have, by their types: a
    repeated request writes the same jobs.
    `finish_by_ms`, in milliseconds since the epoch, is when the last job ought to have ended; None without such a time.
    `judgements` are what the reaper noted about that time, the latest last.
    `expires_at_s` is when the record may be removed, in seconds since the epoch; None keeps it. `on_hold` says that a
    caller has put the workflow on hold as a whole, and nobody took it off hold since. The jobs decide what may start.
    """

    submission_id: str
    phase: Phase
    job_count: int
    fingerprint: str
    created_at_ms: int
    name: str | None = None
    submitted_by: str | None = None
    namespace: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    critical_path_seconds: float | None = None
    usual_estimates: Mapping[str, float] = field(default_factory=lambda: NO_ESTIMATES)
    finish_by_ms: int | None = None
    judgements: tuple[Judgement, ...] = ()
    expires_at_s: int | None = None
    on_hold: bool = False


@dataclass(frozen=True, slots=True)
class ExternalEdge:
    """An edge from a job of an earlier submission (`upstream_id`) to a job of this one (`downstream_id`).

    `ordinal` is the edge's place in the downstream's `depends_on`.
    """

    upstream_id: str
    downstream_id: str
    ordinal: int
    type: DependencyType


@dataclass(frozen=True, slots=True)
class SubmissionPlan:
    """The writes that follow the commit: the roots, and the edges to jobs of earlier submissions.

    The plan is stored before the commit, so that another process can finish an accepted submission whose writer died.
    """

    roots: tuple[Job, ...]
    edges: tuple[ExternalEdge, ...]
