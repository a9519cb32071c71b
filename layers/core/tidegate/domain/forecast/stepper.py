"""Runs a scene forward without a store: what would be dispatched, start and end, and when.

The decisions are the dispatcher's own. `plan_dispatch` chooses, `rank` orders, `judge` satisfies dependencies, and
`window_slots` bounds what is dispatched. The stepper only keeps the time. It assumes that every job succeeds at its
next attempt, that every condition is true, and that a release, a dispatch and a claim take no time.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tidegate.domain.dependency import DependencyType, Verdict, judge
from tidegate.domain.dispatch_plan import (
    Candidate,
    Dispatched,
    Draw,
    Grant,
    free_slots,
    grant_all,
    held_in,
    plan_dispatch,
)
from tidegate.domain.forecast.scene import Scene, SceneJob, ScenePool
from tidegate.domain.job import NEVER_MS
from tidegate.domain.lanes import key_lane, key_of, share_lane, share_of, type_lane
from tidegate.domain.rank import rank
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State

NEVER: Final = math.inf
"""The time of a start or an end that does not come as things stand."""

_Line = list[tuple[int, int, Candidate]]
"""The waiting candidates of one lane as a heap: the negative rank, the job's number, and the candidate."""


@dataclass(frozen=True, slots=True)
class Course:
    """When each job of a scene starts and ends, in milliseconds since the epoch; `NEVER` where it does not."""

    starts_ms: Sequence[float]
    ends_ms: Sequence[float]


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts that all courses of a scene share. Jobs are named by their number in the scene.

    `after_start` and `after_end` list, for each job, the jobs that have one dependency less once it starts or ends.
    `open_edges` counts the unsatisfied dependencies of each job.
    """

    scene: Scene
    numbers: dict[str, int]
    after_start: Sequence[Sequence[int]]
    after_end: Sequence[Sequence[int]]
    open_edges: Sequence[int]


def wire(scene: Scene) -> Wiring:
    """Returns the wiring of a scene. An upstream that is not in the scene holds nothing back."""
    numbers = {job.job_id: number for number, job in enumerate(scene.jobs)}
    after_start: list[list[int]] = [[] for _ in scene.jobs]
    after_end: list[list[int]] = [[] for _ in scene.jobs]
    open_edges = [0] * len(scene.jobs)
    at_start = {kind for kind in DependencyType if _lets_go(kind, State.RUNNING)}
    for number, job in enumerate(scene.jobs):
        for wait in job.waits:
            upstream = numbers.get(wait.upstream_id)
            if upstream is not None:
                (after_start if wait.type in at_start else after_end)[upstream].append(number)
                open_edges[number] += 1
    return Wiring(scene, numbers, after_start, after_end, open_edges)


def _lets_go(kind: DependencyType, upstream: State) -> bool:
    return judge(kind, upstream, started=True) in (Verdict.SATISFIED, Verdict.EVALUATE)


def step(wiring: Wiring, remaining_ms: Sequence[int], draw: Draw) -> Course:
    """Runs the scene until nothing happens any more.

    `remaining_ms` holds how long each job still runs once it runs (0 or more). `draw` gives the random numbers of
    `plan_dispatch`. The number of steps is at most three for each job.
    """
    run = _Run(wiring, remaining_ms, draw)
    run.begin()
    run.go_on()
    return Course(run.starts_ms, run.ends_ms)


@dataclass(slots=True)
class _PoolState:
    """A pool in the middle of a course. `queue` holds the jobs that are dispatched and not claimed."""

    pool: ScenePool
    rules: DispatchRules
    paused: bool = False
    dispatched: Dispatched = field(default_factory=Dispatched)
    running: int = 0
    queue: deque[int] = field(default_factory=deque)
    in_turn: dict[str, _Line] = field(default_factory=dict)
    held: dict[str, _Line] = field(default_factory=dict)
    causes: dict[str, dict[str, None]] = field(default_factory=dict)  # the lanes that a type or key holds
    awake: dict[str, None] = field(default_factory=dict)  # held lanes whose first job may be free by now

    def add(self, lane: str, number: int, candidate: Candidate) -> None:
        """Puts a candidate into a lane."""
        is_held = share_of(lane) is None
        lines = self.held if is_held else self.in_turn
        line = lines.get(lane)
        if line is None:
            line = lines[lane] = []
        heapq.heappush(line, (-candidate.rank, number, candidate))
        if is_held:
            by_key = key_of(lane)
            self.causes.setdefault(lane if by_key is None else f"key {by_key[0]}", {})[lane] = None
            self.awake[lane] = None

    def queues(self) -> list[Iterator[Candidate]]:
        """Returns the lanes that may have a candidate, as the plan reads them. Lanes that are still held sleep."""
        found = [_in_order(line) for line in self.in_turn.values() if line]
        for lane in list(self.awake):
            line = self.held[lane]
            if line and held_in(line[0][2].traits, self.dispatched, self.rules) != lane:
                found.append(_in_order(line))
            else:
                del self.awake[lane]
        return found


def _in_order(line: _Line) -> Iterator[Candidate]:
    """Yields a lane's candidates best first. A candidate leaves the lane once the plan asks for the next one."""
    while line:
        yield line[0][2]
        heapq.heappop(line)


