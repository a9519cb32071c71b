"""Compares a scene with a changed one: what ends when, as things stand and after a change.

Both scenes are stepped with the same draws (common random numbers): a job has the same run time in both. So the
difference of two ends is that of the change, and not of chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tidegate.domain.dispatch_plan import window_slots
from tidegate.domain.forecast.forecast import (
    COVERAGE,
    SEED,
    Interval,
    draw_all_ms,
    interval_of,
    plan_draw,
    quantile,
)
from tidegate.domain.forecast.run_times import RunTimes
from tidegate.domain.forecast.scene import Scene, SceneJob, ScenePool
from tidegate.domain.forecast.stepper import step, wire
from tidegate.domain.rank import MOST_PASSES, RankPolicy, rank, ready_at_of
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State

WAITING = frozenset({State.PENDING, State.SCHEDULED, State.READY})
"""The states in which a priority still counts. A dispatched job has its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changes of a scene.

    `slots` holds the new number of slots (0 or more) by pool. `priorities` holds new priorities (1-1000) by job id.
    `added` are jobs of one more submission, and `weights` (1 or more) those that it gives to shares, by pool and share.
    """

    slots: Mapping[str, int] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    paused_pools: frozenset[str] = frozenset()
    paused_types: frozenset[str] = frozenset()
    added: tuple[SceneJob, ...] = ()
    weights: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """How much later something ends after a change, in milliseconds; below 0 where it ends earlier.

    Half of the draws have less than `p50_ms`, and 90 % of them lie between the bounds.
    """

    p50_ms: int
    low_ms: int
    high_ms: int


@dataclass(frozen=True, slots=True)
class Compared:
    """When a group of jobs ends as things stand (`today`) and after the change (`then`).

    Each is None where the group does not end. `later` is the difference, None where one of the two is. `is_same` says
    that no draw has another end. `then_ms` is when the group ends after the change in each draw, in milliseconds since
    the epoch.
    """

    today: Interval | None
    then: Interval | None
    later: Later | None
    is_same: bool
    then_ms: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """The groups in the order in which they were given, and how many draws were stepped."""

    groups: tuple[Compared, ...]
    draws: int


def change(scene: Scene, changes: Changes, window: float) -> Scene:
    """Returns the scene as it would be after the changes. The jobs that it has keep their places.

    `window` (at least 1) is the multiple of a pool's slots that may be dispatched. Slots that are added run every job
    type that the pool's workers know.
    """
    jobs = tuple(_reprioritised(job, changes.priorities, scene.policy) for job in scene.jobs)
    pools = {
        name: _resized(pool, changes.slots[name], window) if name in changes.slots else pool
        for name, pool in scene.pools.items()
    }
    for name in pools.keys() & changes.weights.keys():
        pools[name] = replace(pools[name], weights={**pools[name].weights, **changes.weights[name]})
    return replace(scene, jobs=jobs + changes.added, pools=pools, rules=_paused(scene.rules, changes))


def compare(
    scene: Scene,
    changed: Scene,
    run_times: RunTimes,
    groups: Sequence[Sequence[str]],
    *,
    draws: int,
    is_over: Callable[[], bool] = lambda: False,
    seed: int = SEED,
) -> Comparison:
    """Steps both scenes with the same draws, and compares when each group of jobs has ended.

    The jobs of `changed` begin with those of `scene`, in the same order. A group names jobs by their ids; one that has
    no job in `scene` has no end there. Steps each scene `draws` (1 or more) times, or fewer where `is_over` says so
    after a draw.
    """
    before, after = wire(scene), wire(changed)
    numbers = [[after.numbers[job_id] for job_id in group] for group in groups]
    taken = [run_times.of(job.traits.type, job.estimate_seconds) for job in changed.jobs]
    known = len(scene.jobs)
    found: list[list[tuple[float, float]]] = [[] for _ in groups]
    stepped = 0
    while stepped < draws and not (stepped and is_over()):
        of_draw = f"{seed}.{stepped}"
        remaining_ms = draw_all_ms(changed, taken, of_draw)
        today = step(before, remaining_ms[:known], plan_draw(of_draw)).ends_ms
        then = step(after, remaining_ms, plan_draw(of_draw)).ends_ms
        for ends, group in zip(found, numbers, strict=True):
            earlier = [today[number] for number in group if number < known]
            ends.append(
                (max(earlier, default=math.inf), max((then[number] for number in group), default=math.inf))
            )
        stepped += 1
    return Comparison(tuple(_compared(ends) for ends in found), stepped)


def _compared(ends: Sequence[tuple[float, float]]) -> Compared:
    today, then = interval_of([each for each, _ in ends]), interval_of([each for _, each in ends])
    later = None if today is None or then is None else _later([after - before for before, after in ends])
    then_ms = tuple(after for _, after in ends)
    return Compared(today, then, later, all(before == after for before, after in ends), then_ms)


def _later(differences_ms: Sequence[float]) -> Later:
    rising = sorted(differences_ms)
    tail = (1.0 - COVERAGE) / 2
    return Later(*(round(quantile(rising, part)) for part in (0.5, tail, 1.0 - tail)))


def _reprioritised(job: SceneJob, priorities: Mapping[str, int], policy: RankPolicy) -> SceneJob:
    priority = priorities.get(job.job_id)
    if priority is None or job.state not in WAITING:
        return job
    if job.state is not State.READY:
        return replace(job, priority=priority)
    order = rank(
        policy,
        priority,
        ready_at_of(job.rank),
        job.tries,
        job.boost_millipoints,
        place=job.place,
        passes=-job.rank % MOST_PASSES,
        latest_start_ms=job.latest_start_ms,
    )
    return replace(job, priority=priority, rank=order)


def _resized(pool: ScenePool, slots: int, window: float) -> ScenePool:
    more = max(0, slots - pool.slots)
    limited = {job_type: min(slots, most + more) for job_type, most in pool.limited.items()}
    return replace(pool, slots=slots, window=max(slots, window_slots(slots, window)), limited=limited)


def _paused(rules: DispatchRules, changes: Changes) -> DispatchRules:
    types = {name: replace(rules.type_rule(name), paused=True) for name in sorted(changes.paused_types)}
    return replace(
        rules, paused_pools=rules.paused_pools | changes.paused_pools, types={**rules.types, **types}
    )
