"""What the use cases ask of the world. Two sets of adapters answer: DynamoDB and SQS, and memory.

Every method may raise DependencyUnavailable when the service behind it does not answer within bounded retries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tidegate.domain.dependency import Dependent
from tidegate.domain.errors import NotFound, TransitionRefused
from tidegate.domain.job import Job, JobInput, Json, Progress
from tidegate.domain.states import Group, State
from tidegate.domain.submission import ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.domain.transitions import Transition


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A job as the index shows it. `sort` is the rank for READY, else a time in milliseconds (see JobIndex)."""

    job_id: str
    sort: int


@dataclass(frozen=True, slots=True)
class IndexPage:
    """A page of one shard of one group; `next` is where the following page starts, None at the end."""

    entries: tuple[IndexEntry, ...]
    next: IndexEntry | None


@dataclass(frozen=True, slots=True)
class Message:
    """What goes through a pool's queue: a job and the number of claims before this dispatch."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a worker received it; `receipt` acknowledges this delivery."""

    message: Message
    receipt: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process that serves a pool with `slots` jobs at once, as it last said of itself."""

    pool: str
    worker_id: str
    slots: int
    running: int
    heartbeat_at_ms: int
    expires_at_s: int


class JobStore(Protocol):
    """The jobs themselves: the truth that every decision is made on."""

    def get(self, job_id: str, *, consistent: bool = False) -> Job | None:
        """The job, or None. Without `consistent` it may be a little old."""

    def get_many(self, job_ids: Sequence[str]) -> dict[str, Job]:
        """The jobs that exist, by id; may be a little old. Any number of ids, asked for in bounded batches."""

    def load_input(self, job: Job) -> JobInput:
        """What the client gave the job, from the job itself or from where it is stored apart."""

    def load_inputs(self, jobs: Sequence[Job]) -> dict[str, JobInput]:
        """The same for many jobs, by job id, in bounded batches."""

    def load_result(self, job: Job) -> Json:
        """The result of a job, from the job itself or from where it is stored apart; None while there is none."""

    def store_result_apart(self, job: Job, result: Json) -> bool:
        """Stores a result that is too large to sit in the job, under its attempt; False where it may sit inside."""

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

    def apply_all(self, transitions: Sequence[Transition]) -> list[Job | TransitionRefused | NotFound]:
        """Carries out many independent transitions, each under its own condition; outcomes in the same order."""

    def add_edges(self, edges: Sequence[ExternalEdge]) -> None:
        """Writes edges to earlier submissions' jobs under their upstreams; writing one twice changes nothing."""

    def list_dependents(self, job: Job) -> Sequence[Dependent]:
        """All edges that leave `job`: those inline and those stored apart (read consistently)."""


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
    ) -> IndexPage:
        """At most `limit` entries of one shard, after `after`, with a sort value of at most `up_to`."""

    def count(self, pool: str, group: Group, *, at_most: int) -> int:
        """How many jobs the group holds over all shards; stops counting when it reaches `at_most`."""


class SubmissionStore(Protocol):
    """Workflow submissions and their plans."""

    def begin_if_absent(self, submission: Submission) -> Submission | None:
        """Writes a new submission in STAGING; returns the one that already stands under its id, if any."""

    def get(self, submission_id: str) -> Submission | None:
        """The submission, read consistently."""

    def move_phase_if(self, submission_id: str, expected: Phase, to: Phase) -> bool:
        """STAGING -> COMMITTED or ABANDONED, COMMITTED -> COMPLETE; False where it was not in `expected`."""

    def save_plan(self, submission_id: str, plan: SubmissionPlan) -> None:
        """Stores the plan, over whatever an earlier try left."""

    def load_plan(self, submission_id: str) -> SubmissionPlan:
        """The plan; raises NotFound where none was saved."""

    def list_open(self, *, opened_before_ms: int, limit: int) -> tuple[str, ...]:
        """Ids of submissions that are not COMPLETE and began before a time (ms), oldest first."""

    def remove_if_abandoned(self, submission_id: str) -> None:
        """Removes the record of an ABANDONED submission, so that its id may be used again; else does nothing."""


