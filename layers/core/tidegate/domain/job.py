"""The job: one immutable value that holds everything known about a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from tidegate.domain import limits
from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.indexed import IndexedFields
from tidegate.domain.lanes import MAIN, share_lane
from tidegate.domain.logs import LogPlace
from tidegate.domain.outside import Outside
from tidegate.domain.rank import MOST_PASSES, RankPolicy, place_of, rank
from tidegate.domain.retry import WORKER_LOST, RetryPolicy
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd
from tidegate.domain.states import TERMINAL, Group, State, group_of
from tidegate.domain.traits import Traits
from tidegate.domain.verdicts import Judgement

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

_GROUPS = {state: group_of(state) for state in State}
NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One transition in a job's history: its time, the new state, the attempt, the actor and the reason.

    `at_ms` is in milliseconds since the epoch. `reason` is empty where the transition needs no explanation. `logs` is
    where the lines of the attempt go that begins with this entry; None for other entries, or where no place is known.
    """

    at_ms: int
    state: State
    attempt: int
    actor: str
    reason: str = ""
    logs: LogPlace | None = None


NEVER_MS: Final = 253_402_300_799_000
"""The last second of the year 9999, in milliseconds since the epoch: when a job on hold becomes due by itself."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress that a running job last reported. `fraction` is 0-1."""

    fraction: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """The reason why a job did not succeed. `code` is stable and short, `message` is for people.

    `upstream_id` names the upstream whose end made this job SKIPPED. `last_lines` are the last lines that the attempt
    printed, with the traceback of what it raised.
    """

    code: str
    message: str
    upstream_id: str | None = None
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobInput:
    """The input that the client gave the job. It never changes. A large input overflows into the Payloads table."""

    parameters: Mapping[str, Json]
    depends_on: tuple[Dependency, ...] = ()


class EstimateSource(StrEnum):
    """Where a job's estimate comes from."""

    CALLER = "caller"
    STATISTICS = "statistics"  # the usual run time of the job's type, as the caller gave none


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFields:
    """The fields of a job that its caller gives and that go unchanged from the request to the job.

    JobRequest and Job each declare the fields that the workflow or a default may complete. `not_before_ms` and
    `finish_by_ms`, by which the job ought to have ended, are in milliseconds since the epoch. `estimate_is_usual` says
    that the caller gave no estimate, and that the submission put the usual run time of the type there.
    """

    type: str
    key: str | None = None
    name: str | None = None
    description: str | None = None
    requires: tuple[str, ...] = ()
    concurrency_key: str | None = None
    concurrency_limit: int = 1
    not_before_ms: int | None = None
    finish_by_ms: int | None = None
    estimated_duration_seconds: float | None = None
    estimate_is_usual: bool = False
    retry: RetryPolicy = RetryPolicy()

    def given(self) -> dict[str, Any]:
        """Returns the values of these fields alone, by name, to make another value that has them."""
        return {name: getattr(self, name) for name in _GIVEN}


