"""Judges whether jobs end by the time that their caller named, and finds changes that would help.

The verdict rests on the draws of a forecast. Where they are too late, the same draws are stepped after changes: with
another priority, and with more slots. Where not even a scene without any wait ends in time, nothing helps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tidegate.domain import limits
from tidegate.domain.forecast.forecast import (
    LEARNED_WIDENING,
    Forecast,
    Intervals,
    courses,
    draws_for,
    last_end_ms,
)
from tidegate.domain.forecast.run_times import RunTimes
from tidegate.domain.forecast.scene import Scene, SceneJob, ScenePool
from tidegate.domain.forecast.stepper import wire
from tidegate.domain.forecast.what_if import WAITING, Changes, change
from tidegate.domain.job import NEVER_MS
from tidegate.domain.lanes import MAIN
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.domain.traits import Traits

AT_RISK_BELOW: Final = 0.5
"""The probability below which a time is at risk. A higher one warns of more that ends in time after all."""
SLOT_FACTORS: Final = (2, 4, 8)
"""The multiples of a pool's slots that are tried."""


class FinishVerdict(StrEnum):
    """The verdict about a time: on course, at risk, impossible whatever is changed, or missed, as it has passed."""

    ON_COURSE = "on-course"
    AT_RISK = "at-risk"
    IMPOSSIBLE = "impossible"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """A change that makes an end in time more probable, with the probability (0-1) after it.

    The change is another priority for all jobs that have to end and still wait, or `add_slots`, more slots by pool.
    """

    probability: float
    priority: int | None = None
    add_slots: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class FinishBy:
    """The judgement about a time (`at_ms`, in milliseconds since the epoch).

    `probability` (0-1) is that of an end in time, as things stand. `helps` are changes that raise it. `earliest_ms` is
    the median of the ends without any wait, known where the time is impossible.
    """

    at_ms: int
    verdict: FinishVerdict
    probability: float
    helps: tuple[Help, ...] = ()
    earliest_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The jobs, by their ids, that have to end by `finish_by_ms`, in milliseconds since the epoch."""

    job_ids: Sequence[str]
    finish_by_ms: int


def judge_finish(
    scene: Scene,
    run_times: RunTimes,
    wanted: Wanted,
    found: Forecast,
    *,
    window: float,
    is_over: Callable[[], bool] = lambda: False,
) -> FinishBy:
    """Judges whether the jobs `wanted` end in time, of which `found` is the forecast in this scene.

    `window` (at least 1) is the multiple of a pool's slots that may be dispatched. No change is tried once `is_over`
    says so. Where the time is at risk, it takes at most five times as long as a forecast with the fewest draws.
    """
    at_ms = wanted.finish_by_ms
    if at_ms <= scene.now_ms:
        return FinishBy(at_ms, FinishVerdict.MISSED, 0.0)
    probability = Intervals(scene.now_ms, LEARNED_WIDENING).part_by(found.ends_ms, at_ms)
    if probability >= AT_RISK_BELOW:
        return FinishBy(at_ms, FinishVerdict.ON_COURSE, probability)
    trial = _Trial(scene, run_times, wanted, is_over)
    if probability == 0.0 and not is_over():
        ends_ms = trial.ends_ms(_without_waits(scene))
        if min(ends_ms) > at_ms:
            earliest_ms = sorted(ends_ms)[len(ends_ms) // 2]
            return FinishBy(at_ms, FinishVerdict.IMPOSSIBLE, 0.0, earliest_ms=round(earliest_ms))
    helps = tuple(each for each in trial.helps(window) if each.probability > probability)
    return FinishBy(at_ms, FinishVerdict.AT_RISK, probability, helps)


@dataclass(frozen=True, slots=True)
class _Trial:
    """Steps changed scenes, and tells how probable an end in time is in each."""

    scene: Scene
    run_times: RunTimes
    wanted: Wanted
    is_over: Callable[[], bool]

    def ends_ms(self, changed: Scene) -> list[float]:
        """Returns when all wanted jobs have ended in each draw of a changed scene."""
        wiring = wire(changed)
        numbers = [wiring.numbers[job_id] for job_id in self.wanted.job_ids]
        draws = draws_for((2 + len(SLOT_FACTORS)) * len(changed.jobs))
        stepped = courses(wiring, self.run_times, draws, is_over=self.is_over)
        return [last_end_ms(course, numbers) for course in stepped]

    def helps(self, window: float) -> Iterator[Help]:
        """Yields the highest priority, and the smallest multiple of slots that makes the time likely to be met."""
        needed = _needed(self.scene, self.wanted.job_ids)
        waiting = [job for job in needed if job.state in WAITING]
        if not waiting or self.is_over():
            return
        highest = {job.job_id: limits.MAX_PRIORITY for job in waiting}
        if any(job.priority < limits.MAX_PRIORITY for job in waiting):
            raised = self._probability(change(self.scene, Changes(priorities=highest), window))
            yield Help(probability=raised, priority=limits.MAX_PRIORITY)
        pools = {
            job.pool: self.scene.pools[job.pool].slots for job in waiting if job.pool in self.scene.pools
        }
        best: Help | None = None
        for factor in SLOT_FACTORS if pools else ():
            if self.is_over():
                break
            more = {name: max(1, slots) * factor - slots for name, slots in sorted(pools.items())}
            slots = {name: pools[name] + added for name, added in more.items()}
            probability = self._probability(change(self.scene, Changes(slots=slots), window))
            if best is None or probability > best.probability:
                best = Help(probability=probability, add_slots=more)
            if probability >= AT_RISK_BELOW:
                break
        if best is not None:
            yield best

    def _probability(self, changed: Scene) -> float:
        made = Intervals(changed.now_ms, LEARNED_WIDENING)
        return made.part_by(self.ends_ms(changed), self.wanted.finish_by_ms)


def _needed(scene: Scene, wanted: Sequence[str]) -> list[SceneJob]:
    """Returns the wanted jobs, and the jobs that they wait for."""
    jobs = {job.job_id: job for job in scene.jobs}
    found: dict[str, SceneJob] = {}
    left = list(wanted)
    while left:
        job = jobs.get(left.pop())
        if job is not None and job.job_id not in found:
            found[job.job_id] = job
            left.extend(wait.upstream_id for wait in job.waits)
    return list(found.values())


def _without_waits(scene: Scene) -> Scene:
    """Returns the scene with a slot for each job, and without rules, holds, keys and shares.

    Dependencies, due times and run times are what is left of it.
    """
    many = max(1, len(scene.jobs))
    jobs = tuple(_free(job) for job in scene.jobs)
    names = {*scene.pools, *(job.pool for job in jobs)}
    pools = {name: ScenePool(slots=many, window=many) for name in sorted(names)}
    return replace(scene, jobs=jobs, pools=pools, rules=DispatchRules())


def _free(job: SceneJob) -> SceneJob:
    is_held = job.wakes_at_ms == NEVER_MS
    state = State.PENDING if is_held and job.state is State.SCHEDULED else job.state
    return replace(
        job,
        state=state,
        traits=Traits(job.traits.type),
        lane=MAIN,
        wakes_at_ms=None if is_held else job.wakes_at_ms,
    )