class WorkerRegistry(Protocol):
    """The worker processes of PROCESS pools."""

    def put(self, worker: Worker) -> None:
        """Registers a worker, or renews its entry."""

    def remove(self, pool: str, worker_id: str) -> None:
        """Takes a worker off; no error if it is gone."""

    def list_live(self, pool: str, *, seen_since_ms: int) -> tuple[Worker, ...]:
        """The workers of a pool whose last heartbeat is not older than `seen_since_ms`."""


class Cursors(Protocol):
    """Where bounded, repeated work goes on next time."""

    def load(self, name: str) -> str | None:
        """The cursor's text, None at the start."""

    def save(self, name: str, position: str | None) -> None:
        """Stores where to go on; None starts over."""


class Queue(Protocol):
    """The queues between dispatcher and workers, one per pool. A message is a hint: it may be lost or doubled."""

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Sends in batches; returns what could not be sent after bounded retries."""

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        """At most `limit` messages (1-10), waiting at most `wait_seconds` (0-20) for the first."""

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries; one that fails comes again and loses its claim."""

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        """Keeps a delivery invisible for `seconds` from now (0-43,200)."""


class Clock(Protocol):
    """The time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""


class Entropy(Protocol):
    """Everything that is not determined: new ids and jitter."""

    def new_ulid(self, now_ms: int) -> str:
        """A fresh ULID: 26 characters that sort by time."""

    def jitter(self) -> float:
        """Uniform in [0, 1)."""


class Conditions(Protocol):
    """The expression language of CONDITIONAL dependencies."""

    def check(self, expression: str) -> None:
        """Raises ConditionError where the expression does not compile."""

    def evaluate(self, expression: str, upstream: Mapping[str, Json]) -> bool:
        """The expression's value over `upstream`; raises ConditionError where it fails or is no boolean."""


class JobCatalogue(Protocol):
    """The job types that workers of this deployment can run."""

    def types(self) -> Sequence[str]:
        """Every registered type, sorted."""

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """What is wrong with parameters for a registered type: pairs of a path inside them and a message."""

    def reads_upstreams(self, job_type: str) -> bool:
        """Whether code of this type asked for its upstreams' results; False for an unknown type."""


class Signal(StrEnum):
    """What a heartbeat brings back."""

    GO_ON = "GO_ON"
    CANCEL = "CANCEL"  # cancellation was asked for; stop, the job becomes CANCELLED
    LOST = "LOST"  # another attempt owns the job; stop and write nothing
    HAND_BACK = "HAND_BACK"  # this worker shuts down; stop, the job goes back to READY


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a downstream job sees of one of its upstreams. `key` is its key in the workflow, if it has one."""

    job_id: str
    key: str | None
    state: State
    result: Json


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at one job, as job code gets it. `deadline_ms` is when the attempt times out."""

    job_id: str
    attempt: int
    type: str
    parameters: Mapping[str, Json]
    deadline_ms: int
    upstreams: tuple[Upstream, ...] = ()
    key: str | None = None


class Verdict(StrEnum):
    """How an attempt went."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
    HANDED_BACK = "HANDED_BACK"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: a result when SUCCEEDED, a code and a message when FAILED."""

    verdict: Verdict
    result: Json = None
    code: str = ""
    message: str = ""
    retryable: bool = True


class Heartbeat(Protocol):
    """Called by an executor at every heartbeat interval while job code runs; never raises."""

    def __call__(self, progress: Progress | None) -> Signal:
        """Extends the lease, stores what the job last said of its progress, and says whether to go on."""


class Executor(Protocol):
    """Runs job code under its timeout, beating while it runs."""

    def execute(self, assignment: Assignment, heartbeat: Heartbeat) -> Outcome:
        """Runs one attempt to its end; job code's errors come back as an Outcome, nothing is raised."""
