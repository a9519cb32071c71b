"""The model's attempts that were handed over: they run on without a worker, until they are told about or taken back."""

from __future__ import annotations

from dataclasses import dataclass

from tests.harness.stateful.model_jobs import Happening, ModelJob
from tests.harness.stateful.model_transitions import ModelTransitions
from tidegate.domain.states import State

JITTER = 0.5
BACKOFF_MS, MOST_BACKOFF_MS = 5_000, 600_000


@dataclass
class ModelOutside(ModelTransitions):
    """The steps of jobs outside. The writes of workers are refused for them, also of the worker that handed over."""

    def hand_over(self, job_id: str, attempt: int, lease_ms: int, timeout_ms: int, now: int) -> bool:
        """Says whether the worker's write is accepted. A job that is to be cancelled ends in place of going outside."""
        job = self.jobs[job_id]
        if not job.runs_in_worker or job.attempt != attempt:
            return False
        job.started = True
        if job.cancel_asked_at is not None:
            self._end(job, State.CANCELLED, now)
            self.happened[Happening.NOT_HANDED_OVER] += 1
            return True
        job.outside, job.outside_lease_ms, job.outside_until = True, lease_ms, now + timeout_ms
        job.lease_until = now + lease_ms
        self.happened[Happening.HANDED_OVER] += 1
        return True

    def _is_outside(self, job_id: str, attempt: int) -> bool:
        """Says whether the token of this attempt is good."""
        job = self.jobs[job_id]
        is_good = job.outside and job.attempt == attempt
        self.happened[Happening.TOO_LATE_OUTSIDE] += not is_good
        return is_good

    def end_outside(self, job_id: str, attempt: int, state: State, now: int) -> bool:
        """Says whether the outside's word changes the job. `state` is SUCCEEDED or FAILED."""
        if not self._is_outside(job_id, attempt):
            return False
        job = self.jobs[job_id]
        if state is State.FAILED and job.retries_left:
            self._retry_later(job, now)
            self.happened[Happening.RETRIED_OUTSIDE] += 1
            return True
        job.tries += state is State.FAILED
        self._end(job, state, now)
        self.happened[Happening.ENDED_OUTSIDE] += 1
        return True

    def beat_outside(self, job_id: str, attempt: int, now: int) -> bool:
        """Says whether the heartbeat is accepted. No lease reaches beyond the time outside."""
        if not self._is_outside(job_id, attempt):
            return False
        job = self.jobs[job_id]
        job.lease_until = min(now + job.outside_lease_ms, job.outside_until)
        self.happened[Happening.BEATEN_OUTSIDE] += 1
        return True

    def decide(self, job_id: str, approved: bool, now: int) -> bool:
        """Says whether a decision ends the approval. A rejection is never tried again."""
        job = self.jobs[job_id]
        if not job.outside:
            return False
        job.tries += not approved
        self._end(job, State.SUCCEEDED if approved else State.FAILED, now)
        self.happened[Happening.APPROVED if approved else Happening.REJECTED] += 1
        return True

    def reap_outside(self, now: int) -> None:
        """Takes back the jobs whose lease outside has run out."""
        for job in self.jobs.values():
            if not job.outside or job.lease_until >= now:
                continue
            timed_out = job.lease_until >= job.outside_until
            self.happened[Happening.TIMED_OUT_OUTSIDE if timed_out else Happening.SILENT_OUTSIDE] += 1
            if job.retries_left:
                self._retry_later(job, now)
            else:
                job.tries += 1
                self._end(job, State.TIMED_OUT if timed_out else State.FAILED, now)

    def _retry_later(self, job: ModelJob, now: int) -> None:
        ceiling = min(MOST_BACKOFF_MS, BACKOFF_MS * 2**job.tries)
        job.state, job.due_at, job.tries = State.SCHEDULED, now + int(ceiling * JITTER), job.tries + 1
        job.outside = False
