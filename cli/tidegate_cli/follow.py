"""Follows a workflow, or a single job, to its end by polling at a bounded rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

from tidegate.domain.dependency import CONDITION_ERROR, NOT_TAKEN
from tidegate.domain.retry import UPSTREAM_GONE
from tidegate.domain.states import State
from tidegate_cli.client import MAX_PAGES, Client, Page
from tidegate_cli.errors import CliError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.views import JobView

MIN_INTERVAL_SECONDS = 0.5
MAX_INTERVAL_SECONDS = 5.0
_GROWTH = 1.5
DEFAULT_TIMEOUT_SECONDS = 86_400.0
# A poll that took long (a large workflow, a busy machine) is followed by a pause in proportion.
_PAUSE_PER_FETCH = 3.0
_MAX_PAUSE_SECONDS = 15.0


class WaitTimedOut(CliError):
    """The time to wait is over; the jobs go on without being watched."""

    code = "wait-timed-out"
    exit_code = ExitCode.WAIT_TIMED_OUT


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a poll found. `slots_seen` is the most jobs seen RUNNING at once, `began_ms` when it began.

    `waits` says what holds jobs back, at the first poll and where nothing has changed since the poll before.
    """

    title: str
    jobs: tuple[JobView, ...]
    now_ms: int
    began_ms: int
    slots_seen: int
    waits: tuple[str, ...] = ()


class Viewer(Protocol):
    """Shows snapshots as they come."""

    def show(self, snapshot: Snapshot) -> None:
        """Shows one snapshot in place of, or after, the one before."""


Fetch = Callable[[], tuple[JobView, ...]]
Explain = Callable[[Sequence[JobView]], tuple[str, ...]]


def explain_nothing(_jobs: Sequence[JobView]) -> tuple[str, ...]:
    """Gives no reasons."""
    return ()


def _steady_clock() -> Callable[[], int]:
    began_s, started_s = time.time(), time.monotonic()
    return lambda: int((began_s + time.monotonic() - started_s) * 1_000)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How time passes while following. `monotonic` and `sleep` are in seconds.

    `now_ms` is the wall clock as it was at the start, and what has passed since: setting the clock changes no duration.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now_ms: Callable[[], int] = field(default_factory=_steady_clock)


def fetch_job(client: Client, job_id: str) -> Fetch:
    """Polls a single job."""
    return lambda: (client.get_job(job_id),)


def fetch_workflow(client: Client, workflow_id: str) -> Fetch:
    """Polls a workflow; pages on which every job has ended are not asked for again."""
    pages: list[Page] = []

    def fetch() -> tuple[JobView, ...]:
        cursor: str | None = None
        for at in range(MAX_PAGES):
            if at >= len(pages):
                pages.append(client.workflow_page(workflow_id, cursor))
            elif not all(job.is_terminal for job in pages[at].jobs):
                pages[at] = client.workflow_page(workflow_id, cursor)
            cursor = pages[at].cursor
            if cursor is None:
                return tuple(job for page in pages for job in page.jobs)
        raise CliError(f"workflow {workflow_id} did not end within {MAX_PAGES:,} pages")

    return fetch


def follow(
    fetch: Fetch,
    title: str,
    viewer: Viewer,
    *,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    checks: Sequence[Callable[[], None]] = (),
    explain: Explain = explain_nothing,
    waiting: Waiting | None = None,
) -> tuple[JobView, ...]:
    """Polls until every job has ended and returns them; raises WaitTimedOut after `timeout_seconds`.

    `checks` are called at each poll and may raise, to give up when something that the run needs is gone. `explain`
    says what holds jobs back; it is asked at the first poll, where nothing has changed since the poll before, and when
    the time is over.
    """
    passing = waiting or Waiting()
    began_ms = passing.now_ms()
    began_s = passing.monotonic()
    interval = MIN_INTERVAL_SECONDS
    seen: dict[str, tuple[State, int]] | None = None
    slots_seen = 0
    while True:  # ends with the jobs or with `timeout_seconds`
        asked_s = passing.monotonic()
        jobs = fetch()
        took_s = passing.monotonic() - asked_s
        slots_seen = max(slots_seen, sum(job.state is State.RUNNING for job in jobs))
        now = {job.job_id: (job.state, job.attempt) for job in jobs}
        waits = explain(jobs) if seen is None or now == seen else ()
        viewer.show(Snapshot(title, jobs, passing.now_ms(), began_ms, slots_seen, waits))
        if jobs and all(job.is_terminal for job in jobs):
            return jobs
        interval = MIN_INTERVAL_SECONDS if now != seen else min(MAX_INTERVAL_SECONDS, interval * _GROWTH)
        seen = now
        for check in checks:
            check()
        left_s = timeout_seconds - (passing.monotonic() - began_s)
        if left_s <= 0:
            open_jobs = sum(not job.is_terminal for job in jobs)
            said = f"waited {timeout_seconds:g} s: {open_jobs} of {len(jobs)} jobs have not ended; they go on"
            raise WaitTimedOut("\n  ".join((said, *(waits or explain(jobs)))))
        pause_s = max(interval, min(_MAX_PAUSE_SECONDS, took_s * _PAUSE_PER_FETCH))
        passing.sleep(min(pause_s, left_s))


def exit_code_of(jobs: Sequence[JobView]) -> ExitCode:
    """What an exit code says of ended jobs.

    A SKIPPED job follows from another's end; where that one is among `jobs` it speaks for itself. A branch that was not
    taken is no failure, wherever its upstream is. A condition that could not be evaluated is one, and an upstream
    that no longer exists.
    """
    ids = {job.job_id for job in jobs}
    code = ExitCode.SUCCESS
    for job in jobs:
        if job.state in (State.FAILED, State.TIMED_OUT) or _failed_by_skip(job, ids):
            return ExitCode.JOB_FAILED
        if job.state is State.CANCELLED:
            code = ExitCode.CANCELLED
    return code


def _failed_by_skip(job: JobView, ids: Set[str]) -> bool:
    if job.state is not State.SKIPPED or job.error_code == NOT_TAKEN:
        return False
    return job.error_code in (CONDITION_ERROR, UPSTREAM_GONE) or job.error_upstream_id not in ids