@dataclass(slots=True)
class _Run:
    """One course of a scene under way."""

    wiring: Wiring
    remaining_ms: Sequence[int]
    draw: Draw
    jobs: Sequence[SceneJob] = field(init=False)
    open_edges: list[int] = field(init=False)
    starts_ms: list[float] = field(init=False)
    ends_ms: list[float] = field(init=False)
    pools: dict[str, _PoolState] = field(init=False)
    grant: Grant = grant_all
    now_ms: int = 0
    touched: dict[str, None] = field(default_factory=dict)  # pools that gained a READY job or a free slot
    _events: list[tuple[int, int, int, bool]] = field(
        default_factory=list
    )  # time, order, job, whether it ends
    _order: int = 0

    def __post_init__(self) -> None:
        scene = self.wiring.scene
        self.jobs, self.now_ms = scene.jobs, scene.now_ms
        self.open_edges = list(self.wiring.open_edges)
        self.starts_ms = [NEVER] * len(scene.jobs)
        self.ends_ms = [NEVER] * len(scene.jobs)
        self.pools = {
            name: _PoolState(pool, scene.rules.within(pool.limited), scene.rules.is_paused(name))
            for name, pool in scene.pools.items()
        }
        # Permits bind the jobs of all pools together. In a single pool the plan's own counts say the same.
        if len(self.pools) > 1:
            self.grant = self._permit

    def begin(self) -> None:
        """Puts every job where it is now, and dispatches."""
        waiting = sorted(
            (number for number, job in enumerate(self.jobs) if job.state is State.QUEUED),
            key=lambda number: (self.jobs[number].since_ms, -self.jobs[number].rank, number),
        )
        for number, job in enumerate(self.jobs):
            pool = self.pools.get(job.pool)
            if job.state is State.RUNNING:
                self._run(number, job, pool)
            elif job.state is State.READY and pool is not None:
                pool.add(job.lane, number, Candidate(job.job_id, job.rank, job.traits, job.lane))
            elif job.state is State.SCHEDULED or self._is_released(number):
                self._release(number)
        for number in waiting:
            pool = self.pools.get(self.jobs[number].pool)
            if pool is not None:
                pool.dispatched.add(self.jobs[number].traits)
                pool.queue.append(number)
        self.touched = dict.fromkeys(self.pools)
        self._serve()

    def _is_released(self, number: int) -> bool:
        """Tells whether nothing holds a PENDING job back. One that a running upstream lets go is released by that."""
        return self.jobs[number].state is State.PENDING and not self.wiring.open_edges[number]

    def _run(self, number: int, job: SceneJob, pool: _PoolState | None) -> None:
        self.starts_ms[number] = job.since_ms
        self._plan(self.now_ms + self.remaining_ms[number], number, ends=True)
        if pool is not None:
            pool.dispatched.add(job.traits)
            pool.running += 1
        for downstream in self.wiring.after_start[number]:
            self._satisfy(downstream)

    def go_on(self) -> None:
        """Takes one event after the other, each with the dispatch that follows it."""
        events = self._events
        while events:
            self.now_ms, _, number, ends = heapq.heappop(events)
            if ends:
                self._end(number)
            else:
                self._ready(number)
            if self.touched:
                self._serve()

    def _plan(self, at_ms: int, number: int, *, ends: bool) -> None:
        self._order += 1
        heapq.heappush(self._events, (at_ms, self._order, number, ends))

    def _end(self, number: int) -> None:
        job = self.jobs[number]
        self.ends_ms[number] = self.now_ms
        for downstream in self.wiring.after_end[number]:
            self._satisfy(downstream)
        pool = self.pools.get(job.pool)
        if pool is None:
            return
        traits = job.traits
        pool.running -= 1
        pool.dispatched.remove(traits)
        self.touched[job.pool] = None
        if traits.concurrency_key is not None or traits.type in pool.rules.types:
            self._wake(traits.type, traits.concurrency_key)

    def _wake(self, job_type: str, key: str | None) -> None:
        """Lets every pool look again into the lanes of this type and this key."""
        causes = (type_lane(job_type), f"key {key}")
        for name, pool in self.pools.items():
            for cause in causes:
                lanes = pool.causes.get(cause)
                if lanes:
                    pool.awake.update(lanes)
                    self.touched[name] = None

    def _satisfy(self, number: int) -> None:
        self.open_edges[number] -= 1
        if not self.open_edges[number] and self.jobs[number].state is State.PENDING:
            self._release(number)

    def _release(self, number: int) -> None:
        wakes_at_ms = self.jobs[number].wakes_at_ms
        if wakes_at_ms is None or wakes_at_ms <= self.now_ms:
            self._ready(number)
        elif wakes_at_ms < NEVER_MS:
            self._plan(wakes_at_ms, number, ends=False)

    def _ready(self, number: int) -> None:
        job = self.jobs[number]
        pool = self.pools.get(job.pool)
        if pool is None:
            return
        order = rank(
            self.wiring.scene.policy,
            job.priority,
            self.now_ms,
            job.tries,
            job.boost_millipoints,
            place=job.place,
            latest_start_ms=job.latest_start_ms,
        )
        lane = share_lane(job.traits.share)
        pool.add(lane, number, Candidate(job.job_id, order, job.traits, lane))
        self.touched[job.pool] = None

    def _serve(self) -> None:
        """Dispatches in every pool that gained something, until none does."""
        while self.touched:
            name, _ = self.touched.popitem()
            self._fill(name, self.pools[name])

    def _fill(self, name: str, pool: _PoolState) -> None:
        free = 0 if pool.paused else free_slots(pool.pool.window, pool.dispatched.total)
        queues = pool.queues() if free else []
        if queues:
            numbers = self.wiring.numbers
            plan = plan_dispatch(
                queues, free, pool.dispatched, pool.rules, pool.pool.weights, self.draw, self.grant
            )
            pool.queue.extend([numbers[each.job_id] for each in plan.chosen])
            for each in plan.held:
                candidate = each.candidate
                held = Candidate(candidate.job_id, candidate.rank, candidate.traits, each.lane)
                pool.add(each.lane, numbers[candidate.job_id], held)
            if plan.chosen and len(plan.chosen) < free:
                self.touched[name] = None  # one plan looks at a bounded number of candidates
        while pool.queue and pool.running < pool.pool.slots:
            self._start(pool.queue.popleft(), pool)

    def _start(self, number: int, pool: _PoolState) -> None:
        self.starts_ms[number] = self.now_ms
        pool.running += 1
        self._plan(self.now_ms + self.remaining_ms[number], number, ends=True)
        for downstream in self.wiring.after_start[number]:
            self._satisfy(downstream)

    def _permit(self, candidate: Candidate) -> str | None:
        """Returns the lane in which a candidate waits for a permit that jobs of all pools share, None if it has it."""
        traits, pools = candidate.traits, self.pools.values()
        limit = self.wiring.scene.rules.type_rule(traits.type).max_running
        if limit is not None and sum(each.dispatched.by_type[traits.type] for each in pools) >= limit:
            return type_lane(traits.type)
        key = traits.concurrency_key
        if key is not None and sum(each.dispatched.by_key[key] for each in pools) >= traits.concurrency_limit:
            return key_lane(key, traits.concurrency_limit)
        return None
