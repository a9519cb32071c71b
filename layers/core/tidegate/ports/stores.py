"""The stores: jobs, their index, submissions, workers, cursors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.errors import DependencyUnavailable, NotFound, ServiceRefused
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.lanes import MAIN
from tidegate.domain.states import Group
from tidegate.domain.submission import ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.domain.traits import NO_TRAITS, Traits
from tidegate.domain.transitions import KeepIfEnded, Transition, TransitionRefused
from tidegate.domain.workers import Worker


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A job as the index shows it.

    `sort` is the rank for READY, else a time in milliseconds since the epoch (see JobIndex). Two entries are equal
    where the job and `sort` are. `traits` are for the dispatcher.
    """

    job_id: str
    sort: int
    traits: Traits = field(default=NO_TRAITS, compare=False)


@dataclass(frozen=True, slots=True)
class IndexPage:
    """A page of one shard of one group. `next` is where the next page starts, None at the end."""

    entries: tuple[IndexEntry, ...]
    next: IndexEntry | None


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """A page of a pool's workers by id. `next` is the id after which the next page starts, None at the end."""

    workers: tuple[Worker, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class OpenSubmission:
    """A submission with work left, and when it was opened, in milliseconds since the epoch."""

    opened_at_ms: int
    submission_id: str


MoveOutcome: TypeAlias = Job | TransitionRefused | NotFound | DependencyUnavailable | ServiceRefused
"""The outcome of one of many transitions: the job after it, or the error that it met.

The job is as it is now, which may be further on where another process changed it since. After a claim it still belongs
to the claiming worker. TransitionRefused holds the job as it was at the refusal or later. NotFound says that a
consistent read found no job. After DependencyUnavailable the transition may have been carried out: repeat it, or leave
that to the process that repeats it anyway.
"""


class JobStore(Protocol):
    """The jobs themselves: the truth that every decision is based on."""

    def get(self, job_id: str, *, consistent: bool = False) -> Job | None:
        """Returns the job, None where there is none. Without `consistent` it may be a little old."""

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        """Returns the jobs that exist, by id. Without `consistent` they may be a little old.

        Takes any number of ids and asks for them in bounded batches.
        """

    def load_input(self, job: Job) -> JobInput:
        """Returns the job's input, from the job itself or from the Payloads table where it overflowed."""

    def load_inputs(self, jobs: Sequence[Job]) -> dict[str, JobInput]:
        """Returns the inputs of many jobs, by job id. Reads in bounded batches."""

    def load_dependencies(self, wanted: Sequence[tuple[Job, int]]) -> dict[tuple[str, int], Dependency]:
        """Returns single dependencies, by job id and place in `depends_on`.

        `wanted` names each by its job and that place. Reads neither parameters nor results, in portions whose size no
        caller decides, and keeps only what is wanted. Raises NotFound where an input has passed its retention.
        """

    def load_result(self, job: Job) -> Json:
        """Returns the job's result, None without one.

        Reads the job itself, or the Payloads table where the result overflowed.
        """

    def store_result_apart(self, job: Job, result: Json) -> bool:
        """Stores a result that is too large for the job's item under the job's attempt.

        Returns False where the item can hold it.
        """

    def keep_parts(self, kept: Sequence[KeepIfEnded]) -> None:
        """Keeps the overflow of jobs as long as the jobs are to be kept, never shorter than now.

        It is called before the jobs themselves are kept. A part that is gone already is no error.
        """

    def insert_if_absent(self, jobs: Sequence[Job]) -> tuple[str, ...]:
        """Writes new jobs, each only if its id is unused.

        Returns the ids that already existed; those jobs are unchanged.
        """

    def stage(self, jobs: Sequence[Job]) -> None:
        """Writes jobs of a submission in STAGING.

        It overwrites a job of an earlier call, but never one that changed since.
        """

    def unstage(self, job_ids: Sequence[str]) -> None:
        """Removes jobs of an ABANDONED submission and their overflow. A job that is gone already is no error."""

    def apply(self, transition: Transition) -> Job:
        """Carries out one transition as one conditional write. Returns the job after it.

        Raises TransitionRefused (with the job as it is) or NotFound.
        """

    def apply_all(self, transitions: Sequence[Transition]) -> list[MoveOutcome]:
        """Carries out many transitions, each under its own condition. Returns their outcomes in the same order.

        Transitions of the same job are carried out in their order. Nothing is raised: an error is the transition's
        outcome.
        """

    def add_edges(self, edges: Sequence[ExternalEdge]) -> None:
        """Writes edges to jobs of earlier submissions under their upstreams. Writing one twice changes nothing."""

    def list_dependents(self, job: Job) -> Sequence[Dependent]:
        """Returns all edges that leave `job`: those in its item, and those that overflowed (read consistently)."""

    def list_dependents_of(self, jobs: Sequence[Job]) -> list[Sequence[Dependent]]:
        """Returns the edges that leave each of many jobs, in the order of `jobs`. Reads side by side."""


class JobIndex(Protocol):
    """The one index: hints for dispatch, capacity, repair and listings. It may lag behind the jobs.

    The entries of a group are sorted: READY by rank, ACTIVE by dispatch time, SCHEDULED by due time, PENDING by
    creation time, terminal states by finish time. Times are in milliseconds since the epoch.
    """

    @property
    def shards(self) -> int:
        """Returns how many shards each group of each pool has."""

    def page(
        self,
        pool: str,
        group: Group,
        shard: int,
        *,
        limit: int,
        descending: bool = False,
        after: IndexEntry | None = None,
        up_to: int | None = None,
        lane: str = MAIN,
    ) -> IndexPage:
        """Returns at most `limit` entries of one shard, after `after`, with a sort value of at most `up_to`.

        `lane` counts for READY only: the page then holds the jobs of that lane. A lane that is not sharded has shard 0
        alone.
        """

    def first_pages(
        self,
        pool: str,
        group: Group,
        *,
        limit: int,
        descending: bool = False,
        up_to: int | None = None,
        lanes: Sequence[str] = (MAIN,),
    ) -> Mapping[tuple[str, int], IndexPage]:
        """Returns the first page of every shard of each of `lanes`, by lane and shard. Reads side by side."""

    def count(self, pool: str, group: Group, *, at_most: int, lanes: Sequence[str] = (MAIN,)) -> int:
        """Counts the jobs of the group over all shards of `lanes`. It stops counting at `at_most`."""


class SubmissionStore(Protocol):
    """The store of workflow submissions and their plans."""

    def begin_if_absent(self, submission: Submission) -> Submission | None:
        """Writes a new submission in STAGING.

        Returns the one that its id already has, None where the new one was written.
        """

    def get(self, submission_id: str) -> Submission | None:
        """Returns the submission from a consistent read, None where there is none."""

    def move_phase_if(self, submission_id: str, expected: Phase, to: Phase) -> bool:
        """Changes the phase: STAGING to COMMITTED or ABANDONED, then to COMPLETE or REMOVED.

        Returns False where the phase was not `expected`.
        """

    def save_plan(self, submission_id: str, plan: SubmissionPlan) -> None:
        """Stores the plan. It overwrites the plan of an earlier call."""

    def load_plan(self, submission_id: str) -> SubmissionPlan:
        """Returns the plan. Raises NotFound where none was saved."""

    def list_open(
        self, *, opened_before_ms: int, limit: int, after: OpenSubmission | None = None
    ) -> tuple[OpenSubmission, ...]:
        """Returns at most `limit` submissions that are not COMPLETE or REMOVED, oldest first.

        They were opened before `opened_before_ms`, in milliseconds since the epoch. With `after` the list begins behind
        that submission, which may be COMPLETE or REMOVED by now.
        """


class WorkerRegistry(Protocol):
    """The worker processes of PROCESS pools: one entry for each id, owned by the session that wrote it.

    A refused change raises WorkerRefused with the entry as it is, unless the method names another error.
    """

    def register_if_free(self, worker: Worker, *, silent_since_ms: int) -> None:
        """Begins a session, over an entry that is INACTIVE, LOST, or has no heartbeat since `silent_since_ms`.

        Raises WorkerIdTaken where another session works under the id.
        """

    def take_over_if_held_by(self, worker: Worker, session_id: str) -> None:
        """Begins a session in the place of `session_id`, whatever the state of that session."""

    def heartbeat_if_mine(self, worker: Worker) -> Worker:
        """Stores load and totals of a session that is ACTIVE or DRAINING. Returns the entry with its state."""

    def drain_if_mine(self, worker: Worker) -> Worker:
        """Stores load and totals like `heartbeat_if_mine`, and changes ACTIVE to DRAINING. Returns the entry."""

    def come_back_if_lost(self, worker: Worker) -> Worker:
        """Changes LOST to the worker's own state and stores load and totals. Returns the entry.

        Refused where another session took the id meanwhile.
        """

    def leave_if_mine(self, worker: Worker) -> Worker:
        """Changes any state of this session to INACTIVE and stores its last totals. Returns the entry."""

    def request_drain_if_present(self, pool: str, worker_id: str, now_ms: int) -> Worker:
        """Changes ACTIVE or DRAINING to DRAINING and notes when that was first asked for. Returns the entry."""

    def mark_lost_if_silent(self, worker: Worker, *, silent_since_ms: int, expires_at_s: int) -> bool:
        """Changes ACTIVE or DRAINING to LOST where this session's last heartbeat is older than `silent_since_ms`.

        Returns whether it did.
        """

    def get(self, pool: str, worker_id: str) -> Worker | None:
        """Returns the entry from a consistent read, None where there is none."""

    def page(self, pool: str, *, limit: int, after: str | None = None) -> WorkerPage:
        """Returns at most `limit` entries of a pool by id, in any state, after the id `after`."""

    def list_live(self, pool: str, *, silent_since_ms: int) -> tuple[Worker, ...]:
        """Returns the ACTIVE and DRAINING workers of a pool with a heartbeat since `silent_since_ms`, by id."""


class Cursors(Protocol):
    """The places at which bounded, repeated work goes on in its next run."""

    def load(self, name: str) -> str | None:
        """Returns the cursor's text, None at the start."""

    def save(self, name: str, position: str | None) -> None:
        """Stores the place at which to go on. None starts over."""
