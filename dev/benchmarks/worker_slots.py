"""Measures how busy one worker process keeps its slots, over stores in memory whose calls take 10 ms each."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from dev.simulator.memory.services import memory_services
from tidegate.adapters.system import SystemClock
from tidegate.bootstrap import Services
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.domain.workers import WorkerSpec
from tidegate.ports import Assignment, Begun, Delivery, Heartbeat, Message, Outcome, OutcomeKind, unheard
from tidegate.settings import Settings
from tidegate.usecases.submit.submit import submit_workflow
from tidegate_worker.process import Options, WorkerProcess
from tidegate_worker.registration import Registration

POOL = "bench"
CALL_SECONDS = 0.010
JOB_SECONDS = 0.005
JOBS_PER_SLOT = 400
_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.001
_LONGEST_POLL_SECONDS = 1.0
# The number of items of the first argument that one request carries. Every other call is one request.
_TOGETHER = {"apply_all": 25, "delete": 10}

Row = dict[str, Any]


class _Slow:
    """An adapter whose every call takes `CALL_SECONDS`. It counts requests by the method's name."""

    def __init__(self, inner: object, names: frozenset[str], requests: Counter[str]) -> None:
        self._inner = inner
        self._names = names
        self._requests = requests
        self._lock = threading.Lock()
        self.first_called_at: float | None = None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        return self._slowed(name, method) if name in self._names else method

    def _slowed(self, name: str, method: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            label, many = name, 1
            if name in _TOGETHER:
                many = math.ceil(len(arguments[-1]) / _TOGETHER[name])
            if name == "apply_all":
                label = f"apply_all {arguments[0][0].name}"
            with self._lock:
                self._requests[label] += many
                if self.first_called_at is None:
                    self.first_called_at = time.monotonic()
            time.sleep(CALL_SECONDS)
            return method(*arguments, **named)

        return call


class _Sleeper:
    """Job code that takes `seconds`. It notes how long each job really took, and when `jobs` of them have ended."""

    def __init__(self, jobs: int, seconds: float) -> None:
        self._left = jobs
        self._seconds = seconds
        self.ran_seconds = 0.0
        self._lock = threading.Lock()
        self.last_ended_at = 0.0
        self.all_ended = threading.Event()

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        del assignment, heartbeat
        begun()
        began_at = time.monotonic()
        time.sleep(self._seconds)
        with self._lock:
            self._left -= 1
            self.last_ended_at = time.monotonic()
            self.ran_seconds += self.last_ended_at - began_at
            if self._left == 0:
                self.all_ended.set()
        return Outcome(OutcomeKind.SUCCEEDED)

    def warm(self, children: int) -> None:
        """Does nothing."""

    def probe(self) -> str:
        """Says that attempts can begin."""
        return ""

    def types_now(self) -> Sequence[str]:
        """Returns no types, because nothing asks for one."""
        return ()

    def hurry(self) -> None:
        """Does nothing, because nothing beats."""

    def close(self) -> None:
        """Does nothing, because nothing runs on."""


class _LongPoll:
    """A queue whose receives wait for the first message, as a long poll does."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        until = time.monotonic() + wait_seconds
        while True:
            deliveries: tuple[Delivery, ...] = self._inner.receive(pool, limit=limit, wait_seconds=0)
            if deliveries or time.monotonic() >= until:
                return deliveries
            time.sleep(_POLL_SECONDS)


class _Process:
    """A worker process in a thread, over slow stores. `requests` counts its calls."""

    def __init__(self, services: Services, executor: _Sleeper, slots: int) -> None:
        self.requests: Counter[str] = Counter()
        self.store = _Slow(services.jobs, frozenset({"apply", "apply_all"}), self.requests)
        queue = _Slow(_LongPoll(services.queue), frozenset({"receive", "delete", "extend"}), self.requests)
        slow: Any = {"jobs": self.store, "queue": queue}
        options = Options(POOL, slots, poll_seconds=_LONGEST_POLL_SECONDS)
        clock, spec = SystemClock(), WorkerSpec(POOL, "worker-1", "localhost", slots)
        registration = Registration(services, clock, spec, "session-1")
        self._process = WorkerProcess(replace(services, **slow), executor, clock, options, registration)
        self._thread = threading.Thread(target=self._process.run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()
        self._thread.join()

    def requests_per_job(self, jobs: int) -> Row:
        """Returns the requests per job, in all and by kind."""
        return {
            "requests_per_job": round(sum(self.requests.values()) / jobs, 3),
            "requests_per_job_by_kind": {
                name: round(count / jobs, 3) for name, count in sorted(self.requests.items())
            },
        }


def in_memory(slots: int) -> Row:
    """Runs jobs of `JOB_SECONDS`, which all wait in the queue, in one process of `slots` slots.

    `slot_utilisation` is the share of all slots' time, from the first claim to the end of the last job, that was spent
    in job code. `mean_job_seconds` is how long that really took.
    """
    jobs = slots * JOBS_PER_SLOT
    executor = _Sleeper(jobs, JOB_SECONDS)
    services, messages = _dispatched(jobs)
    services.queue.send(POOL, messages)
    with _Process(services, executor, slots) as process:
        if not executor.all_ended.wait(_PATIENCE_SECONDS):
            raise TimeoutError(f"{jobs} jobs did not end within {_PATIENCE_SECONDS:g} s")
    seconds = executor.last_ended_at - (process.store.first_called_at or 0.0)
    return {
        "slots": slots,
        "jobs": jobs,
        "jobs_per_second": round(jobs / seconds, 1),
        "slot_utilisation": round(executor.ran_seconds / (slots * seconds), 3),
        "mean_job_seconds": round(executor.ran_seconds / jobs, 5),
        **process.requests_per_job(jobs),
    }


def one_after_the_other(jobs: int) -> Row:
    """Sends each job when the one before has ended, as in a chain. Job code takes no time."""
    services, messages = _dispatched(jobs)
    with _Process(services, _Sleeper(jobs, 0.0), slots=8) as process:
        began_at = time.monotonic()
        for message in messages:
            services.queue.send(POOL, [message])
            _wait_for_end(services, message.job_id)
        seconds = time.monotonic() - began_at
    return {
        "workload": "one after the other",
        "jobs": jobs,
        "seconds_per_job": round(seconds / jobs, 5),
        **process.requests_per_job(jobs),
    }


def _wait_for_end(services: Services, job_id: str) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        job = services.jobs.get(job_id)
        if job is not None and job.is_terminal:
            return
        time.sleep(_POLL_SECONDS)
    raise TimeoutError(f"job {job_id} did not end within {_PATIENCE_SECONDS:g} s")


def _dispatched(jobs: int) -> tuple[Services, list[Message]]:
    """Makes a deployment in memory with `jobs` dispatched jobs, and returns their messages unsent."""
    pool = Pool(POOL, "", PoolKind.PROCESS, max_timeout_seconds=43_200)
    services, world = memory_services(Settings(pools={POOL: pool}, default_pool=POOL))
    world.now_ms = now_ms = SystemClock().now_ms()
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
    return services, [Message(job_id, 0, type="tidegate.noop") for job_id in ids]
