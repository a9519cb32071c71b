"""The state that all in-memory adapters share: tables, index, queues and the change stream of one deployment.

It behaves like the real stores wherever use cases depend on it. A large input and many dependents overflow and must
be loaded separately. An unacknowledged message is delivered again. Every write that changes something reaches the
stream. Every request is counted as AWS would bill it.
"""

from __future__ import annotations

import json
import threading
import zlib
from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dev.simulator.memory.pool_queue import PoolQueue
from tidegate.domain.announcements import Announcement
from tidegate.domain.audit import Act
from tidegate.domain.changes import JobChange
from tidegate.domain.dependency import Dependent
from tidegate.domain.grants import Grants
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.lanes import MAIN, is_sharded
from tidegate.domain.logs import LogLine, LogPlace
from tidegate.domain.progress import Segment, Summary
from tidegate.domain.pulses import Part
from tidegate.domain.rank import RankPolicy
from tidegate.domain.rules import RuleEntry, RuleKey
from tidegate.domain.states import Group, group_of
from tidegate.domain.statistics.codec import unpacked
from tidegate.domain.statistics.ended import EndedJob, EndPlace
from tidegate.domain.statistics.spans import Counted, Reached, Span
from tidegate.domain.submission import Submission, SubmissionPlan
from tidegate.domain.workers import Worker
from tidegate.domain.workflow_graph import WorkflowGraph
from tidegate.ports import IndexEntry, KnownLane

INLINE_BYTES = 4_096  # a larger input or result overflows
INLINE_DEPENDENTS = 64
PAGE_ENTRIES = 6_000  # DynamoDB's page of 1 MB at about 170 bytes an entry

IndexKey = tuple[str, Group, int, str]  # pool, group, shard, lane
SortedEntry = tuple[int, str]  # sort value, job id


class StoredRollup(NamedTuple):
    """A roll-up as bytes with what stands beside it, and when it may be removed, in seconds since the epoch."""

    data: bytes
    slot_ms: int | None
    oldest_ready_ms: int | None
    expires_at_s: int

    def counted(self, from_ms: int, to_ms: int) -> Counted:
        """Returns the roll-up of this time as the port tells it."""
        return Counted(from_ms, to_ms, unpacked(self.data), self.slot_ms, self.oldest_ready_ms)


@dataclass(frozen=True, slots=True)
class HeldLease:
    """The dispatch lease of a pool.

    It names its owner, its end in milliseconds, and whether another dispatcher has asked for it.
    """

    owner: str
    until_ms: int
    asked: bool = False


def _nothing(_request: str) -> None:
    return None


