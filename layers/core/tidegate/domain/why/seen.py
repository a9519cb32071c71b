"""The values from which the decision is made, as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.domain.announcements import Announcement
from tidegate.domain.dependency import Dependency
from tidegate.domain.dispatch_plan import Candidate
from tidegate.domain.job import Job
from tidegate.domain.permits import Permit
from tidegate.domain.pools import Pool
from tidegate.domain.rank import RankPolicy
from tidegate.domain.rules import DispatchRules
from tidegate.domain.statistics.usual_runs import Straggler
from tidegate.domain.traits import Traits
from tidegate.domain.workers import Ability


@dataclass(frozen=True, slots=True)
class Edge:
    """An unmet dependency with its upstream; None where no such job exists (any more, or yet)."""

    dependency: Dependency
    upstream: Job | None


@dataclass(frozen=True, slots=True)
class Active:
    """A QUEUED or RUNNING job as the index shows it. `queued_at_ms` is in milliseconds since the epoch.

    `runs` tells whether a worker has claimed it; None where that was not read.
    """

    job_id: str
    traits: Traits
    queued_at_ms: int
    runs: bool | None = None


@dataclass(frozen=True, slots=True)
class PoolSeen:
    """The pool of a job as it was read: its workers, its dispatched jobs, and the lanes of its READY jobs.

    `pool` is None where the deployment does not have it. Each of `queues` is one shard of one lane, best first.
    `weights` are by share. `permits` are by name, those that the job and the jobs of `queues` need, without
    holders that are no longer dispatched. `is_whole` is False where some of these lists were cut off.
    """

    pool: Pool | None
    rules: DispatchRules
    ability: Ability = Ability(0)
    active: tuple[Active, ...] = ()
    queues: tuple[tuple[Candidate, ...], ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)
    permits: Mapping[str, Permit] = field(default_factory=dict)
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was read about one job at `now_ms`, in milliseconds since the epoch.

    `window` is the multiple of the capacity that may be dispatched. `is_submitted` is False while the jobs of its
    workflow are still being written. `unwritten` are jobs of it that may not be written yet. `edges` are unmet
    dependencies; `edges_left_out` counts those beyond them. `at_pool` is None where the job has no pool yet, because
    several can run it, or where it does not wait. `straggler` is the measure by which the RUNNING job straggles, None
    where it does not. `announcement` is that of the job's type, None where the deployed code has it or nobody told of
    it, and where the job has no pool yet.
    """

    job: Job
    now_ms: int
    policy: RankPolicy
    window: float
    is_submitted: bool = True
    unwritten: tuple[Job, ...] = ()
    edges: tuple[Edge, ...] = ()
    edges_left_out: int = 0
    at_pool: PoolSeen | None = None
    straggler: Straggler | None = None
    announcement: Announcement | None = None
