"""Worker processes: what they report of themselves, their states, and the slots that they bring to their pool.

A test compares the transition table with the drawing in `docs/explanation/workers.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, TidegateError, Violation
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.suggestions import did_you_mean

ENTRY_KEPT_SECONDS = 86_400  # after a worker's last heartbeat, so that operators can still see how it ended
LATEST_SESSIONS = 3  # under one worker id, whose slots are still known after they ended
WORKER_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{limits.MAX_WORKER_ID_CHARACTERS}}}")


class WorkerState(StrEnum):
    """The state of a worker process."""

    ACTIVE = "ACTIVE"  # takes jobs
    DRAINING = "DRAINING"  # takes no more jobs; those that run may finish
    INACTIVE = "INACTIVE"  # has left on its own
    LOST = "LOST"  # sent no heartbeat for too long


PRESENT = frozenset({WorkerState.ACTIVE, WorkerState.DRAINING})

# The transitions of one session. A process that registers again under the same id begins a new session.
WORKER_TRANSITIONS: Mapping[WorkerState, frozenset[WorkerState]] = MappingProxyType(
    {
        WorkerState.ACTIVE: frozenset({WorkerState.DRAINING, WorkerState.INACTIVE, WorkerState.LOST}),
        WorkerState.DRAINING: frozenset({WorkerState.INACTIVE, WorkerState.LOST}),
        # The process had only been suspended, and no other process took its id meanwhile.
        WorkerState.LOST: frozenset({WorkerState.ACTIVE, WorkerState.DRAINING, WorkerState.INACTIVE}),
        WorkerState.INACTIVE: frozenset(),
    }
)


def sources_of(state: WorkerState) -> frozenset[WorkerState]:
    """Returns the states from which a worker can go to `state`."""
    return frozenset(source for source, targets in WORKER_TRANSITIONS.items() if state in targets)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of the attempts of one session.

    `failed` includes attempts that timed out and those that are retried. A cancelled or lost attempt counts in
    `claimed` only, as does a second attempt that does not win.
    """

    claimed: int = 0
    succeeded: int = 0
    failed: int = 0
    handed_back: int = 0

    def __add__(self, other: Totals) -> Totals:
        """Returns the counts of both."""
        return Totals(
            self.claimed + other.claimed,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.handed_back + other.handed_back,
        )