_GIVEN = tuple(each.name for each in fields(GivenFields))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(GivenFields):
    """A job at one moment. Times are milliseconds since the epoch, None while they have not come.

    `input` is None where the input overflowed and was not loaded (`JobStore.load_input` loads it). `input_part` names
    the overflow of a rerun with new parameters, None where the job has the input that it was submitted with.
    `waiting_on` holds the ordinals of the dependencies that are not satisfied yet; an ordinal is a place in
    `depends_on`. `dependents` are the edges known when the job was submitted. `dependents_overflow` says that the
    Dependents table holds more edges.
    `watch_start` says that an edge to some dependent is of type MUST_START.

    `pool_open` says that the job named no pool. The pool is then chosen when the job becomes READY, among those that
    offer what the job requires, and `pool` is the latest choice. `held_in` is the lane that a READY job was put into
    because its concurrency key or its type was at its limit, or its type paused. It is empty while only the order keeps
    the job waiting. `worker_name` and `worker_host` are those of the latest worker, kept after it is gone (see
    `domain.seats`). `cancel_requested_by` is the caller that asked for the cancellation of a running job.
    `submitted_by` is the subject of the caller that submitted the job, such as a whole ARN; None if it is not known.
    `namespace` is the shared namespace that the submission named, None for the submitter's own.

    `attempt` counts the claims over all lives. It fences writes and does not say how the job went. `reopened` counts
    how often the job was reopened after its end. Three fields belong to the life since then. `tries` counts the
    attempts of this life that failed, timed out or died. `worker_losses` counts its leases that ran out. `began_at_ms`
    is when the latest attempt whose code began did so, None where no code began. `leaves_skipped` says that the caller
    who reopened the job asked to leave alone the jobs that were skipped because of it. `amended` counts how often
    a caller amended the job while it waited, over all lives. `on_hold` says that a caller keeps the job from becoming
    READY. Only a job that is PENDING or SCHEDULED is on hold.

    `judgements` are what the reaper noted about `finish_by_ms` in this life, the latest last.
    `may_run_twice` says that the job's type allows a second attempt beside a straggling one. `second` is the latest
    second attempt, of whichever life (see `domain.second_attempts`). `outside` is the latest hand-over, of whichever
    attempt (see `domain.outside`).

    `critical_path_boost_millipoints` is what the path that begins with the job adds to its priority, in thousandths of
    a point. `latest_start_ms` is when the job has to start at the latest, so that its own times to finish by and those
    of the jobs after it can be met by the estimates; None where no such time was given, or where they change no order.
    Neither ever changes.
    """

    job_id: str
    state: State
    pool: str
    priority: int
    created_at_ms: int
    attempt: int = 0
    tries: int = 0
    worker_losses: int = 0
    reopened: int = 0
    amended: int = 0
    on_hold: bool = False
    leaves_skipped: bool = False
    pool_open: bool = False
    share: str = ""
    held_in: str = MAIN
    input: JobInput | None = None
    input_part: str | None = None
    dependency_count: int = 0
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    timeout_seconds: int = limits.DEFAULT_TIMEOUT_SECONDS
    critical_path_boost_millipoints: int = 0
    latest_start_ms: int | None = None
    fingerprint: str | None = None
    submitted_by: str | None = None
    namespace: str | None = None
    waiting_on: frozenset[int] = frozenset()
    dependents: tuple[Dependent, ...] = ()
    dependents_overflow: bool = False
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
    worker_name: str = ""
    worker_host: str = ""
    progress: Progress | None = None
    cancel_requested_at_ms: int | None = None
    cancel_requested_by: str | None = None
    result: Json = None
    result_overflow: bool = False
    failure: JobFailure | None = None
    history: tuple[HistoryEntry, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    expires_at_s: int | None = None
    may_run_twice: bool = False
    second: SecondAttempt | None = None
    outside: Outside | None = None

    def rank_under(self, policy: RankPolicy, ready_at_ms: int, *, passes: int = 0) -> int:
        """Returns the job's rank once it is READY since `ready_at_ms`, in milliseconds since the epoch.

        `passes` is how often it was passed over since then. See `domain.rank.rank`.
        """
        return rank(
            policy,
            self.priority,
            ready_at_ms,
            self.tries,
            self.critical_path_boost_millipoints,
            place=place_of(self.job_id),
            passes=passes,
            latest_start_ms=self.latest_start_ms,
        )

    @property
    def is_outside(self) -> bool:
        """Tells whether the present attempt was handed over, so that no worker runs it."""
        return self.state is State.RUNNING and self.outside is not None and self.outside.until_ms is not None

    @property
    def group(self) -> Group:
        """Returns the index group that holds the job."""
        if self.state is State.RUNNING and self.outside is not None and self.outside.until_ms is not None:
            return Group.OUTSIDE  # as `is_outside` says, without a further call: each write of a job asks
        return _GROUPS[self.state]

    @property
    def live_second(self) -> SecondAttempt | None:
        """Returns the second attempt that a worker runs or may still claim, None where there is none."""
        second = self.second
        if second is None or second.end is not None or self.state is not State.RUNNING:
            return None
        return second if second.beside == self.attempt else None

    @property
    def had_second(self) -> bool:
        """Tells whether the job has had its one second attempt of this life."""
        return self.second is not None and self.second.life == self.reopened

    @property
    def won_by_second(self) -> bool:
        """Tells whether the second attempt of this life ended the job."""
        second = self.second
        return second is not None and second.end is SecondEnd.WON and self.had_second

    @property
    def result_name(self) -> str:
        """Returns the name of the job's result where that overflowed: no two attempts of a job share one."""
        return f"{self.attempt}#second" if self.won_by_second else str(self.attempt)

    @property
    def told_history(self) -> tuple[HistoryEntry, ...]:
        """Returns the history with the claim of the latest second attempt, which is stored beside it."""
        second = self.second
        if second is None or second.claimed_at_ms is None:
            return self.history
        at_ms, end = second.claimed_at_ms, "" if second.end is None else f", {second.end}"
        reason = f"second attempt beside attempt {second.beside}{end}"
        actor = second.worker_id or ""
        claim = HistoryEntry(at_ms, State.RUNNING, second.beside, actor, reason, second.logs)
        places = [
            place for place, entry in enumerate(self.history) if entry.at_ms > at_ms or _ends(entry, second)
        ]
        first = places[0] if places else len(self.history)
        return (*self.history[:first], claim, *self.history[first:])

    @property
    def is_terminal(self) -> bool:
        """Tells whether the job has ended."""
        return self.state in TERMINAL

    @property
    def wakes_at_ms(self) -> int | None:
        """Returns when a SCHEDULED job becomes READY by itself, in milliseconds since the epoch."""
        return NEVER_MS if self.on_hold else self.due_at_ms

    @property
    def estimate_source(self) -> EstimateSource | None:
        """Returns where the job's estimate comes from, None where it has none."""
        if self.estimated_duration_seconds is None:
            return None
        return EstimateSource.STATISTICS if self.estimate_is_usual else EstimateSource.CALLER

    @property
    def was_claimed(self) -> bool:
        """Tells whether a worker ever claimed the job, in any life. Then all its dependencies were satisfied once."""
        return self.attempt > 0

    @property
    def was_started(self) -> bool:
        """Tells whether the job's code began in this life. A claim alone begins no code."""
        return self.began_at_ms is not None

    @property
    def runs(self) -> int:
        """Returns how many attempts of this life ended by themselves: the failed ones, and the one that succeeded."""
        return self.tries + (self.state is State.SUCCEEDED)

    @property
    def has_retries_left(self) -> bool:
        """Tells whether another attempt may follow if the present one fails."""
        return self.tries < self.retry.max_retries

    @property
    def may_lose_its_worker(self) -> bool:
        """Tells whether the job runs again if its present worker is lost.

        A job may lose fewer than `MAX_WORKER_LOSSES` workers in one life, whatever its retries. Its policy may forbid
        that altogether.
        """
        return self.worker_losses + 1 < limits.MAX_WORKER_LOSSES and self.retry.allows(WORKER_LOST)

    @property
    def traits(self) -> Traits:
        """Returns the properties that the dispatcher looks at beside the rank."""
        return Traits(self.type, self.share, self.concurrency_key, self.concurrency_limit)

    @property
    def indexed(self) -> IndexedFields:
        """Returns the fields that the job's entry in the index carries for listings."""
        return IndexedFields(
            created_at_ms=self.created_at_ms,
            priority=self.priority,
            key=self.key,
            name=self.name,
            ready_at_ms=self.ready_at_ms,
            error_code=None if self.failure is None else self.failure.code,
            submitted_by=self.submitted_by,
            estimated_duration_seconds=self.estimated_duration_seconds,
        )

    @property
    def updated_at_ms(self) -> int:
        """Returns when the job last changed, in milliseconds since the epoch; heartbeats and progress do not count."""
        moments = (self.ready_at_ms, self.queued_at_ms, self.sent_at_ms, self.started_at_ms, self.began_at_ms)
        later = (self.finished_at_ms, self.cancel_requested_at_ms)
        transitions = [self.history[-1].at_ms] if self.history else []
        return max(self.created_at_ms, *transitions, *(at_ms for at_ms in (*moments, *later) if at_ms))

    @property
    def lane(self) -> str:
        """Returns the lane in which the job waits, or would wait, while it is READY."""
        return self.held_in or (share_lane(self.share) if self.share else MAIN)

    @property
    def passes(self) -> int:
        """Returns how often the READY job was passed over, each time for one millisecond (see `rank.rank`)."""
        if self.ready_at_ms is None or not self.history or self.history[-1].state is not State.READY:
            return 0
        passed_ms = self.ready_at_ms - self.history[-1].at_ms
        return passed_ms if 0 <= passed_ms < MOST_PASSES else 0

    @property
    def workflow_id(self) -> str | None:
        """Returns the workflow's id, read from a job id of the form `<submission>.<index>`; None for a single job."""
        submission, dot, _ = self.job_id.partition(".")
        return submission if dot else None

    @property
    def actual_duration_seconds(self) -> float | None:
        """Returns how long the last attempt ran, in seconds; None while the job has not ended, or where it never ran.

        Time that the job waited after that attempt does not count.
        """
        if self.started_at_ms is None or self.finished_at_ms is None:
            return None
        stopped_at_ms = self.finished_at_ms
        for entry, following in zip(self.history, self.history[1:], strict=False):
            if entry.state is State.RUNNING:
                stopped_at_ms = following.at_ms
        return (stopped_at_ms - self.started_at_ms) / 1_000


def second_ran_ms(second: SecondAttempt, history: Sequence[HistoryEntry], now_ms: int) -> int:
    """Returns how long a second attempt ran from its claim on, in milliseconds, until `now_ms` where it still runs.

    It ended by itself, or with the attempt beside it, as `history` tells. Returns 0 where no worker claimed it, and
    where an earlier version ended it without the time.
    """
    if second.claimed_at_ms is None:
        return 0
    if second.end is None or second.end is SecondEnd.WON:
        ended_at_ms = next((entry.at_ms for entry in history if _ends(entry, second)), now_ms)
    else:
        ended_at_ms = second.ended_at_ms or 0
    return max(0, ended_at_ms - second.claimed_at_ms)


def _ends(entry: HistoryEntry, second: SecondAttempt) -> bool:
    """Tells whether an entry ended the attempt beside which a second one ran, or is of a later time."""
    is_later = entry.attempt > second.beside
    return is_later or (entry.attempt == second.beside and entry.state is not State.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondHold(Job):
    """A job as the worker of its second attempt holds it: the worker and the times are those of the second attempt."""

    @property
    def result_name(self) -> str:
        """Returns the name of the second attempt's result, which only counts if that attempt wins."""
        return f"{self.attempt}#second"


def held_as_second(job: Job, second: SecondAttempt) -> SecondHold:
    """Returns the job as the worker of its second attempt `second` holds it."""
    held = {each.name: getattr(job, each.name) for each in fields(Job)}
    own = {
        "worker_id": second.worker_id,
        "worker_name": second.worker_name,
        "worker_host": second.worker_host,
        "lease_expires_at_ms": second.lease_expires_at_ms,
        "started_at_ms": second.claimed_at_ms,
        "progress": None,
    }
    return SecondHold(**{**held, **own})


def lean(job: Job) -> Job:
    """Returns the job without its parameters, result, name, description and tags.

    They may be large, and no transition reads them. Lean jobs serve to hold thousands at once, and must never be shown
    to a caller.
    """
    given = None if job.input is None else JobInput({}, job.input.depends_on)
    return replace(job, input=given, result=None, name=None, description=None, tags=NO_TAGS)


def workflow_job_id(submission_id: str, index: int) -> str:
    """Returns the id of the job at `index` (from 0) of a workflow."""
    return f"{submission_id}.{index}"


def submission_of(job_id: str) -> str:
    """Returns the id of the submission that created the job."""
    return job_id.partition(".")[0]
