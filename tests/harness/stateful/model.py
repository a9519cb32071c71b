"""The promises of tidegate as a small pure model: no store, no index, no condition, no race.

Each method is one step. The state machine takes the same step with the real use cases and compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.harness.stateful.model_jobs import BAD_ENDS, ENDED, Happening, ModelJob
from tests.harness.stateful.model_outside import ModelOutside
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.states import State

WAITING = {State.PENDING, State.SCHEDULED, State.READY}
AT_ONCE = {State.PENDING, State.SCHEDULED, State.READY, State.QUEUED}
LEASE_MS, GRACE_MS, RESEND_MS, PENDING_GRACE_MS = 60_000, 30_000, 375_000, 60_000
LAST_SENT_MS, PATIENT_MS = 8 * 300_000, 12 * RESEND_MS
GIVEN_UP_AT_MOST = 3


@dataclass
class Model(ModelOutside):
    """All steps of jobs, except for the effects of their dependencies."""

    # --- the dispatcher -------------------------------------------------------------------------------
    def wake(self, now: int) -> None:
        for job in self.jobs.values():
            if job.state is State.SCHEDULED and job.due_at <= now and not job.on_hold:
                self._ready(job, now)

    def hold(self, job_id: str, now: int) -> bool:
        """Says whether the job could be put on hold."""
        job = self.jobs[job_id]
        if job.state not in WAITING:
            return False
        if job.state is State.READY:
            job.state, job.due_at = State.SCHEDULED, max(now, job.ready_at)
            self.happened[Happening.PUT_ON_HOLD] += 1
        job.on_hold = True
        return True

    def unhold(self, job_id: str, now: int) -> None:
        """Takes a job off hold. A job that was not on hold stays as it is, and nothing is refused."""
        job = self.jobs[job_id]
        was_on_hold, job.on_hold = job.on_hold, False
        if job.state is State.SCHEDULED and job.due_at <= max(now, job.ready_at):
            self._ready(job, now)
            self.happened[Happening.OFF_HOLD] += was_on_hold

    def dispatch(self, now: int) -> None:
        active = sum(job.state is State.QUEUED or job.runs_in_worker for job in self.jobs.values())
        ready = [job for job in self.jobs.values() if job.state is State.READY]
        ready.sort(key=lambda job: rank(RankPolicy(), job.priority, job.ready_at, job.tries), reverse=True)
        for job in ready[: max(0, self.slots - active)]:
            job.state, job.queued_at, job.sent_at = State.QUEUED, now, now
            job.dispatches += 1
            self.messages.append((job.job_id, job.attempt, job.reopened))

    # --- workers ----------------------------------------------------------------------------------------
    def claim(self, job_id: str, claims: int, now: int) -> bool:
        """Says whether a worker that got this message owns the job."""
        job = self.jobs[job_id]
        queued = job.state is State.QUEUED and job.attempt == claims
        orphaned = (
            job.runs_in_worker
            and job.attempt == claims + 1
            and job.lease_until < now
            and job.may_lose_its_worker
            and job.cancel_asked_at is None
        )
        refused = not (queued or orphaned)
        self.happened[Happening.CLAIMED] += queued
        self.happened[Happening.CLAIMED_AGAIN] += orphaned
        self.happened[Happening.STALE_MESSAGE] += refused and job.state is State.QUEUED
        self.happened[Happening.DOUBLED_MESSAGE] += refused and job.state is State.RUNNING
        self.happened[Happening.LATE_MESSAGE] += refused and job.state in ENDED
        if queued or orphaned:
            job.state, job.attempt, job.lease_until = State.RUNNING, job.attempt + 1, now + LEASE_MS
            job.first_lease_until = job.lease_until
            job.dispatches = job.given_up = 0
            job.losses += orphaned
        return queued or orphaned

    def holds(self, job_id: str, attempt: int) -> bool:
        job = self.jobs[job_id]
        return job.runs_in_worker and job.attempt == attempt

    def begin(self, job_id: str, attempt: int, told: bool) -> None:
        """Begins the code of an attempt. Its worker reports that at once if it knew of a job that waits for it."""
        if told and self.holds(job_id, attempt):
            self._start(self.jobs[job_id], Happening.STARTED)

    def _start(self, job: ModelJob, how: Happening) -> None:
        self.happened[how] += not job.started
        job.started = True

    def beat(self, job_id: str, attempt: int, now: int, began: bool) -> str:
        job = self.jobs[job_id]
        if not self.holds(job_id, attempt):
            self.happened[Happening.BEAT_FENCED] += job.runs_in_worker
            return "LOST"
        job.lease_until = now + LEASE_MS
        if began:
            self._start(job, Happening.STARTED_BY_BEAT)
        self.happened[Happening.BEATEN] += 1
        self.happened[Happening.BEAT_CANCEL] += job.cancel_asked_at is not None
        return "GO_ON" if job.cancel_asked_at is None else "CANCEL"

    def finish(self, job_id: str, attempt: int, outcome: State, now: int, began: bool) -> bool:
        """Says whether the outcome is accepted. `outcome` is how the attempt ended. READY hands the job back."""
        job = self.jobs[job_id]
        if not self.holds(job_id, attempt):
            self.happened[Happening.OUTCOME_FENCED] += job.runs_in_worker
            self.happened[Happening.OUTCOME_LATE] += job.state is not State.RUNNING
            return False
        self.happened[Happening.OUTCOME] += 1
        if began:
            self._start(job, Happening.STARTED_AT_END)
        failed = outcome in (State.FAILED, State.TIMED_OUT)
        goes_on = outcome is State.READY or (failed and job.retries_left)
        if goes_on and job.cancel_asked_at is not None:
            self._end(job, State.CANCELLED, now)
            self.happened[Happening.CANCELLED_INSTEAD] += 1
        elif outcome is State.READY:
            self._ready(job, now)
            self.happened[Happening.HANDED_BACK if began else Happening.UNBEGUN] += 1
        elif goes_on:
            self._retry_later(job, now)
            self.happened[Happening.RETRY] += 1
        else:
            job.tries += failed
            self._end(job, outcome, now)
        return True

    # --- the reaper -----------------------------------------------------------------------------------
    def reap(self, dead: Sequence[tuple[str, int, int]], now: int) -> None:
        for job_id, claims, reopened in dead:
            job = self.jobs[job_id]
            if job.state is State.QUEUED and (job.attempt, job.reopened) == (claims, reopened):
                self._give_up(job, now)
        self.reap_outside(now)
        active = [job for job in self.jobs.values() if job.state is State.QUEUED or job.runs_in_worker]
        some_missing = len(self.messages) < len(active)
        for job in active:
            if job.state is State.RUNNING:
                self._reap_running(job, now)
            else:
                self._reap_queued(job, some_missing, now)
        old = [
            job_id
            for job_id, job in self.jobs.items()
            if job.state is State.PENDING and job.created_at <= now - PENDING_GRACE_MS
        ]
        self.settle(old, now)

    def _give_up(self, job: ModelJob, now: int) -> None:
        job.given_up += 1
        if job.given_up < GIVEN_UP_AT_MOST:
            self._ready(job, now)
            self.happened[Happening.GIVEN_UP] += 1
            return
        self._end(job, State.FAILED, now)
        job.undeliverable = True
        self.happened[Happening.UNDELIVERABLE] += 1

    def _reap_queued(self, job: ModelJob, some_missing: bool, now: int) -> None:
        tried_for = job.sent_at - job.queued_at
        if now - job.sent_at < max(RESEND_MS, min(tried_for, LAST_SENT_MS)):
            return
        if some_missing and tried_for < LAST_SENT_MS:
            job.sent_at = now
            self.messages.append((job.job_id, job.attempt, job.reopened))
            self.happened[Happening.RESENT] += 1
        elif some_missing or now - job.queued_at >= PATIENT_MS * 2 ** (job.dispatches - 1):
            self._ready(job, now)
            self.happened[Happening.TAKEN_BACK] += 1

    def _reap_running(self, job: ModelJob, now: int) -> None:
        asked_at = job.cancel_asked_at
        if asked_at is not None and (asked_at + GRACE_MS <= now or job.lease_until < now):
            job.losses += asked_at + GRACE_MS > now
            self._end(job, State.CANCELLED, now)
            self.happened[Happening.FORCED] += 1
        elif job.lease_until < now and job.may_lose_its_worker:
            job.losses += 1
            self._ready(job, now)
            self.happened[Happening.RECLAIMED] += 1
        elif job.lease_until < now:
            job.losses += 1
            self._end(job, State.FAILED, now)
            self.happened[Happening.LOST_AT_LAST] += 1
        elif job.first_lease_until < now:
            self.happened[Happening.KEPT_BY_BEAT] += 1

    # --- people ---------------------------------------------------------------------------------------
    def cancel(self, job_ids: Iterable[str], now: int) -> None:
        for job_id in job_ids:
            job = self.jobs[job_id]
            if job.state in AT_ONCE or job.outside:
                self.happened[Happening.CANCELLED_OUTSIDE] += job.outside
                self._end(job, State.CANCELLED, now)
            elif job.state is State.RUNNING and job.cancel_asked_at is None:
                job.cancel_asked_at = now

    def downstream(self, job_id: str) -> set[str]:
        found = {job_id}
        while (
            more := {
                job.job_id for job in self.jobs.values() if any(edge.upstream in found for edge in job.edges)
            }
            - found
        ):
            found |= more
        return found

    def can_retry(self, job_id: str) -> bool:
        job = self.jobs[job_id]
        is_open = job.state not in ENDED and job.cancel_asked_at is None
        return job.state in BAD_ENDS or (is_open and job.reopened > 0)

    def retry(self, job_id: str, reopen_skipped: bool, now: int) -> None:
        job = self.jobs[job_id]
        opened = []
        if job.state in BAD_ENDS:
            self._reopen(job)
            job.leaves_skipped = not reopen_skipped
        if job.state is State.PENDING:
            opened.append(job_id)
        if reopen_skipped:
            opened += self._reopen_after({job_id})
        self.settle(dict.fromkeys(opened), now)

    def mark(self, job_id: str, state: State, now: int) -> bool:
        """Says whether the job could be ended by hand."""
        job = self.jobs[job_id]
        if job.state is not state:
            if job.state not in WAITING | BAD_ENDS:
                return False
            was_ended = job.state in ENDED
            self.happened[Happening.CORRECTED if was_ended else Happening.ENDED_BY_HAND] += 1
            self._end(job, state, now)
            job.skipped_for, job.undeliverable, job.not_taken = None, False, False
        if state is State.SUCCEEDED:
            self.settle(self._reopen_after({job_id}), now)
        return True

    def can_rerun(self, job_id: str) -> bool:
        following = self.downstream(job_id) - {job_id}
        active = any(self.jobs[each].state in (State.QUEUED, State.RUNNING) for each in following)
        return self.jobs[job_id].state in ENDED and not active

    def rerun_from(self, job_id: str, now: int) -> None:
        """Begins a new life of a job, whatever its end, and of every job downstream of it."""
        following = self.downstream(job_id)
        for each in following:
            job = self.jobs[each]
            self.happened[Happening.RERUN] += job.state is State.SUCCEEDED
            self.happened[Happening.WAITS_ANEW] += job.state in (State.PENDING, State.READY)
            self._reopen(job)
        self.settle(sorted(following), now)

    def redrive(self, job_ids: Sequence[str], now: int) -> None:
        for job_id in job_ids:
            self._reopen(self.jobs[job_id])
        self.settle([*job_ids, *self._reopen_after(set(job_ids))], now)

    def rerun(self, job_ids: Sequence[str], now: int) -> None:
        failed = [job_id for job_id in job_ids if self.jobs[job_id].state in BAD_ENDS - {State.SKIPPED}]
        causes = {
            job.skipped_for
            for job in (self.jobs[job_id] for job_id in job_ids)
            if job.state is State.SKIPPED and job.skipped_for
        }
        for job_id in failed:
            self._reopen(self.jobs[job_id])
        layer = {
            *failed,
            *(c for c in causes if self.jobs[c].reopened and self.jobs[c].state not in BAD_ENDS),
        }
        opened = list(failed)
        while layer:
            freed = [job_id for job_id in job_ids if self._is_freed(self.jobs[job_id], layer)]
            for job_id in freed:
                self._reopen(self.jobs[job_id])
            opened += freed
            layer = set(freed)
        self.settle(opened, now)

    def _is_freed(self, job: ModelJob, layer: set[str]) -> bool:
        if job.state is not State.SKIPPED or job.skipped_for not in layer:
            return False
        cause = self.jobs[job.skipped_for]
        return cause.state not in ENDED or job.finished_at < cause.finished_at

    def _reopen_after(self, sources: set[str]) -> list[str]:
        opened, known, layer = [], set(sources), set(sources)
        while layer:
            reached = [
                job
                for job in self.jobs.values()
                if job.job_id not in known and any(edge.upstream in layer for edge in job.edges)
            ]
            skipped = [job for job in reached if job.state is State.SKIPPED and job.skipped_for in layer]
            going_on = [job for job in reached if job.reopened and job.state not in ENDED]
            for job in skipped:
                self._reopen(job)
            opened += [job.job_id for job in skipped]
            layer = {job.job_id for job in [*skipped, *going_on]}
            known |= layer
        return opened


def shown(jobs: Mapping[str, ModelJob]) -> dict[str, tuple[object, ...]]:
    """Returns the fields of every job that are compared."""
    return {
        job_id: (
            job.state,
            job.attempt,
            job.tries,
            job.losses,
            job.started,
            job.reopened,
            job.cancel_asked_at,
            job.on_hold,
            job.lease_until if job.outside else None,
        )
        for job_id, job in jobs.items()
    }
