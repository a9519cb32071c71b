"""Draws the state of a deployment from a seed: jobs, workers, rules and how far each part of the system has come."""

from __future__ import annotations

import random
from dataclasses import replace

from dev.simulator.memory.seeded import (
    JOB_TYPE,
    OTHER_TYPE,
    START_MS,
    function_pool,
    make_settings,
    process_pool,
)
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.why.trial import ACTOR, Trial
from tidegate.domain.amendments import AMENDABLE
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import JobFailure
from tidegate.domain.requests import DependencyRequest, JobRequest, ShareRequest, WorkflowRequest
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, RetryIfAttemptHolds, Stamp
from tidegate.domain.why.decide import WAITING
from tidegate.usecases.submit.submit import submit_job, submit_workflow

_TYPES = (JOB_TYPE, OTHER_TYPE)
_TRUE = "upstream.attempts >= 0"
_DELAY_MS = 5 * 60_000


class Drawing:
    """Lets drawn things happen in a deployment, one second after the other."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        kind = self._random.choice([function_pool("p", self._random.randint(1, 3)), process_pool("p")])
        settings = make_settings(
            kind, function_pool("q", 1), window=self._random.choice([1.0, 1.5, 2.0, 3.0])
        )
        self.trial = Trial(settings, MemoryWorld(now_ms=START_MS))
        self._is_timed = False
        self._tags = 0
        if kind.capacity == 0:
            for _ in range(self._random.choice([0, 1, 1, 2, 2])):
                lacking = (self._random.choice(_TYPES),) if self._random.random() < 0.3 else ()
                self.trial.start_worker("p", self._random.randint(1, 2), lacking)

    def draw(self) -> str | None:
        """Lets things happen; returns the id of a job that waits then, None where none does."""
        for _ in range(self._random.randint(3, 16)):
            self.trial.wait_until(self.trial.now_ms + 1_000)
            self._act()
            if self._random.random() < 0.8:
                self.trial.follow()
            if self._random.random() < 0.4:
                self.trial.claim(self._random.randint(1, 3))
        if self._random.random() < 0.85:
            for _ in range(2):
                self.trial.wait_until(self.trial.now_ms + 1_000)
                self.trial.tick()
                self.trial.claim()
        else:
            self.trial.follow()
            for act in (self._finish_unnoticed, self._submit):
                self.trial.wait_until(self.trial.now_ms + 1_000)
                act()
        self.trial.wait_until(self.trial.now_ms + 1_000)
        jobs = self.trial.world.jobs.values()
        # The jobs of pool q only hold permits: jobs of several pools that wait for one permit have no common order.
        waiting = sorted(job.job_id for job in jobs if job.state in WAITING and job.pool == "p")
        if not waiting:
            return None
        chosen = self._random.choice(waiting)
        if self.trial.world.jobs[chosen].state in AMENDABLE and self._random.random() < 0.1:
            self.trial.hold(chosen)
        return chosen

    def _act(self) -> None:
        acts = [self._submit] * 6 + [self._workflow] * 2 + [self._set_rule] * 2 + [self._finish] * 2
        acts.append(self._lose_worker)
        self._random.choice(acts)()

    # --- submissions ------------------------------------------------------------------------------
    def _request(
        self, *, upstreams: tuple[DependencyRequest, ...] = (), key: str | None = None
    ) -> JobRequest:
        draw = self._random
        share = draw.choice([None, None, "a", "b"])
        has_key = draw.random() < 0.25 and all(
            each.type is not DependencyType.MUST_START for each in upstreams
        )
        due_ms = None
        if not self._is_timed and draw.random() < 0.1:
            self._is_timed, due_ms = True, self.trial.now_ms + draw.randint(1, _DELAY_MS)
        return JobRequest(
            type=draw.choice(_TYPES),
            key=key,
            pool="q" if draw.random() < 0.1 else "p",
            priority=draw.randint(1, 1_000),
            share=ShareRequest(name=share, weight=draw.randint(1, 3)) if share else None,
            concurrency_key="k" if has_key and key is None else None,
            concurrency_limit=draw.randint(1, 2) if has_key and key is None else 1,
            depends_on=upstreams,
            not_before_ms=due_ms,
        )

    def _submit(self) -> None:
        # Upstreams that wait for a time, or hold the key, are left alone: bringing them on would change the rest.
        standing = sorted(
            job.job_id
            for job in self.trial.world.jobs.values()
            if job.state not in TERMINAL
            and job.state is not State.SCHEDULED
            and job.concurrency_key is None
            and job.not_before_ms is None
        )
        upstreams: list[DependencyRequest] = []
        if standing and self._random.random() < 0.4:
            chosen = self._random.sample(standing, min(len(standing), self._random.randint(1, 3)))
            upstreams = [self._dependency(job_id=each) for each in chosen]
        submit_job(
            self.trial.services,
            self._request(upstreams=tuple(upstreams)),
            idempotency_key=None,
            fingerprint="",
            now_ms=self.trial.now_ms,
        )

    def _dependency(self, *, job_id: str | None = None, key: str | None = None) -> DependencyRequest:
        kind = self._random.choice(list(DependencyType))
        condition = _TRUE if kind is DependencyType.CONDITIONAL else None
        return DependencyRequest(job_id=job_id, key=key, type=kind, condition=condition)

    def _workflow(self) -> None:
        jobs = [self._request(key="0")]
        for place in range(1, self._random.randint(2, 4)):
            above = tuple(str(each) for each in range(place))
            chosen = self._random.sample(above, self._random.randint(1, min(2, place)))
            edges = tuple(self._dependency(key=each) for each in chosen)
            jobs.append(self._request(upstreams=edges, key=str(place)))
        # Only the last job of a workflow may wait for a time: the others are upstreams.
        timed = [job.not_before_ms for job in jobs if job.not_before_ms is not None]
        jobs = [replace(job, not_before_ms=None) for job in jobs]
        jobs[-1] = replace(jobs[-1], not_before_ms=timed[0] if timed else None)
        world = self.trial.world
        if self._random.random() < 0.2:
            world.on_request = _refuse_roots
        self._tags += 1
        key = f"workflow-{self._tags}"
        try:
            submit_workflow(
                self.trial.services,
                WorkflowRequest(jobs=tuple(jobs)),
                idempotency_key=key,
                fingerprint=key,
                now_ms=self.trial.now_ms,
            )
        except ServiceUnavailable:
            pass
        finally:
            world.on_request = lambda _request: None

    # --- rules, workers and ends ------------------------------------------------------------------
    def _set_rule(self) -> None:
        rules, now_ms = self.trial.services.rules, self.trial.now_ms
        job_type, is_paused = self._random.choice(_TYPES), self._random.random() < 0.7
        match self._random.randint(0, 3):
            case 0:
                rules.set_pool_paused("p", is_paused, actor=ACTOR, now_ms=now_ms)
            case 1:
                rules.set_type_paused(job_type, is_paused, actor=ACTOR, now_ms=now_ms)
            case _:
                rules.set_type_limit(job_type, self._random.randint(1, 3), actor=ACTOR, now_ms=now_ms)

    def _finish(self) -> None:
        running = sorted(job.job_id for job in self.trial.world.jobs.values() if job.state is State.RUNNING)
        if not running:
            return
        job = self.trial.world.jobs[self._random.choice(running)]
        stamp, jobs = Stamp(self.trial.now_ms, ACTOR), self.trial.services.jobs
        failure = JobFailure("broken", "it broke")
        end = self._random.random()
        if end < 0.2 and not self._is_timed and not job.dependents and not job.dependents_overflow:
            self._is_timed = True
            due_ms = self.trial.now_ms + self._random.randint(1, _DELAY_MS)
            jobs.apply(RetryIfAttemptHolds(job, job.attempt, due_ms, failure, stamp))
        elif end < 0.4:
            jobs.apply(FinishIfAttemptHolds(job, job.attempt, Ending(State.FAILED, failure=failure), stamp))
        else:
            self.trial.end(job.job_id)

    def _finish_unnoticed(self) -> None:
        """Ends a job, which the dispatcher has not followed yet.

        A job fails only where the jobs that wait for it have no dependents. Otherwise the dispatcher goes on to skip
        those as well, and so ends upstreams that an answer says to wait for.
        """
        jobs = self.trial.world.jobs.values()
        running = sorted(job.job_id for job in jobs if job.state is State.RUNNING)
        if not running:
            return
        job = self.trial.world.jobs[self._random.choice(running)]
        waiting = [
            each
            for each in jobs
            if each.state is State.PENDING
            and each.input is not None
            and job.job_id in {edge.upstream_id for edge in each.input.depends_on}
        ]
        if self._random.random() < 0.5 or any(
            each.dependents or each.dependents_overflow for each in waiting
        ):
            self.trial.end(job.job_id)
            return
        ending = Ending(State.FAILED, failure=JobFailure("broken", "it broke"))
        stamp = Stamp(self.trial.now_ms, ACTOR)
        self.trial.services.jobs.apply(FinishIfAttemptHolds(job, job.attempt, ending, stamp))

    def _lose_worker(self) -> None:
        workers = self.trial.world.workers
        # A worker that lacks a type stays: a dispatched job of another type may wait for its slots.
        if workers and not any(worker.lacking for worker in workers.values()):
            del workers[self._random.choice(sorted(workers))]


def _refuse_roots(request: str) -> None:
    if request == "insert_if_absent":
        raise ServiceUnavailable("its process ended")