@dataclass(frozen=True, slots=True)
class Slots:
    """So many slots, from `from_ms` on and before `to_ms`, in milliseconds since the epoch."""

    slots: int
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class AllSessions:
    """The work of `sessions` sessions under one worker id, since the first of them began at `since_ms`.

    `lost` counts the attempts that ran when a session ended without leaving, as its last heartbeat told. The counts go
    back to the last time that the id had no entry, so they begin anew after a day without the worker. `latest` are the
    slots of the sessions that ended last, at most LATEST_SESSIONS, in their order.
    """

    since_ms: int
    sessions: int = 0
    totals: Totals = Totals()
    lost: int = 0
    latest: tuple[Slots, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """The properties of a worker process that are fixed when it starts. `slots` is how many jobs it runs at once."""

    pool: str
    worker_id: str
    host: str
    slots: int
    name: str | None = None
    capabilities: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process as it last reported itself.

    `session_id` is a ULID made when the process starts. It is the fencing token: no write under the worker's id
    succeeds without it. `clock_off_ms` is how far the machine's clock was ahead of AWS's time; it is negative where the
    clock was behind. `lacking` are job types that the worker was given and does not have, sorted. `fault` says why the
    worker can begin no job at all; it is empty while it can. `earlier` is the work of the earlier sessions under the
    id, None where there were none. `response_ms` is the mean time from a claim until the job's code began, over the
    latest attempts, None before the first. Times end in `_ms` or `_s` and count from the epoch.
    """

    spec: WorkerSpec
    session_id: str
    state: WorkerState
    started_at_ms: int
    heartbeat_at_ms: int
    expires_at_s: int
    running: int = 0
    totals: Totals = Totals()
    drain_requested_at_ms: int | None = None
    drain_requested_by: str | None = None
    clock_off_ms: int = 0
    lacking: tuple[str, ...] = ()
    fault: str = ""
    earlier: AllSessions | None = None
    response_ms: int | None = None

    @property
    def all_sessions(self) -> AllSessions:
        """Returns the work of this session and the earlier ones. The attempts of a LOST worker are lost."""
        before = self.earlier or AllSessions(self.started_at_ms)
        lost = self.running if self.state is WorkerState.LOST else 0
        return AllSessions(
            before.since_ms, before.sessions + 1, before.totals + self.totals, before.lost + lost
        )

    @property
    def held(self) -> tuple[Slots, ...]:
        """Returns the slots of the latest sessions up to the last heartbeat of each, those of this one last.

        All slots count, also while the worker drains or reports a fault, because its machine is paid for.
        """
        before = self.earlier.latest if self.earlier else ()
        return (*before, Slots(self.spec.slots, self.started_at_ms, self.heartbeat_at_ms))

    @property
    def pool(self) -> str:
        """Returns the name of the pool that the worker serves."""
        return self.spec.pool

    @property
    def worker_id(self) -> str:
        """Returns the worker's id, which is unique in its pool."""
        return self.spec.worker_id

    def is_live(self, silent_since_ms: int) -> bool:
        """Tells whether the worker is ACTIVE or DRAINING and its last heartbeat is not older than `silent_since_ms`."""
        return self.state in PRESENT and self.heartbeat_at_ms >= silent_since_ms


class WorkerIdTaken(TidegateError):
    """The error for a worker id under which another process sent a heartbeat lately. `holder` is that process's entry.

    `silent_since_ms` is the time from which on a heartbeat keeps an id taken, in milliseconds since the epoch. The
    message says after how many seconds the id is free.
    """

    code = "worker-id-taken"

    def __init__(self, holder: Worker, *, silent_since_ms: int) -> None:
        self.holder = holder
        wait_seconds = max(0, holder.heartbeat_at_ms - silent_since_ms) // 1_000 + 1
        last = datetime.fromtimestamp(holder.heartbeat_at_ms / 1_000, UTC).isoformat(timespec="milliseconds")
        super().__init__(
            f"worker id {holder.worker_id!r} of pool {holder.pool!r} is taken: a process on host "
            f"{holder.spec.host!r} is {holder.state} under it, last heartbeat {last}; it is free in "
            f"{wait_seconds} s if that process sends no more heartbeats: wait, choose another worker id, or take it "
            "over (--take-over), which stops the other process"
        )


class WorkerRefused(TidegateError):
    """The error for a change of a worker's entry whose condition does not hold.

    `worker` is the entry as the conditional write found it, None where there is none.
    """

    code = "worker-refused"

    def __init__(self, action: str, worker_id: str, worker: Worker | None) -> None:
        self.worker = worker
        found = f"it is {worker.state} in session {worker.session_id}" if worker else "it has no entry"
        super().__init__(f"{action} refused for worker {worker_id}: {found}")


class WorkerFenced(TidegateError):
    """The error for a process whose worker id now belongs to another session. `holder` is that session's entry."""

    code = "worker-fenced"

    def __init__(self, holder: Worker) -> None:
        self.holder = holder
        super().__init__(
            f"worker id {holder.worker_id!r} of pool {holder.pool!r} now belongs to a process on host "
            f"{holder.spec.host!r} (session {holder.session_id}); this one must stop and hand its jobs back"
        )


class WorkerGone(TidegateError):
    """The error for draining a worker that has left or was lost."""

    code = "worker-gone"

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        super().__init__(f"worker {worker.worker_id} is {worker.state}; there is nothing left to drain")


def begin(spec: WorkerSpec, session_id: str, now_ms: int, *, standing: Worker | None = None) -> Worker:
    """Returns the entry of a worker that starts at `now_ms`, in milliseconds since the epoch.

    `standing` is the entry of the session before under the same id, None where there is none. If that session has not
    left, the attempts that it ran are lost.
    """
    earlier: AllSessions | None = None
    if standing is not None:
        has_left = standing.state is WorkerState.INACTIVE
        counts = (standing if has_left else replace(standing, state=WorkerState.LOST)).all_sessions
        earlier = replace(counts, latest=standing.held[-LATEST_SESSIONS:])
    return Worker(
        spec,
        session_id,
        WorkerState.ACTIVE,
        started_at_ms=now_ms,
        heartbeat_at_ms=now_ms,
        expires_at_s=kept_until_s(now_ms),
        earlier=earlier,
    )


def kept_until_s(now_ms: int) -> int:
    """Returns when an entry that is written at `now_ms` may be removed, in seconds since the epoch."""
    return now_ms // 1_000 + ENTRY_KEPT_SECONDS


def kept_since_ms(expires_at_s: int) -> int:
    """Returns when an entry was last written, in milliseconds since the epoch and by the whole second.

    `expires_at_s` is when the entry may be removed, as `kept_until_s` says.
    """
    return (expires_at_s - ENTRY_KEPT_SECONDS) * 1_000


@dataclass(frozen=True, slots=True)
class Ability:
    """The jobs that a pool can run at once: `slots` in all.

    `limited` maps a job type to the smaller number of slots that can run it. `fault` is the fault of one worker that
    can begin no job; it is empty where no worker has one.
    """

    slots: int
    limited: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""


def ability_of(workers: Iterable[Worker], silent_since_ms: int) -> Ability:
    """Adds up the slots of the live workers that do not drain. A worker with a fault adds none.

    A worker is live where its last heartbeat is not older than `silent_since_ms`.
    """
    active = [
        worker for worker in workers if worker.state is WorkerState.ACTIVE and worker.is_live(silent_since_ms)
    ]
    able = [worker for worker in active if not worker.fault]
    slots = sum(worker.spec.slots for worker in able)
    limited: dict[str, int] = {}
    for worker in able:
        for job_type in worker.lacking:
            limited[job_type] = limited.get(job_type, slots) - worker.spec.slots
    return Ability(slots, limited, next((worker.fault for worker in active if worker.fault), ""))


def check_spec(spec: WorkerSpec, pools: Mapping[str, Pool]) -> None:
    """Raises InvalidRequest that names each wrong field of a worker's specification."""
    violations = (*_pool_violations(spec, pools), *_own_violations(spec))
    if violations:
        raise InvalidRequest(violations)


def _pool_violations(spec: WorkerSpec, pools: Mapping[str, Pool]) -> Iterator[Violation]:
    pool = pools.get(spec.pool)
    if pool is None:
        served = sorted(name for name, other in pools.items() if other.kind is PoolKind.PROCESS)
        yield Violation(
            "pool",
            f"unknown pool {spec.pool!r}; worker processes serve {', '.join(served) or 'none'} here"
            f"{did_you_mean(spec.pool, served)}",
        )
        return
    if pool.kind is not PoolKind.PROCESS:
        yield Violation(
            "pool",
            f"{spec.pool!r} is served by a function, not by worker processes; choose a pool of kind process",
        )
    missing = pool.capabilities - spec.capabilities
    if missing:
        yield Violation(
            "capability",
            f"pool {spec.pool!r} offers {', '.join(sorted(missing))} to its jobs, which this worker "
            "does not declare; declare each one that it has, or none to declare all, or serve another pool",
        )


def _own_violations(spec: WorkerSpec) -> Iterator[Violation]:
    if not 1 <= spec.slots <= limits.MAX_WORKER_SLOTS:
        yield Violation("slots", f"is {spec.slots}; must be from 1 to {limits.MAX_WORKER_SLOTS}")
    if not WORKER_ID.fullmatch(spec.worker_id):
        yield Violation(
            "worker-id",
            f"must have 1 to {limits.MAX_WORKER_ID_CHARACTERS} letters, digits, dots, hyphens or underscores",
        )
    if spec.name is not None and not _is_text(spec.name, limits.MAX_NAME_CHARACTERS):
        yield Violation("name", _text_rule(limits.MAX_NAME_CHARACTERS))
    if len(spec.capabilities) > limits.MAX_WORKER_CAPABILITIES:
        yield Violation(
            "capability",
            f"{len(spec.capabilities)} are given; at most {limits.MAX_WORKER_CAPABILITIES} are allowed",
        )
    if len(spec.tags) > limits.MAX_TAGS:
        yield Violation("tag", f"{len(spec.tags)} are given; at most {limits.MAX_TAGS} are allowed")
    texts = {"capability": spec.capabilities, "tag": (*spec.tags, *spec.tags.values())}
    for field_name, given in texts.items():
        if not all(_is_text(text, limits.MAX_TAG_CHARACTERS) for text in given):
            yield Violation(field_name, _text_rule(limits.MAX_TAG_CHARACTERS))


def _is_text(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and text.isprintable()


def _text_rule(most: int) -> str:
    return f"must have 1 to {most} characters, all of them printable"
