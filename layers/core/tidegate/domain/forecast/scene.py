"""The live state that a forecast begins with: the jobs that have not ended, and the pools that they wait for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import NEVER_MS, Job
from tidegate.domain.lanes import MAIN
from tidegate.domain.rank import RankPolicy, place_of
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.domain.traits import NO_TRAITS, Traits


class Wait(NamedTuple):
    """A dependency that is not satisfied yet: the upstream's job id, and the type of the dependency."""

    upstream_id: str
    type: DependencyType


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneJob:
    """A job that has not ended.

    `since_ms` is when a QUEUED job was dispatched or a RUNNING one was claimed. `rank` and `lane` are those of a READY
    job; by its rank a QUEUED job was dispatched before others of the same millisecond. `due_at_ms` is the time before
    which the job does not become READY, None where nothing but its dependencies and a hold keep it. Times are in
    milliseconds since the epoch. `waits` are its unsatisfied dependencies. `tries` counts its failed attempts.
    `boost_millipoints` is the boost of its critical path, in thousandths of a point. `latest_start_ms` is when it has
    to start at the latest, None where no time to finish by concerns it. `place` is its index in its workflow.
    `estimate_seconds` is the estimate of its run time.
    """

    job_id: str
    state: State
    pool: str
    priority: int
    traits: Traits = NO_TRAITS
    since_ms: int = 0
    rank: int = 0
    lane: str = MAIN
    on_hold: bool = False
    due_at_ms: int | None = None
    waits: tuple[Wait, ...] = ()
    tries: int = 0
    boost_millipoints: int = 0
    latest_start_ms: int | None = None
    place: int = 0
    estimate_seconds: float | None = None

    @property
    def wakes_at_ms(self) -> int | None:
        """When the job may become READY at the earliest, by its due time and its hold; None where neither keeps it."""
        return NEVER_MS if self.on_hold else self.due_at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePool:
    """A pool: `slots` jobs run at once, and `window` jobs (at least `slots`) are dispatched and not ended.

    `limited` maps a job type to the smaller number of slots that can run it. `weights` are the shares' weights.
    `highest` are the highest priorities (1-1000) of the shares that have a bound.
    """

    slots: int
    window: int
    limited: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)
    highest: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The jobs, the pools by name, and the rules at `now_ms`, in milliseconds since the epoch."""

    now_ms: int
    jobs: tuple[SceneJob, ...]
    pools: Mapping[str, ScenePool]
    rules: DispatchRules = field(default_factory=DispatchRules)
    policy: RankPolicy = field(default_factory=RankPolicy)


def scene_job(job: Job, policy: RankPolicy, waits: tuple[Wait, ...] = ()) -> SceneJob:
    """Returns a job that has not ended as a forecast sees it. `waits` are its unsatisfied dependencies."""
    due_at_ms = job.due_at_ms if job.state is State.SCHEDULED else job.not_before_ms
    since_ms = job.started_at_ms if job.state is State.RUNNING else job.queued_at_ms
    return SceneJob(
        job_id=job.job_id,
        state=job.state,
        pool=job.pool,
        priority=job.priority,
        traits=job.traits,
        since_ms=since_ms or 0,
        rank=job.rank_under(policy, job.ready_at_ms or 0, passes=job.passes),
        lane=job.lane,
        on_hold=job.on_hold,
        due_at_ms=due_at_ms,
        waits=waits,
        tries=job.tries,
        boost_millipoints=job.critical_path_boost_millipoints,
        latest_start_ms=job.latest_start_ms,
        place=place_of(job.job_id),
        estimate_seconds=job.estimated_duration_seconds,
    )
