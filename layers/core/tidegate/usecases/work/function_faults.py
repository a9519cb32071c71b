"""Records for the dispatcher which jobs the function of a pool can't run.

The record is one entry of the pool. `pools/capacity.py` says for how long the dispatcher heeds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.texts import plain_message
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.ports import UNKNOWN_TYPE, Message, Outcome, OutcomeKind
from tidegate.usecases.pools.capacity import ENTRY_ID, PAUSE_MS
from tidegate.usecases.services import Services
from tidegate.usecases.work.pass_on import take_back


@dataclass(slots=True)
class FunctionFaults:
    """The faults that one process of the function has met: the job types that it was given but lacks."""

    lacking: set[str] = field(default_factory=set)

    def note(self, services: Services, job: Job, outcome: Outcome, now_ms: int) -> None:
        """Records for the dispatcher why an attempt could not begin.

        An entry names at most `MAX_LACKING_TYPES` types. A function that lacks more counts as able to run nothing.
        Otherwise jobs of a type that the entry does not name would be dispatched and taken back endlessly.
        Raises ServiceUnavailable or ServiceRefused.
        """
        if outcome.code != UNKNOWN_TYPE:
            self._write(services, job.pool, f"{outcome.code}: {outcome.message}", now_ms)
            return
        is_named = job.type in self.lacking or len(self.lacking) < limits.MAX_LACKING_TYPES
        if is_named:
            self.lacking.add(job.type)
        fault = "" if is_named else f"more than {limits.MAX_LACKING_TYPES} job types are lacking"
        self._write(services, job.pool, fault, now_ms)

    def refuse(self, services: Services, message: Message, worker_id: str, now_ms: int) -> None:
        """Takes back the job of a message whose type this function lacks.

        The job is READY again and uses up no retry. Does nothing if the job is no longer QUEUED. Raises
        ServiceUnavailable or ServiceRefused if the message should be delivered again.
        """
        if message.second:
            return  # the offer lapses, and its job goes on
        job = services.jobs.get(message.job_id, consistent=True)
        if job is not None and job.state is State.QUEUED:
            # Before the job becomes READY, so that the dispatcher that its event wakes knows the fault.
            self.note(services, job, Outcome(OutcomeKind.UNABLE, code=UNKNOWN_TYPE), now_ms)
            take_back(services, job, message, worker_id, f"{worker_id} lacks its type", now_ms)

    def _write(self, services: Services, pool: str, fault: str, now_ms: int) -> None:
        spec = WorkerSpec(pool, ENTRY_ID, ENTRY_ID, slots=services.settings.pools[pool].capacity)
        entry = replace(
            begin(spec, services.entropy.new_ulid(now_ms), now_ms),
            lacking=tuple(sorted(self.lacking)),
            fault=plain_message(fault)[: limits.MAX_FAULT_CHARACTERS],
        )
        # Every process of the function may write the entry, and the last write wins. `silent_since_ms` lies ahead, so
        # the entry of another process always counts as silent and never refuses this write.
        services.workers.register_if_free(entry, silent_since_ms=now_ms + 2 * PAUSE_MS)
