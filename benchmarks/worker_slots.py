"""How busy a worker process keeps its slots: one process over stores in memory whose calls take 10 ms each."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import Any

from tidegate.bootstrap import Services, memory_services
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import Assignment, Heartbeat, Message, Outcome, OutcomeKind
from tidegate.settings import Settings
from tidegate.usecases.submit import submit_workflow
from tidegate_worker.process import Options, WorkerProcess

POOL = "bench"
CALL_SECONDS = 0.010
JOB_SECONDS = 0.005
JOBS_PER_SLOT = 400
_PATIENCE_SECONDS = 120.0
# How many items of the first argument one request carries; other calls are one request each.
_TOGETHER = {"apply_all": 25, "delete": 10}

Row = dict[str, Any]


class _Clock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class _Slow:
    """An adapter whose every call takes `CALL_SECONDS`; counts requests by the method's name."""

    def __init__(self, inner: object, names: frozenset[str], requests: Counter[str]) -> None:
        self._inner = inner
        self._names = names
        self._requests = requests
        self._lock = threading.Lock()
        self.first_claim_at: float | None = None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        return self._slowed(name, method) if name in self._names else method

    def _slowed(self, name: str, method: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            label = name
            many = 1
            if name in _TOGETHER:
                items = arguments[-1]
                many = math.ceil(len(items) / _TOGETHER[name])
                label = f"{name} {items[0].name}" if name == "apply_all" else name
            with self._lock:
                self._requests[label] += many
                if label == "apply_all claim" and self.first_claim_at is None:
                    self.first_claim_at = time.monotonic()
            time.sleep(CALL_SECONDS)
            return method(*arguments, **named)

        return call


class _Sleeper:
    """Job code that takes `JOB_SECONDS`; notes when `jobs` of them have ended."""

    def __init__(self, jobs: int) -> None:
        self._left = jobs
        self._lock = threading.Lock()
        self.last_ended_at = 0.0
        self.all_ended = threading.Event()

    def execute(self, assignment: Assignment, heartbeat: Heartbeat) -> Outcome:
        del assignment, heartbeat
        time.sleep(JOB_SECONDS)
        with self._lock:
            self._left -= 1
            self.last_ended_at = time.monotonic()
            if self._left == 0:
                self.all_ended.set()
        return Outcome(OutcomeKind.SUCCEEDED)

    def warm(self, children: int) -> None:
        """Nothing to do."""

    def hurry(self) -> None:
        """Nothing beats."""

    def close(self) -> None:
        """Nothing runs on."""


def in_memory(slots: int) -> Row:
    """One process of `slots` slots works off jobs that all wait in its queue."""
    jobs = slots * JOBS_PER_SLOT
    services = _queued(jobs)
    requests: Counter[str] = Counter()
    store = _Slow(services.jobs, frozenset({"apply", "apply_all"}), requests)
    queue = _Slow(services.queue, frozenset({"receive", "delete", "extend"}), requests)
    slow: Any = {"jobs": store, "queue": queue}
    executor = _Sleeper(jobs)
    process = WorkerProcess(
        replace(services, **slow), executor, _Clock(), Options(POOL, slots, poll_seconds=0), "worker-1"
    )
    thread = threading.Thread(target=process.run)
    thread.start()
    if not executor.all_ended.wait(_PATIENCE_SECONDS):
        raise TimeoutError(f"{jobs} jobs did not end within {_PATIENCE_SECONDS:g} s")
    process.stop()
    thread.join()
    seconds = executor.last_ended_at - (store.first_claim_at or 0.0)
    return {
        "slots": slots,
        "jobs": jobs,
        "jobs_per_second": round(jobs / seconds, 1),
        "slot_utilisation": round(jobs * JOB_SECONDS / (slots * seconds), 3),
        "requests_per_job": round(sum(requests.values()) / jobs, 3),
        "requests_per_job_by_kind": {
            name: round(count / jobs, 3) for name, count in sorted(requests.items())
        },
    }


def _queued(jobs: int) -> Services:
    """A deployment in memory with `jobs` dispatched jobs, their messages in the queue."""
    pool = Pool(POOL, "", PoolKind.PROCESS, max_timeout_seconds=43_200)
    services, world = memory_services(Settings(pools={POOL: pool}, default_pool=POOL))
    world.now_ms = now_ms = _Clock().now_ms()
    requests = tuple(JobRequest(key=str(number), type="tidegate.noop") for number in range(jobs))
    accepted = submit_workflow(
        services,
        WorkflowRequest(name=None, jobs=requests),
        idempotency_key=None,
        fingerprint="",
        now_ms=now_ms,
    )
    ids = list(accepted.job_ids.values())
    services.jobs.apply_all([DispatchIfReady(job_id, POOL, Stamp(now_ms, "bench")) for job_id in ids])
    services.queue.send(POOL, [Message(job_id, 0) for job_id in ids])
    return services
