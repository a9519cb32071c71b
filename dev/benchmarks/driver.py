"""Runs the real use cases over real adapters, one event after another, and counts the cost of each step."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tidegate.bootstrap import Meter, Services, Usage
from tidegate.domain.job import Job
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.states import TERMINAL, State
from tidegate.ports import Message, Outcome, OutcomeKind
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.release.release import release
from tidegate.usecases.submit.submit import submit_job, submit_workflow
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude

START_MS = 1_800_000_000_000
STEPS = ("submit", "release", "dispatch", "receive", "claim", "finish", "acknowledge")


@dataclass(slots=True)
class Driver:
    """One pool with `slots` slots on a virtual clock.

    The driver handles `batch` events together, as a stream brings them under load. With 1 it handles each on its own.
    `usage` adds up the requests by step. `invocations` counts the function calls: the API for each submission, the
    dispatcher for each batch of events, the worker function for each job.
    """

    services: Services
    meter: Meter
    pool: str
    slots: int
    batch: int = 1
    now_ms: int = START_MS
    usage: dict[str, Usage] = field(default_factory=lambda: dict.fromkeys(STEPS, Usage()))
    invocations: Counter[str] = field(default_factory=Counter)
    ended: dict[str, Job] = field(default_factory=dict)
    _events: list[Job] = field(default_factory=list)
    _receipts: list[str] = field(default_factory=list)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        before = self.meter.snapshot()
        yield
        self.usage[name] = self.usage[name] + (self.meter.snapshot() - before)

    def submit_jobs(self, requests: Sequence[JobRequest]) -> None:
        """Submits jobs one by one, as clients do."""
        with self._step("submit"):
            for request in requests:
                self.invocations["submit"] += 1
                submit_job(self.services, request, idempotency_key=None, fingerprint="", now_ms=self.now_ms)

    def submit_workflow(self, request: WorkflowRequest) -> str:
        """Submits a workflow and returns its id."""
        with self._step("submit"):
            self.invocations["submit"] += 1
            accepted = submit_workflow(
                self.services, request, idempotency_key=None, fingerprint="", now_ms=self.now_ms
            )
        return accepted.workflow_id

    def run_to_end(self, jobs: int, durations_ms: dict[str, int]) -> None:
        """Runs until `jobs` jobs have ended. `durations_ms` is by job key. Other jobs take 1 ms."""
        running: list[tuple[int, str, Claimed, str]] = []
        self._serve()
        while len(self.ended) < jobs:
            self._fill(running, durations_ms)
            if not running:
                self._flush()
                self._fill(running, durations_ms)
            if not running:
                raise RuntimeError(f"stuck: {len(self.ended)} of {jobs} jobs ended and nothing runs")
            self.now_ms, _, claimed, receipt = heapq.heappop(running)
            self._conclude(claimed, receipt)
        self._flush()

    def _fill(self, running: list[tuple[int, str, Claimed, str]], durations_ms: dict[str, int]) -> None:
        while len(running) < self.slots:
            with self._step("receive"):
                limit = min(10, self.slots - len(running))
                deliveries = self.services.queue.receive(self.pool, limit=limit, wait_seconds=0)
            if not deliveries:
                return
            for delivery in deliveries:
                claimed = self._claim(delivery.message)
                if claimed is not None:
                    ends_ms = self.now_ms + max(1, durations_ms.get(claimed.job.key or "", 1))
                    heapq.heappush(running, (ends_ms, claimed.job.job_id, claimed, delivery.receipt))

    def _claim(self, message: Message) -> Claimed | None:
        self.invocations["claim"] += 1
        with self._step("claim"):
            claimed = claim(self.services, message, "worker-1", self.now_ms)
        if claimed is not None and claimed.job.watch_start:
            self._react(claimed.job)
        return claimed

    def _conclude(self, claimed: Claimed, receipt: str) -> None:
        with self._step("finish"):
            job = conclude(
                self.services, claimed, Outcome(OutcomeKind.SUCCEEDED, result={"ok": True}), self.now_ms
            )
        self._receipts.append(receipt)
        if job is None:
            raise RuntimeError(f"job {claimed.job.job_id} lost its attempt; nothing else runs here")
        if job.state in TERMINAL:
            self.ended[job.job_id] = job
        self._react(job)

    def _react(self, job: Job) -> None:
        self._events.append(job)
        if len(self._events) >= self.batch:
            self._flush()

    def _flush(self) -> None:
        events, self._events = self._events, []
        receipts, self._receipts = self._receipts, []
        with self._step("acknowledge"):
            self.services.queue.delete(self.pool, receipts)
        with self._step("release"):
            moved = release(self.services, events, self.now_ms)
        for other in moved:
            if other.state is State.SKIPPED:
                self.ended[other.job_id] = other
                self._react(other)
        self._serve()

    def _serve(self) -> None:
        self.invocations["dispatch"] += 1
        with self._step("dispatch"):
            serve_pools(self.services, {self.pool}, self.now_ms)
