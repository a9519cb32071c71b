"""The transition by which a caller changes a job that waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tidegate.domain import limits
from tidegate.domain.amendments import AMENDABLE, KEPT, Amendment
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN
from tidegate.domain.states import State
from tidegate.domain.transitions.base import OfKnownJob, Stamp, after_latest, brought_to

# Allowed beyond the most amendments, so that no job stays on hold for ever. Each needs an amendment before it.
_UNHOLD = Amendment(on_hold=False)


@dataclass(frozen=True, slots=True)
class AmendIfWaiting(OfKnownJob):
    """Gives a PENDING, SCHEDULED or READY job new values.

    A READY job with another priority keeps its `ready_at_ms`, so its rank is what it would have been from the start.
    A READY job becomes SCHEDULED if it gets another pool, a `not_before` that is still to come, or is put on hold. It
    waits anew then, so a dispatcher that holds the old version can no longer dispatch it. A SCHEDULED job that waits
    for its backoff waits for the later of that and its new `not_before`. A job on hold keeps its `due_at_ms`, but does
    not become READY then. `amended` counts the amendments: a write by another actor that rests on the old values is
    refused.
    """

    name: ClassVar[str] = "amend"
    amendment: Amendment
    stamp: Stamp

    def apply(self, job: Job) -> Job:
        self._require(job.state in AMENDABLE, job, f"it is {job.state}")
        self._require(
            job.amended < limits.MAX_AMENDMENTS or self.amendment == _UNHOLD,
            job,
            f"it was amended {limits.MAX_AMENDMENTS} times, the most allowed",
        )
        after = replace(job, amended=job.amended + 1, **self._values(job))
        if job.state is State.PENDING or not self._waits_anew(job, after):
            return after
        due_at_ms = max(self._backoff_ms(job), after.not_before_ms or 0, after_latest(job, self.stamp).now_ms)
        if job.state is State.SCHEDULED:
            return replace(after, due_at_ms=due_at_ms)
        return brought_to(after, State.SCHEDULED, self.stamp, due_at_ms=due_at_ms, held_in=MAIN)

    def would_change(self, job: Job) -> bool:
        """Tells whether the job has other values than the amendment gives it."""
        return replace(job, **self._values(job)) != job

    def _values(self, job: Job) -> dict[str, Any]:
        """Returns the new values by field. A job that gets a pool keeps it, whichever pool is freer later.

        Judgements about a time to finish by mean nothing for another time.
        """
        given = {
            "priority": self.amendment.priority,
            "not_before_ms": self.amendment.not_before_ms,
            "finish_by_ms": self.amendment.finish_by_ms,
            "pool": self.amendment.pool,
            "description": self.amendment.description,
            "tags": self.amendment.tags,
            "on_hold": self.amendment.on_hold,
        }
        values: dict[str, Any] = {field: value for field, value in given.items() if value is not KEPT}
        if "pool" in values:
            values["pool_open"] = False
        if values.get("finish_by_ms", job.finish_by_ms) != job.finish_by_ms:
            values["judgements"] = ()
        return values

    def _waits_anew(self, job: Job, after: Job) -> bool:
        if job.state is State.SCHEDULED:
            return after.not_before_ms != job.not_before_ms
        is_early = (after.not_before_ms or 0) > self.stamp.now_ms
        return after.pool != job.pool or is_early or after.on_hold

    def _backoff_ms(self, job: Job) -> int:
        """Returns when the backoff of a SCHEDULED job ends, 0 where it waits for its `not_before` alone."""
        waits_for_time = job.state is not State.SCHEDULED or job.due_at_ms == job.not_before_ms
        return 0 if waits_for_time else job.due_at_ms or 0