@dataclass(slots=True)
class MemoryWorld:
    """One deployment in memory.

    - `shards` (1 or more): the number of index shards.
    - `rank_policy`: ranks READY jobs.
    - `now_ms`: the time of the queues in milliseconds since the epoch; tests set it.
    - `requests`: the number of billed requests by name.
    - `on_request`: called with the name of a request before it takes effect; the caller gets any error that it raises.
    - `page_entries`: the most entries in a page of the index, as DynamoDB ends a page after 1 MB.
    - `changes`: the change stream, oldest first; its reader removes the records that it has read.
    """

    shards: int = 1
    rank_policy: RankPolicy = field(default_factory=RankPolicy)
    now_ms: int = 0
    page_entries: int = PAGE_ENTRIES
    requests: Counter[str] = field(default_factory=Counter)
    on_request: Callable[[str], None] = _nothing
    lock: threading.RLock = field(default_factory=threading.RLock)
    jobs: dict[str, Job] = field(default_factory=dict)
    inputs: dict[str, JobInput] = field(default_factory=dict)
    results: dict[tuple[str, str], Json] = field(default_factory=dict)
    results_expire_at_s: dict[tuple[str, str], int] = field(default_factory=dict)
    pages: dict[str, tuple[Dependent, ...]] = field(default_factory=dict)
    edges: dict[str, dict[tuple[str, int], Dependent]] = field(default_factory=dict)
    index: dict[IndexKey, list[SortedEntry]] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    plans: dict[str, SubmissionPlan] = field(default_factory=dict)
    # By submission: the time, and when it was noted, in milliseconds.
    reminders: dict[str, tuple[int, int]] = field(default_factory=dict)
    workers: dict[tuple[str, str], Worker] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    announced: dict[str, Announcement] = field(default_factory=dict)
    pulses: dict[Part, int] = field(default_factory=dict)
    rules: dict[RuleKey, RuleEntry] = field(default_factory=dict)
    grants: Grants = field(default_factory=Grants)
    lanes: dict[tuple[str, str], KnownLane] = field(default_factory=dict)
    permits: dict[str, set[str]] = field(default_factory=dict)
    # By permit: the limit, and the time of its last note in milliseconds.
    waiting_limits: dict[str, tuple[int, int]] = field(default_factory=dict)
    leases: dict[str, HeldLease] = field(default_factory=dict)
    segments: dict[tuple[str, int], Segment] = field(default_factory=dict)
    graphs: dict[str, WorkflowGraph] = field(default_factory=dict)
    reached: dict[str, Reached] = field(default_factory=dict)
    # By pool, kind, beginning and end.
    rollups: dict[tuple[str, Span, int, int], StoredRollup] = field(default_factory=dict)
    summaries: dict[str, Summary] = field(default_factory=dict)
    # By pool and place: the end, and when it may be removed, in seconds.
    kept_ends: dict[tuple[str, EndPlace], tuple[EndedJob, int]] = field(default_factory=dict)
    acts: dict[str, Act] = field(default_factory=dict)
    queues: dict[str, PoolQueue] = field(default_factory=dict)
    changes: deque[JobChange] = field(default_factory=deque)
    logs: dict[LogPlace, list[tuple[int, LogLine]]] = field(default_factory=dict)

    def charge(self, request: str) -> None:
        """Counts a request, and lets `on_request` refuse it."""
        self.requests[request] += 1
        self.on_request(request)

    def put_new(self, job: Job) -> None:
        """Writes a whole job, over an existing one; a large input and many dependents go to the overflow."""
        given, dependents = job.input, job.dependents
        if given is not None and _is_large({"p": given.parameters, "d": [str(d) for d in given.depends_on]}):
            self.inputs[job.job_id] = given
            job = replace(job, input=None)
        if len(dependents) > INLINE_DEPENDENTS:
            self.pages[job.job_id] = dependents
            job = replace(job, dependents=(), dependents_overflow=True)
        self.write(job)

    def write(self, job: Job) -> None:
        """Writes the new version of a job, and updates the index and the stream."""
        old = self.jobs.get(job.job_id)
        if old == job:
            return
        self.jobs[job.job_id] = job
        self._reindex(old, job)
        self.changes.append(JobChange(old, job))

    def remove(self, job_id: str) -> None:
        """Removes a job and its overflow; no error if it is gone."""
        self._reindex(self.jobs.pop(job_id, None), None)
        self.inputs.pop(job_id, None)
        self.pages.pop(job_id, None)

    def remove_expired(self) -> int:
        """Removes jobs, results and kept ends that have passed their retention, as DynamoDB's TTL does.

        Returns the number of jobs. A result in the overflow has an expiry of its own.
        """
        now_s = self.now_ms // 1_000
        gone = [
            job_id
            for job_id, job in self.jobs.items()
            if job.expires_at_s is not None and job.expires_at_s <= now_s
        ]
        for job_id in gone:
            self.remove(job_id)
            self.edges.pop(job_id, None)
        for key in [key for key, expires_at_s in self.results_expire_at_s.items() if expires_at_s <= now_s]:
            del self.results[key], self.results_expire_at_s[key]
        for kept in [kept for kept, (_, expires_at_s) in self.kept_ends.items() if expires_at_s <= now_s]:
            del self.kept_ends[kept]
        return len(gone)

    def index_key(self, job: Job) -> IndexKey:
        """Returns the part of the index that holds the job."""
        group = group_of(job.state)
        lane = job.lane if group is Group.READY else MAIN
        shard = zlib.crc32(job.job_id.encode()) % self.shards if is_sharded(lane) else 0
        return job.pool, group, shard, lane

    def index_entry(self, job: Job) -> IndexEntry:
        """Returns the job's entry in the index.

        READY entries are sorted by rank, others by the time that their group is sorted by.
        """
        return IndexEntry(job.job_id, self._sort(job), job.traits)

    def _sort(self, job: Job) -> int:
        created = job.created_at_ms
        match group_of(job.state):
            case Group.READY:
                return job.rank_under(self.rank_policy, job.ready_at_ms or created, passes=job.passes)
            case Group.ACTIVE:
                return job.queued_at_ms or created
            case Group.SCHEDULED:
                return job.wakes_at_ms or created
            case Group.PENDING:
                return created
            case _:
                return job.finished_at_ms or created

    def _reindex(self, old: Job | None, new: Job | None) -> None:
        before = (self.index_key(old), (self._sort(old), old.job_id)) if old else None
        after = (self.index_key(new), (self._sort(new), new.job_id)) if new else None
        if before == after:
            return
        if before:
            key, entry = before
            entries = self.index[key]
            del entries[bisect_left(entries, entry)]
        if after:
            key, entry = after
            insort(self.index.setdefault(key, []), entry)


def is_large_result(result: Json) -> bool:
    """Returns True if a result overflows."""
    return result is not None and _is_large(result)


def _is_large(value: Json) -> bool:
    return len(json.dumps(value, default=dict)) > INLINE_BYTES
