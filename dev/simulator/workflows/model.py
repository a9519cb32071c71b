"""Random workflows whose outcome is known beforehand, whatever goes wrong around them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.system.scenario import Course, dies, fails, hands_back, never_begins, stalls, succeeds
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType, Verdict, judge
from tidegate.domain.job import Job
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.ports import Assignment

CONDITIONS = {
    "upstream.status == 'SUCCEEDED'": True,
    "upstream.status != 'SUCCEEDED'": False,
    "upstream.result.no_such.field > 0": None,  # it can't be evaluated, however the upstream ends
}
BAD_ATTEMPTS = 3  # workers die or stall in at most this many attempts, and there are as many retries
INTERRUPTED_ATTEMPTS = 25  # workers hand jobs back in at most this many attempts, so that all jobs end
SLOW_MS = 240_000  # a dispatcher that offers second attempts finds such an attempt before it ends
AHEAD_MS = (0, 0, 0, 700, 12_000)  # how long a claimed job waits before its code begins


@dataclass(frozen=True, slots=True)
class Drawn:
    """Jobs with keys, submitted as one workflow or as two, and the jobs that fail for good when they run.

    The first `split` jobs are a workflow of their own. The others are another one, submitted `later_ms` after it.
    `slow` is the share, 0-1, of the attempts that take far longer than others.
    """

    request: WorkflowRequest
    broken: frozenset[str]
    bad_workers: float
    seed: int
    split: int = 0
    later_ms: int = 0
    interrupted: float = 0.0
    slow: float = 0.0

    def first(self) -> WorkflowRequest:
        """Returns the first submission, which holds all jobs if none are split off."""
        return replace(self.request, jobs=self.request.jobs[: self.split] or self.request.jobs)

    def second(self, job_ids: Mapping[str, str]) -> WorkflowRequest | None:
        """Returns the second submission, from the ids of the first workflow's jobs."""
        rest = self.request.jobs[self.split :] if self.split else ()
        if not rest:
            return None

        def moved(edge: DependencyRequest) -> DependencyRequest:
            job_id = job_ids.get(edge.key or "")
            return edge if job_id is None else replace(edge, key=None, job_id=job_id)

        jobs = tuple(replace(job, depends_on=tuple(map(moved, job.depends_on))) for job in rest)
        return replace(self.request, jobs=jobs)

    def course(self, assignment: Assignment) -> Course:
        """Returns the course of an attempt, which is the same in every run."""
        if assignment.second:
            return self._course_of_second(assignment)
        draw = random.Random(f"{self.seed} {assignment.key} {assignment.attempt}")
        course = self._course(assignment, draw)
        if random.Random(f"slow {self.seed} {assignment.key} {assignment.attempt}").random() < self.slow:
            course = replace(course, duration_ms=SLOW_MS)
        if assignment.attempt <= INTERRUPTED_ATTEMPTS and draw.random() < self.interrupted:
            course = draw.choice((hands_back(course.duration_ms), never_begins(5_000)))
        return course if course.ahead_ms else replace(course, ahead_ms=draw.choice(AHEAD_MS))

    def _course_of_second(self, assignment: Assignment) -> Course:
        """Returns the course of a second attempt, which succeeds only where the job is to succeed in the end."""
        draw = random.Random(f"{self.seed} {assignment.key} {assignment.attempt} second")
        duration_ms = draw.choice((0, 900, 20_000, 70_000))
        course = fails(duration_ms) if assignment.key in self.broken else succeeds(duration_ms)
        if draw.random() < 0.4:
            return draw.choice(
                (dies(duration_ms), stalls(course, 200_000), fails(duration_ms), hands_back(duration_ms))
            )
        return course

    def _course(self, assignment: Assignment, draw: random.Random) -> Course:
        duration_ms = draw.choice((0, 50, 900, 20_000, 70_000))
        broken = assignment.key in self.broken
        course = fails(duration_ms, retryable=False) if broken else succeeds(duration_ms)
        if assignment.attempt <= BAD_ATTEMPTS and draw.random() < self.bad_workers:
            # A stalled worker may still be the first to report, if no other worker took its job meanwhile.
            return draw.choice((dies(duration_ms), stalls(course, 200_000), fails(duration_ms)))
        return course

    def expected(self, ended: Iterable[Job] = ()) -> Mapping[str, State]:
        """Computes the state that each job must end in, from the rules for dependencies alone.

        Failing calls cost workers too, so some of the `ended` jobs may have lost as many as a job may.
        """
        lost = {job.key: job for job in ended if job.worker_losses == limits.MAX_WORKER_LOSSES}
        states: dict[str, State] = {}
        for job in self.request.jobs:  # upstreams come first
            key = job.key or ""
            runs = all(
                _satisfied(edge, states[edge.key or ""], lost.get(edge.key)) for edge in job.depends_on
            )
            if not runs:
                states[key] = State.SKIPPED
            elif key in lost:
                states[key] = State.FAILED
            else:
                states[key] = State.FAILED if key in self.broken else State.SUCCEEDED
        return states


def _satisfied(edge: DependencyRequest, upstream: State, lost: Job | None) -> bool:
    started = upstream is not State.SKIPPED if lost is None else lost.was_started
    verdict = judge(edge.type, upstream, started=started)
    if verdict is Verdict.EVALUATE:
        return CONDITIONS[edge.condition or ""] is (upstream is State.SUCCEEDED)
    return verdict is Verdict.SATISFIED


def draw_workflow(seed: int, *, most_jobs: int, bad_workers: float, interrupted: float = 0.0) -> Drawn:
    """Draws jobs that wait for up to three earlier ones in any way. A fifth of them fail for good.

    `bad_workers` and `interrupted` are shares, 0-1, of the attempts that end badly or are handed back.
    """
    draw = random.Random(seed)
    keys = [f"j{place}" for place in range(draw.randint(1, most_jobs))]
    jobs = []
    for place, key in enumerate(keys):
        upstreams = draw.sample(keys[:place], min(place, draw.randint(0, 3)))
        edges = []
        for upstream in upstreams:
            kind = draw.choice(list(DependencyType))
            condition = draw.choice(list(CONDITIONS)) if kind is DependencyType.CONDITIONAL else None
            edges.append(DependencyRequest(key=upstream, type=kind, condition=condition))
        jobs.append(
            JobRequest(
                type=JOB_TYPE,
                key=key,
                depends_on=tuple(edges),
                priority=draw.randint(limits.MIN_PRIORITY, limits.MAX_PRIORITY),
                retry=RetryPolicy(max_retries=BAD_ATTEMPTS),
            )
        )
    broken = frozenset(key for key in keys if draw.random() < 0.2)
    return Drawn(
        WorkflowRequest(jobs=tuple(jobs)),
        broken,
        bad_workers,
        seed,
        split=draw.randint(0, len(jobs)),
        later_ms=draw.choice((0, 150, 2_000, 70_000)),
        interrupted=interrupted,
    )
