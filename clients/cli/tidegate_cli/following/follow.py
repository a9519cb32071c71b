"""Follows a workflow, or a single job, to its end by polling at a bounded rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

from tidegate.domain.dependency import CONDITION_ERROR, NOT_TAKEN
from tidegate.domain.retry import MARKED, UPSTREAM_GONE
from tidegate.domain.states import State
from tidegate_cli.client import Client, Page
from tidegate_cli.connection import MAX_PAGES
from tidegate_cli.errors import CliError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.views import JobView

MIN_INTERVAL_SECONDS = 0.5
MAX_INTERVAL_SECONDS = 5.0
_GROWTH = 1.5
DEFAULT_TIMEOUT_SECONDS = 86_400.0
# After a slow poll (a large workflow, a busy machine) the pause is longer too, so that polls leave a break.
_PAUSE_PER_FETCH = 3.0
_MAX_PAUSE_SECONDS = 15.0


class WaitTimedOut(CliError):
    """The time to wait is over. The jobs go on; the command no longer follows them."""

    code = "wait-timed-out"
    exit_code = ExitCode.WAIT_TIMED_OUT


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The jobs as one poll found them.

    `now_ms` and `began_ms` are the times of this poll and of the start, in milliseconds since the epoch. `slots_seen`
    is the most jobs seen RUNNING at once so far. `waits` are the reasons why jobs wait, a line each. They are read at
    the first poll and at each poll that found no change; else `waits` is empty.
    """

    title: str
    jobs: tuple[JobView, ...]
    now_ms: int
    began_ms: int
    slots_seen: int
    waits: tuple[str, ...] = ()


class Viewer(Protocol):
    """Shows each snapshot to the user."""

    def show(self, snapshot: Snapshot) -> None:
        """Shows one snapshot, after the one before or in its place."""


Fetch = Callable[[], tuple[JobView, ...]]
Explain = Callable[[Sequence[JobView]], tuple[str, ...]]


Rest = Callable[[float], bool]
"""Lets at most some seconds pass until the end, and returns whether they were used."""


def no_rest(_left_seconds: float) -> bool:
    """Uses no time."""
    return False


def explain_nothing(_jobs: Sequence[JobView]) -> tuple[str, ...]:
    """Returns no reasons why jobs wait."""
    return ()


def _steady_clock() -> Callable[[], int]:
    began_s, started_s = time.time(), time.monotonic()
    return lambda: int((began_s + time.monotonic() - started_s) * 1_000)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The clocks of `follow`, which tests replace. `monotonic` and `sleep` are in seconds.

    `now_ms` is the wall clock's time at the start plus the monotonic time since then, in milliseconds. So a change of
    the wall clock changes no duration.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now_ms: Callable[[], int] = field(default_factory=_steady_clock)


class Pace:
    """The pauses between polls: short after a change, longer with each poll that found none or was slow itself."""

    def __init__(self) -> None:
        self._interval = MIN_INTERVAL_SECONDS

    def pause_seconds(self, took_seconds: float, *, changed: bool) -> float:
        """Returns how long to pause after a poll that took `took_seconds`. `changed` says whether it found a change."""
        longer = min(MAX_INTERVAL_SECONDS, self._interval * _GROWTH)
        self._interval = MIN_INTERVAL_SECONDS if changed else longer
        return max(self._interval, min(_MAX_PAUSE_SECONDS, took_seconds * _PAUSE_PER_FETCH))


def fetch_job(client: Client, job_id: str) -> Fetch:
    """Returns a function that reads a single job."""
    return lambda: (client.get_job(job_id),)


def fetch_workflow(client: Client, workflow_id: str) -> Fetch:
    """Returns a function that reads all jobs of a workflow.

    It does not read again a page on which every job has ended. It raises CliError if the pages do not end within
    MAX_PAGES.
    """
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
    rest: Rest = no_rest,
    waiting: Waiting | None = None,
) -> tuple[JobView, ...]:
    """Polls until every job has ended, and returns the jobs. Raises WaitTimedOut after `timeout_seconds`.

    `fetch` reads the jobs, `viewer` shows each poll under `title`. `checks` are called at each poll. A check raises if
    something that the run needs has ended, such as a worker process. `explain` returns the reasons why jobs wait. It is
    called at the first poll, at each poll that found no change, and when the time is over. `rest` is asked before each
    pause, which is left out where `rest` used its time. `waiting` holds the clocks, for tests. Also raises what
    `fetch`, `checks` and `rest` raise.
    """
    passing = waiting or Waiting()
    began_ms = passing.now_ms()
    began_s = passing.monotonic()
    pace = Pace()
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
        pause_s = pace.pause_seconds(took_s, changed=now != seen)
        seen = now
        for check in checks:
            check()
        left_s = timeout_seconds - (passing.monotonic() - began_s)
        if left_s <= 0:
            open_jobs = sum(not job.is_terminal for job in jobs)
            said = f"waited {timeout_seconds:g} s: {open_jobs} of {len(jobs)} jobs have not ended; they go on"
            raise WaitTimedOut("\n  ".join((said, *(waits or explain(jobs)))))
        if not rest(left_s):
            passing.sleep(min(pause_s, left_s))


def exit_code_of(jobs: Sequence[JobView], others: Set[str] = frozenset()) -> ExitCode:
    """Returns the exit code for `jobs`, which have all ended. `others` are the ids of jobs followed beside them.

    A job that FAILED or TIMED_OUT makes it JOB_FAILED. A SKIPPED job was skipped because of its upstream. If that
    upstream is among the jobs, its own state counts, and the SKIPPED job does not. A branch that was not taken is never
    a failure, and neither is a job that somebody marked as skipped. A condition that could not be evaluated and an
    upstream that no longer exists always are. Without a failure, a CANCELLED job makes the code CANCELLED.
    """
    ids = {job.job_id for job in jobs} | others
    code = ExitCode.SUCCESS
    for job in jobs:
        if job.state in (State.FAILED, State.TIMED_OUT) or _failed_by_skip(job, ids):
            return ExitCode.JOB_FAILED
        if job.state is State.CANCELLED:
            code = ExitCode.CANCELLED
    return code


def _failed_by_skip(job: JobView, ids: Set[str]) -> bool:
    if job.state is not State.SKIPPED or job.error_code in (MARKED, NOT_TAKEN):
        return False
    return job.error_code in (CONDITION_ERROR, UPSTREAM_GONE) or job.error_upstream_id not in ids
