"""The transitions of the model's jobs by their dependencies, and the effects of a transition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.harness.stateful.model_jobs import Happening, ModelJob
from tidegate.domain.dependency import DependencyType as Kind
from tidegate.domain.job import submission_of
from tidegate.domain.states import State


@dataclass
class ModelTransitions:
    """All jobs by id. `messages` are those on their way, as (job id, claims and reopenings before)."""

    slots: int
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    messages: list[tuple[str, int, int]] = field(default_factory=list)
    happened: Counter[Happening] = field(default_factory=Counter)

    # --- submitting and releasing -----------------------------------------------------------------
    def submit(self, job: ModelJob, now: int) -> None:
        self.jobs[job.job_id] = job
        job.waiting = set(range(len(job.edges)))
        if not job.waiting:
            self._ready(job, now)

    def connect(self, edges: Sequence[tuple[str, int]], now: int) -> None:
        """Judges edges to earlier submissions, upstream after upstream, as (downstream, position among its edges)."""
        verdicts = [(self.jobs[job_id], place, self._verdict(job_id, place)) for job_id, place in edges]
        self._decide(verdicts, now, [job for job, _, verdict in verdicts if verdict is not None])

    def _verdict(self, job_id: str, place: int) -> bool | None:
        edge = self.jobs[job_id].edges[place]
        return edge.verdict(self.jobs[edge.upstream])

    def settle(self, job_ids: Iterable[str], now: int) -> list[str]:
        """Judges jobs by all of their upstreams as they are. Returns the jobs that left PENDING."""
        views = [(self.jobs[job_id], sorted(self.jobs[job_id].waiting)) for job_id in job_ids]
        verdicts = [
            (job, place, self._verdict(job.job_id, place)) for job, places in views for place in places
        ]
        return self._decide(verdicts, now, [job for job, _ in views])

    def _decide(
        self, verdicts: Sequence[tuple[ModelJob, int, bool | None]], now: int, looked_at: Iterable[ModelJob]
    ) -> list[str]:
        ruled_out: dict[str, list[tuple[bool, int]]] = {}
        for job, place, verdict in verdicts:
            if job.state is State.PENDING and verdict is False:
                edge = job.edges[place]
                not_taken = edge.kind is Kind.CONDITIONAL or self.jobs[edge.upstream].not_taken
                ruled_out.setdefault(job.job_id, []).append((not_taken, place))
        for job_id, reasons in ruled_out.items():
            job = self.jobs[job_id]
            self._end(job, State.SKIPPED, now)
            # A failure comes before a branch that was not taken, and that before the earlier dependency.
            job.not_taken, place = min(reasons)
            job.skipped_for = job.edges[place].upstream
        for job, place, verdict in verdicts:
            if job.state is State.PENDING and verdict:
                job.waiting.discard(place)
        moved = []
        for job in looked_at:
            if job.state is State.PENDING and not job.waiting:
                self._ready(job, now)
            if job.state is not State.PENDING:
                moved.append(job.job_id)
        return moved

    def hear(
        self, job_id: str, seen: State, started: bool, dependents: Sequence[tuple[str, int]], now: int
    ) -> list[str]:
        """Handles a change of a job, perhaps late: it was in state `seen`, with these edges.

        Returns the jobs that left PENDING.
        """
        job = self.jobs[job_id]
        as_seen = ModelJob(job_id, 0, 0, 0, state=seen, started=started)
        # No other state is final. SUCCEEDED is final for a job of the same submission that was never reopened: a rerun
        # reopens both, but a later submission may have come after it.
        latest = {down: self._seen_by(down, as_seen, job) for down, _ in dependents}
        verdicts = [
            (self.jobs[down], place, self.jobs[down].edges[place].verdict(latest[down]))
            for down, place in dependents
            if self.jobs[down].state is State.PENDING
            and place in self.jobs[down].waiting
            and self.jobs[down].edges[place].verdict(as_seen) is not None
        ]
        return self._decide(
            verdicts, now, {id(down): down for down, _, v in verdicts if v is not None}.values()
        )

    def _seen_by(self, down: str, as_seen: ModelJob, upstream: ModelJob) -> ModelJob:
        is_final = as_seen.state is State.SUCCEEDED and not self.jobs[down].reopened
        return as_seen if is_final and submission_of(down) == submission_of(upstream.job_id) else upstream

    def free(self, job_id: str, now: int) -> None:
        """Handles a change of a reopened job: jobs skipped because of it are opened if it satisfies them by now."""
        cause = self.jobs[job_id]
        freed = [
            job
            for job in self.jobs.values()
            if job.state is State.SKIPPED
            and job.skipped_for == job_id
            and not cause.leaves_skipped
            and all(edge.verdict(cause) for edge in job.edges if edge.upstream == job_id)
        ]
        for job in freed:
            self._reopen(job)
        self.settle([job.job_id for job in freed], now)

    # --- transitions ------------------------------------------------------------------------------------
    def _ready(self, job: ModelJob, now: int) -> None:
        job.outside = False
        if job.on_hold:
            job.state, job.due_at = State.SCHEDULED, now
            self.happened[Happening.RELEASED_ON_HOLD] += 1
            return
        job.state, job.ready_at = State.READY, max(now, job.ready_at + 1)

    def _end(self, job: ModelJob, state: State, now: int) -> None:
        # No step has an earlier time than the one before it, and a job is READY, and ends, a millisecond later each
        # time.
        later = job.finished_at + 1 if job.finished_at else 0
        job.state, job.finished_at, job.waiting = state, max(now, job.ready_at, later), set()
        job.on_hold = job.outside = False
        self.happened[Happening.SKIPPED] += state is State.SKIPPED

    def _reopen(self, job: ModelJob) -> None:
        self.happened[Happening.REOPENED_SKIPPED] += job.state is State.SKIPPED
        self.happened[Happening.REOPENED] += job.state is not State.SKIPPED
        self.happened[Happening.REDRIVEN] += job.undeliverable
        job.state, job.reopened = State.PENDING, job.reopened + 1
        job.tries, job.losses, job.started = 0, 0, False
        job.waiting = set(range(len(job.edges)))
        job.cancel_asked_at, job.skipped_for, job.undeliverable = None, None, False
        job.leaves_skipped = job.not_taken = False
        job.dispatches = job.given_up = 0
