"""The job: one immutable value that holds all that is known of a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tidegate.domain import limits
from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.dispatch_plan import Traits
from tidegate.domain.lanes import MAIN, share_lane
from tidegate.domain.rank import MOST_PASSES
from tidegate.domain.retry import WORKER_LOST, RetryPolicy
from tidegate.domain.states import TERMINAL, State

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One transition: when, into which state, at which attempt, by whom, and why if that is not plain."""

    at_ms: int
    state: State
    attempt: int
    actor: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a running job last said of itself. `fraction` is 0-1."""

    fraction: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job did not succeed. `code` is stable and short, `message` is for people.

    `upstream_id` names the job whose end made this one SKIPPED.
    """

    code: str
    message: str
    upstream_id: str | None = None


@dataclass(frozen=True, slots=True)
class JobInput:
    """What the client gave the job: never changes, and is stored apart when it is large."""

    parameters: Mapping[str, Json]
    depends_on: tuple[Dependency, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job at one moment. Times are milliseconds since the epoch, None while they have not come.

    `input` is None where it is stored apart and was not loaded (`JobStore.load_input` brings it).
    `waiting_on` holds the ordinals of the dependencies (their places in `depends_on`) that are not satisfied yet.
    `dependents` are the edges known when the job was submitted; `dependents_apart` says that the Dependents table
    holds more. `watch_start` says that some dependent is of type MUST_START.
    `pool_open` says that the job named no pool: which of those that offer what it requires is chosen when it becomes
    READY, and `pool` is the latest choice. `held_in` is the lane that a READY job was moved to because its
    concurrency key or its type was taken up; empty while it waits for nothing but its turn.
    `cancel_requested_by` is who asked the worker of a running job to stop.
    `attempt` counts the claims, over all lives: it fences writes, and says nothing of how the job went.
    `reopened` counts how often the job was reopened after it had ended. The life since then has three facts of its
    own. `tries` counts its runs that ended by their own failure, timeout or death. `worker_losses` counts its leases
    that ran out. `began_at_ms` is when the latest of its attempts whose code began did so, None where none did.
    `leaves_skipped` says that whoever reopened it asked to leave alone what was skipped because of it.
    `critical_path_boost_millipoints` is what the path that begins with the job adds to its priority, in thousandths
    of a point; like the priority it never changes.
    """

    job_id: str
    state: State
    type: str
    pool: str
    priority: int
    created_at_ms: int
    attempt: int = 0
    tries: int = 0
    worker_losses: int = 0
    reopened: int = 0
    leaves_skipped: bool = False
    pool_open: bool = False
    share: str = ""
    concurrency_key: str | None = None
    concurrency_limit: int = 1
    held_in: str = MAIN
    input: JobInput | None = None
    dependency_count: int = 0
    key: str | None = None
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    requires: tuple[str, ...] = ()
    timeout_seconds: int = limits.DEFAULT_TIMEOUT_SECONDS
    retry: RetryPolicy = RetryPolicy()
    estimated_duration_seconds: float | None = None
    critical_path_boost_millipoints: int = 0
    not_before_ms: int | None = None
    fingerprint: str | None = None
    waiting_on: frozenset[int] = frozenset()
    dependents: tuple[Dependent, ...] = ()
    dependents_apart: bool = False
    watch_start: bool = False
    due_at_ms: int | None = None
    ready_at_ms: int | None = None
    queued_at_ms: int | None = None
    sent_at_ms: int | None = None
    started_at_ms: int | None = None
    began_at_ms: int | None = None
    finished_at_ms: int | None = None
    lease_expires_at_ms: int | None = None
    worker_id: str | None = None
    progress: Progress | None = None
    cancel_requested_at_ms: int | None = None
    cancel_requested_by: str | None = None
    result: Json = None
    result_apart: bool = False
    failure: JobFailure | None = None
    history: tuple[HistoryEntry, ...] = ()
    expires_at_s: int | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended for good."""
        return self.state in TERMINAL

    @property
    def was_claimed(self) -> bool:
        """Whether any worker ever claimed the job, in whatever life: all that it waited for was satisfied once."""
        return self.attempt > 0

    @property
    def was_started(self) -> bool:
        """Whether the job's code began in this life. A claim alone begins nothing."""
        return self.began_at_ms is not None

    @property
    def runs(self) -> int:
        """The runs of this life that came to an end of their own: the tries, and the one that succeeded."""
        return self.tries + (self.state is State.SUCCEEDED)

    @property
    def has_retries_left(self) -> bool:
        """Whether another run may follow if the present one fails."""
        return self.tries < self.retry.max_retries

    @property
    def may_lose_its_worker(self) -> bool:
        """Whether the job is run again if the present worker is lost.

        A job may lose fewer than `MAX_WORKER_LOSSES` workers in one life, whatever its retries. Its policy may forbid
        that altogether.
        """
        return self.worker_losses + 1 < limits.MAX_WORKER_LOSSES and self.retry.allows(WORKER_LOST)

    @property
    def traits(self) -> Traits:
        """What the dispatcher goes by besides the rank."""
        return Traits(self.type, self.share, self.concurrency_key, self.concurrency_limit)

    @property
    def lane(self) -> str:
        """Where the job waits, or would wait, while it is READY."""
        return self.held_in or share_lane(self.share)

    @property
    def passes(self) -> int:
        """How often the READY job was passed over, each time for a millisecond (`rank.rank`)."""
        if self.ready_at_ms is None or not self.history or self.history[-1].state is not State.READY:
            return 0
        passed_ms = self.ready_at_ms - self.history[-1].at_ms
        return passed_ms if 0 <= passed_ms < MOST_PASSES else 0

    @property
    def workflow_id(self) -> str | None:
        """The submission's id where the job is one of a workflow, from the form `<submission>.<index>`."""
        submission, dot, _ = self.job_id.partition(".")
        return submission if dot else None

    @property
    def actual_duration_seconds(self) -> float | None:
        """How long the last attempt ran, once the job has ended; what it waited after that does not count."""
        if self.started_at_ms is None or self.finished_at_ms is None:
            return None
        stopped_at_ms = self.finished_at_ms
        for entry, following in zip(self.history, self.history[1:], strict=False):
            if entry.state is State.RUNNING:
                stopped_at_ms = following.at_ms
        return (stopped_at_ms - self.started_at_ms) / 1_000


def lean(job: Job) -> Job:
    """Strips a job of what no transition looks at and what may be large: parameters, result, name and tags.

    For holding thousands of jobs at once. A lean job must never be shown to a caller.
    """
    given = None if job.input is None else JobInput({}, job.input.depends_on)
    return replace(job, input=given, result=None, name=None, tags=NO_TAGS)


def workflow_job_id(submission_id: str, index: int) -> str:
    """The id of the job at `index` (from 0) of a workflow."""
    return f"{submission_id}.{index}"


def submission_of(job_id: str) -> str:
    """The submission that created the job."""
    return job_id.partition(".")[0]
