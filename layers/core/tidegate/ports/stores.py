"""The stores: jobs, their index, submissions, workers, cursors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.dispatch_plan import NO_TRAITS, Traits
from tidegate.domain.errors import DependencyUnavailable, NotFound, ServiceRefused, TransitionRefused
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.lanes import MAIN
from tidegate.domain.states import Group
from tidegate.domain.submission import ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.domain.transitions import KeepIfEnded, Transition
from tidegate.domain.workers import Worker


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A job as the index shows it. `sort` is the rank for READY, else a time in milliseconds (see JobIndex).

    Two entries are the same where the job and `sort` are; `traits` comes along for the dispatcher.
    """

    job_id: str
    sort: int
    traits: Traits = field(default=NO_TRAITS, compare=False)


@dataclass(frozen=True, slots=True)
class IndexPage:
    """A page of one shard of one group; `next` is where the following page starts, None at the end."""

    entries: tuple[IndexEntry, ...]
    next: IndexEntry | None


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """A page of a pool's workers by id; `next` is the id after which the following page starts, None at the end."""

    workers: tuple[Worker, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class OpenSubmission:
    """A submission that is not done with, by when it was opened (ms)."""

    opened_at_ms: int
    submission_id: str


MoveOutcome: TypeAlias = Job | TransitionRefused | NotFound | DependencyUnavailable | ServiceRefused
"""What became of one of many transitions: the job after it, or why it is not known to have been carried out.

The job is as it stands, which may be further on where others moved it since; after a claim it is still the worker's.
TransitionRefused holds the job as it stood at or after the refusal, and NotFound says that a consistent read found no
job. After DependencyUnavailable it may have been carried out: repeat it, or let what repeats it anyway do so.
"""


class JobStore(Protocol):
    """The jobs themselves: the truth that every decision is made on."""

    def get(self, job_id: str, *, consistent: bool = False) -> Job | None:
        """The job, or None. Without `consistent` it may be a little old."""

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        """The jobs that exist, by id. Without `consistent` they may be a little old.

        Any number of ids, asked for in bounded batches.
        """

    def load_input(self, job: Job) -> JobInput:
        """What the client gave the job, from the job itself or from where it is stored apart."""

    def load_inputs(self, jobs: Sequence[Job]) -> dict[str, JobInput]:
        """The same for many jobs, by job id, in bounded batches."""

    def load_dependencies(self, wanted: Sequence[tuple[Job, int]]) -> dict[tuple[str, int], Dependency]:
        """Loads single dependencies, each named by its job and its place in `depends_on`; by job id and place.

        Reads neither parameters nor results, in portions whose size no caller decides, and keeps only what is wanted.
        Raises NotFound where an input has passed its retention.
        """

    def load_result(self, job: Job) -> Json:
        """The result of a job, from the job itself or from where it is stored apart; None while there is none."""

    def store_result_apart(self, job: Job, result: Json) -> bool:
        """Stores a result that is too large to sit in the job, under its attempt; False where it may sit inside."""

    def keep_parts(self, kept: Sequence[KeepIfEnded]) -> None:
        """Has what is stored apart of jobs stay as long as the jobs are to be kept, never for less than now.

        To be called before the jobs themselves are kept. A part that is gone already is no error.
        """

    def insert_if_absent(self, jobs: Sequence[Job]) -> tuple[str, ...]:
        """Writes new jobs, each only if its id is unused; returns the ids that already existed, untouched."""

    def stage(self, jobs: Sequence[Job]) -> None:
        """Writes jobs of a submission in STAGING, over an earlier try's, but never over a job that has moved."""

    def unstage(self, job_ids: Sequence[str]) -> None:
        """Removes jobs of an ABANDONED submission, with what is stored apart. Jobs already gone are no error."""

    def apply(self, transition: Transition) -> Job:
        """Carries out one transition as one conditional write; returns the job after it.

        Raises TransitionRefused (with the job as it stands) or NotFound.
        """

    def apply_all(self, transitions: Sequence[Transition]) -> list[MoveOutcome]:
        """Carries out many transitions, each under its own condition; outcomes in the same order.

        Those of one job are carried out in their order. Raises nothing: what one transition met is its outcome.
        """

    def add_edges(self, edges: Sequence[ExternalEdge]) -> None:
        """Writes edges to earlier submissions' jobs under their upstreams; writing one twice changes nothing."""

    def list_dependents(self, job: Job) -> Sequence[Dependent]:
        """All edges that leave `job`: those inline and those stored apart (read consistently)."""

    def list_dependents_of(self, jobs: Sequence[Job]) -> list[Sequence[Dependent]]:
        """The same for many jobs, in their order; asked for side by side."""


class JobIndex(Protocol):
    """The one index: hints for dispatch, capacity, repair and listings. It may lag behind the jobs.

    A group's entries are sorted by rank for READY, dispatch time for ACTIVE, due time for SCHEDULED, creation for
    PENDING, finish time for terminal states; times in milliseconds.
    """

    @property
    def shards(self) -> int:
        """How many shards each group of each pool has."""

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
        """At most `limit` entries of one shard, after `after`, with a sort value of at most `up_to`.

        `lane` is for READY: only its jobs are shown. A lane that is not sharded has shard 0 alone.
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
        """The first page of every shard of every one of `lanes`, by lane and shard; asked for side by side."""

    def count(self, pool: str, group: Group, *, at_most: int, lanes: Sequence[str] = (MAIN,)) -> int:
        """How many jobs the group holds over all shards of `lanes`; stops counting when it reaches `at_most`."""


class SubmissionStore(Protocol):
    """Workflow submissions and their plans."""

    def begin_if_absent(self, submission: Submission) -> Submission | None:
        """Writes a new submission in STAGING; returns the one that already stands under its id, if any."""

    def get(self, submission_id: str) -> Submission | None:
        """The submission, read consistently."""

    def move_phase_if(self, submission_id: str, expected: Phase, to: Phase) -> bool:
        """STAGING -> COMMITTED or ABANDONED, then COMPLETE or REMOVED; False where it was not in `expected`."""

    def save_plan(self, submission_id: str, plan: SubmissionPlan) -> None:
        """Stores the plan, over whatever an earlier try left."""

    def load_plan(self, submission_id: str) -> SubmissionPlan:
        """The plan; raises NotFound where none was saved."""

    def list_open(
        self, *, opened_before_ms: int, limit: int, after: OpenSubmission | None = None
    ) -> tuple[OpenSubmission, ...]:
        """At most `limit` submissions that are not COMPLETE or REMOVED and began before a time (ms), oldest first.

        With `after` only those behind that one, which may be done with by now.
        """


class WorkerRegistry(Protocol):
    """The worker processes of PROCESS pools: one entry for each id, owned by the session that wrote it.

    What is refused raises WorkerRefused with the entry as it stands, unless another error is named.
    """

    def register_if_free(self, worker: Worker, *, silent_since_ms: int) -> None:
        """Begins a session, over an entry whose worker is INACTIVE, LOST, or silent since before a time (ms).

        Raises WorkerIdTaken where another session works under the id.
        """

    def take_over_if_held_by(self, worker: Worker, session_id: str) -> None:
        """Begins a session in the place of `session_id`, whatever that one's state."""

    def heartbeat_if_mine(self, worker: Worker) -> Worker:
        """Stores load and totals of a session that is ACTIVE or DRAINING; returns the entry with its state."""

    def drain_if_mine(self, worker: Worker) -> Worker:
        """The same, and ACTIVE -> DRAINING."""

    def come_back_if_lost(self, worker: Worker) -> Worker:
        """LOST -> the worker's own state, with load and totals, where nobody took its id meanwhile."""

    def leave_if_mine(self, worker: Worker) -> Worker:
        """Any state of this session -> INACTIVE, with its last totals."""

    def request_drain_if_present(self, pool: str, worker_id: str, now_ms: int) -> Worker:
        """ACTIVE or DRAINING -> DRAINING, noting when that was first asked for; returns the entry."""

    def mark_lost_if_silent(self, worker: Worker, *, silent_since_ms: int, expires_at_s: int) -> bool:
        """ACTIVE or DRAINING -> LOST where this session's last heartbeat is older than `silent_since_ms`."""

    def get(self, pool: str, worker_id: str) -> Worker | None:
        """The entry, read consistently."""

    def page(self, pool: str, *, limit: int, after: str | None = None) -> WorkerPage:
        """At most `limit` entries of a pool by id, whatever their state, after the id `after`."""

    def list_live(self, pool: str, *, silent_since_ms: int) -> tuple[Worker, ...]:
        """The workers of a pool that are ACTIVE or DRAINING and beat not before `silent_since_ms`, by id."""


class Cursors(Protocol):
    """Where bounded, repeated work goes on next time."""

    def load(self, name: str) -> str | None:
        """The cursor's text, None at the start."""

    def save(self, name: str, position: str | None) -> None:
        """Stores where to go on; None starts over."""
