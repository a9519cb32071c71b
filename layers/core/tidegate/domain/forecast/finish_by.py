"""Judges whether jobs end by the time that their caller named, and finds changes that would help.

The verdict rests on the draws of a forecast. Where they are too late, the same draws are stepped after changes: with
another priority, and with more slots. Where not even a scene without any wait ends in time, nothing helps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tidegate.domain import limits
from tidegate.domain.forecast.forecast import courses, draws_for, last_end_ms, part_by
from tidegate.domain.forecast.run_times import RunTimes
from tidegate.domain.forecast.scene import Scene, SceneJob, ScenePool
from tidegate.domain.forecast.stepper import Course, wire
from tidegate.domain.forecast.what_if import WAITING, Changes, change
from tidegate.domain.lanes import MAIN
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.domain.traits import Traits
from tidegate.domain.verdicts import FinishVerdict

AT_RISK_BELOW: Final = 0.5
"""The probability below which a time is at risk. A higher one warns of more that ends in time after all."""
SLOT_FACTORS: Final = (2, 4, 8)
"""The multiples of a pool's slots that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """A change that makes an end in time more probable, with the probability (0-1) after it.

    The change is `priority` for all jobs that have to end, still wait and have a lower one, or `add_slots`, more slots
    by pool.
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

    @classmethod
    def missed(cls, at_ms: int) -> FinishBy:
        """Returns the judgement about a time that has passed, in milliseconds since the epoch."""
        return cls(at_ms, FinishVerdict.MISSED, 0.0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The jobs, by their ids, that have to end by `finish_by_ms`, in milliseconds since the epoch."""

    job_ids: Sequence[str]
    finish_by_ms: int


def judge_finish(
    scene: Scene,
    run_times: RunTimes,
    wanted: Wanted,
    ends_ms: Sequence[float],
    *,
    window: float,
    is_over: Callable[[], bool] = lambda: False,
) -> FinishBy:
    """Judges whether the jobs `wanted` end in time.

    `ends_ms` is when the last of them ends in each draw of a forecast of this scene, in milliseconds since the epoch.
    `window` (at least 1) is the multiple of a pool's slots that may be dispatched. No change is tried once `is_over`
    says so, and one that was cut short by it tells nothing. Where the time is at risk, five changed scenes are stepped
    at most, each with the first draws of the forecast, so that a difference is that of the change and not of chance.
    """
    judged = _Judge(scene, run_times, _trial_draws(scene, len(ends_ms)), is_over).judge(wanted, ends_ms)
    if judged.verdict is not FinishVerdict.AT_RISK:
        return judged
    trial = _Trial(scene, run_times, wanted, ends_ms, is_over)
    least = max(judged.probability, trial.probability_today())
    helps = tuple(each for each in trial.helps(window) if each.probability > least)
    return replace(judged, helps=helps)


def judge_finishes(
    scene: Scene,
    run_times: RunTimes,
    wanted: Sequence[Wanted],
    *,
    is_over: Callable[[], bool] = lambda: False,
) -> list[FinishBy] | None:
    """Judges several times of one scene, each as a forecast of its jobs would, and without what would help.

    Steps the scene as often as a forecast, and again without any wait where a time may be impossible. Returns the
    judgements in the order of `wanted`; None where `is_over` said so before all of it was stepped.
    """
    if all(each.finish_by_ms <= scene.now_ms for each in wanted):
        return [FinishBy.missed(each.finish_by_ms) for each in wanted]
    wiring, draws = wire(scene), draws_for(len(scene.jobs))
    stepped = courses(wiring, run_times, draws, is_over=is_over)
    if len(stepped) < draws:
        return None
    judge = _Judge(scene, run_times, _trial_draws(scene, draws), is_over)
    judged = []
    for each in wanted:
        numbers = [wiring.numbers[job_id] for job_id in each.job_ids]
        judged.append(judge.judge(each, [last_end_ms(course, numbers) for course in stepped]))
    return None if judge.was_cut_short else judged


def _trial_draws(scene: Scene, draws: int) -> int:
    """Returns how often a changed scene is stepped, of which there may be several beside a forecast's `draws`."""
    return min(draws, draws_for((2 + len(SLOT_FACTORS)) * len(scene.jobs)))


@dataclass(slots=True)
class _Judge:
    """Gives verdicts about times of one scene. It steps the scene without any wait once, where that is needed.

    `draws` is how often it does so.
    """

    scene: Scene
    run_times: RunTimes
    draws: int
    is_over: Callable[[], bool]
    was_cut_short: bool = False
    _soonest: tuple[Mapping[str, int], list[Course]] | None = None

    def judge(self, wanted: Wanted, ends_ms: Sequence[float]) -> FinishBy:
        """Returns the verdict by when the last wanted job ends in each draw of a forecast, in milliseconds."""
        at_ms = wanted.finish_by_ms
        if at_ms <= self.scene.now_ms:
            return FinishBy.missed(at_ms)
        probability = part_by(ends_ms, at_ms)
        if probability >= AT_RISK_BELOW:
            return FinishBy(at_ms, FinishVerdict.ON_COURSE, probability)
        if probability == 0.0:
            soonest_ms = self._soonest_ends_ms(wanted)
            if soonest_ms and min(soonest_ms) > at_ms:
                earliest_ms = sorted(soonest_ms)[len(soonest_ms) // 2]
                return FinishBy(at_ms, FinishVerdict.IMPOSSIBLE, 0.0, earliest_ms=round(earliest_ms))
        return FinishBy(at_ms, FinishVerdict.AT_RISK, probability)

    def _soonest_ends_ms(self, wanted: Wanted) -> list[float]:
        """Returns when all wanted jobs have ended in each draw without any wait; none where the time was over."""
        if self._soonest is None and not self.is_over():
            wiring = wire(_without_waits(self.scene))
            stepped = courses(wiring, self.run_times, self.draws, is_over=self.is_over)
            if len(stepped) == self.draws:
                self._soonest = wiring.numbers, stepped
        if self._soonest is None:
            self.was_cut_short = True
            return []
        known, stepped = self._soonest
        numbers = [known[job_id] for job_id in wanted.job_ids]
        return [last_end_ms(course, numbers) for course in stepped]


@dataclass(frozen=True, slots=True)
class _Trial:
    """Steps changed scenes, and tells how probable an end in time is in each.

    `today_ms` is when all wanted jobs have ended in each draw as things stand, in milliseconds since the epoch.
    """

    scene: Scene
    run_times: RunTimes
    wanted: Wanted
    today_ms: Sequence[float]
    is_over: Callable[[], bool]

    @property
    def draws(self) -> int:
        """How often each changed scene is stepped."""
        return _trial_draws(self.scene, len(self.today_ms))

    def ends_ms(self, changed: Scene) -> list[float] | None:
        """Returns when all wanted jobs have ended in each draw of a changed scene.

        Returns None where the time was over before all draws were stepped: a few of them say little about the others.
        """
        wiring = wire(changed)
        numbers = [wiring.numbers[job_id] for job_id in self.wanted.job_ids]
        stepped = courses(wiring, self.run_times, self.draws, is_over=self.is_over)
        return [last_end_ms(course, numbers) for course in stepped] if len(stepped) == self.draws else None

    def helps(self, window: float) -> Iterator[Help]:
        """Yields the highest priority, and the smallest multiple of slots that makes the time likely to be met."""
        needed = _needed(self.scene, self.wanted.job_ids)
        yield from self._with_priority([job for job in needed if job.state in WAITING], window)
        pools = {job.pool for job in needed if job.state is not State.RUNNING}
        yield from self._with_slots(sorted(pools & self.scene.pools.keys()), window)

    def _with_priority(self, waiting: Sequence[SceneJob], window: float) -> Iterator[Help]:
        highest = min((self._highest(job) for job in waiting), default=0)
        raised = {job.job_id: highest for job in waiting if job.priority < highest}
        if not raised or self.is_over():
            return
        probability = self._probability(change(self.scene, Changes(priorities=raised), window))
        if probability is not None:
            yield Help(probability=probability, priority=highest)

    def _highest(self, job: SceneJob) -> int:
        pool = self.scene.pools.get(job.pool)
        return (
            limits.MAX_PRIORITY if pool is None else pool.highest.get(job.traits.share, limits.MAX_PRIORITY)
        )

    def _with_slots(self, pools: Sequence[str], window: float) -> Iterator[Help]:
        best: Help | None = None
        for factor in SLOT_FACTORS:
            more = self._more_slots(pools, factor)
            if not more or self.is_over() or (best is not None and best.add_slots == more):
                break
            slots = {name: self.scene.pools[name].slots + added for name, added in more.items()}
            probability = self._probability(change(self.scene, Changes(slots=slots), window))
            if probability is None:
                break
            if best is None or probability > best.probability:
                best = Help(probability=probability, add_slots=more)
            if probability >= AT_RISK_BELOW:
                break
        if best is not None:
            yield best

    def _more_slots(self, pools: Sequence[str], factor: int) -> dict[str, int]:
        """Returns how many slots more give each pool `factor` times its slots, up to what a what-if takes."""
        now = {name: self.scene.pools[name].slots for name in pools}
        wanted = {name: min(max(1, slots) * factor, limits.MAX_WHAT_IF_SLOTS) for name, slots in now.items()}
        return {name: wanted[name] - slots for name, slots in now.items() if wanted[name] > slots}

    def probability_today(self) -> float:
        """Returns how probable an end in time is as things stand, by the draws that the changed scenes share."""
        return self._part(self.today_ms[: self.draws])

    def _probability(self, changed: Scene) -> float | None:
        ends_ms = self.ends_ms(changed)
        return None if ends_ms is None else self._part(ends_ms)

    def _part(self, ends_ms: Sequence[float]) -> float:
        return part_by(ends_ms, self.wanted.finish_by_ms)


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
    return replace(job, traits=Traits(job.traits.type), lane=MAIN, on_hold=False)
