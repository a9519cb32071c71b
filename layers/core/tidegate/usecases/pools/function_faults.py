"""Function faults: a pool's function notes for the dispatcher which jobs it can't run.

A function has no worker entries of its own. Where its code lacks a job type or can't begin any job, it writes one entry
for its pool. For `PAUSE_MS` the dispatcher holds back what the entry names; for as long again it lets one job through
at a time, to see whether a deployment has mended the function; then the entry is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool
from tidegate.domain.states import State
from tidegate.domain.texts import plain_message
from tidegate.domain.workers import Ability, Worker, WorkerSpec, begin
from tidegate.ports import UNKNOWN_TYPE, Message, Outcome, OutcomeKind
from tidegate.usecases.services import Services
from tidegate.usecases.work.pass_on import take_back

PAUSE_MS = 5 * 60_000
ENTRY_ID = "function"


@dataclass(slots=True)
class FunctionFaults:
    """Faults of one process of the function: the types that it lacks, as far as it was given their jobs."""

    lacking: set[str] = field(default_factory=set)

    def note(self, services: Services, job: Job, outcome: Outcome, now_ms: int) -> None:
        """Writes for the dispatcher what an attempt that could not begin has shown.

        An entry has a bound on types. With more than that the function counts as able to run nothing: jobs of a type
        that the entry did not name would be dispatched and taken back without end.
        """
        if outcome.code != UNKNOWN_TYPE:
            self._write(services, job.pool, f"{outcome.code}: {outcome.message}", now_ms)
            return
        is_named = job.type in self.lacking or len(self.lacking) < limits.MAX_LACKING_TYPES
        if is_named:
            self.lacking.add(job.type)
        fault = "" if is_named else f"more than {limits.MAX_LACKING_TYPES} job types are lacking"
        self._write(services, job.pool, fault, now_ms)

    def refuses(self, services: Services, message: Message, worker_id: str, now_ms: int) -> bool:
        """Takes the job of a message back, at no cost to it, where this function can't run it; else False.

        Raises DependencyUnavailable or ServiceRefused where the message should come again.
        """
        if not message.type or message.type in services.catalogue.types():
            return False
        job = services.jobs.get(message.job_id, consistent=True)
        if job is not None and job.state is State.QUEUED:
            # Before the job is READY, so that the dispatcher that hears of it knows.
            self.note(services, job, Outcome(OutcomeKind.UNABLE, code=UNKNOWN_TYPE), now_ms)
            take_back(services, job, message, worker_id, f"{worker_id} lacks its type", now_ms)
        return True

    def _write(self, services: Services, pool: str, fault: str, now_ms: int) -> None:
        spec = WorkerSpec(pool, ENTRY_ID, ENTRY_ID, slots=services.settings.pools[pool].capacity)
        entry = replace(
            begin(spec, services.entropy.new_ulid(now_ms), now_ms),
            lacking=tuple(sorted(self.lacking)),
            fault=plain_message(fault)[: limits.MAX_FAULT_CHARACTERS],
        )
        # Every process of the function may write it: the latest word counts.
        services.workers.register_if_free(entry, silent_since_ms=now_ms + 2 * PAUSE_MS)


def function_ability(services: Services, pool: Pool, now_ms: int) -> Ability:
    """Sums up what the function of `pool` can run at once, as far as it has said so."""
    entry = services.recall.of(f"function#{pool.name}", now_ms, _reading(services, pool.name, now_ms))
    if entry is None:
        return Ability(pool.capacity)
    tried = 1 if now_ms - entry.heartbeat_at_ms >= PAUSE_MS else 0
    slots = min(tried, pool.capacity) if entry.fault else pool.capacity
    return Ability(slots, {job_type: min(tried, slots) for job_type in entry.lacking}, entry.fault)


def _reading(services: Services, pool: str, now_ms: int) -> Callable[[], Worker | None]:
    def read() -> Worker | None:
        live = services.workers.list_live(pool, silent_since_ms=now_ms - 2 * PAUSE_MS)
        return next((worker for worker in live if worker.worker_id == ENTRY_ID), None)

    return read
