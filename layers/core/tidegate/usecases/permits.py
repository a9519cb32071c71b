"""Permits: bounds on concurrency that hold strictly, whatever the index shows.

A job with a concurrency key, or of a type with a limit, is dispatched only as a holder of that permit, which is taken
by a conditional write and given back when the job is no longer dispatched. Everybody else needs none and costs nothing.

A holder is a job and the moment at which it became READY, not the job alone: news of an earlier attempt, which may come
late, can't give back what the present one holds. A dispatch is conditional on that moment too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidegate.domain.dispatch_plan import Candidate, Traits
from tidegate.domain.errors import NotFound, TransitionRefused
from tidegate.domain.job import Job
from tidegate.domain.lanes import key_lane, key_of, type_lane, type_of
from tidegate.domain.rank import ready_at_of
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.domain.transitions import PassOverIfReady
from tidegate.ports import KnownLane
from tidegate.usecases.services import Services

_HOLDING = frozenset({State.READY, State.QUEUED, State.RUNNING})  # READY: about to be dispatched, perhaps


@dataclass(frozen=True, slots=True)
class _Needed:
    permit: str
    limit: int
    lane: str  # where a job waits that does not get it


def _needed(traits: Traits, rules: DispatchRules) -> Iterator[_Needed]:
    limit = rules.type_rule(traits.type).max_running
    if limit is not None:
        yield _Needed(_type_permit(traits.type), limit, type_lane(traits.type))
    key = traits.concurrency_key
    if key is not None:
        limit = traits.concurrency_limit
        yield _Needed(_key_permit(key), limit, key_lane(key, limit))


def needs_permit(traits: Traits, rules: DispatchRules) -> bool:
    """Whether a job with these traits is dispatched as the holder of a permit only."""
    return next(_needed(traits, rules), None) is not None


def _type_permit(job_type: str) -> str:
    return f"type:{job_type}"


def _key_permit(key: str) -> str:
    return f"key:{key}"


@dataclass(frozen=True, slots=True)
class PermitDesk:
    """Takes permits for the candidates of one plan."""

    services: Services
    rules: DispatchRules
    now_ms: int

    def grant(self, candidate: Candidate) -> str | None:
        """Takes all that the candidate needs; else takes none, and names the lane in which it has to wait."""
        taken: list[str] = []
        holder = _holder_of(candidate)
        for needed in _needed(candidate.traits, self.rules):
            permits = self.services.permits
            if not permits.take_if_free(needed.permit, holder, limit=needed.limit, now_ms=self.now_ms):
                for permit in taken:
                    permits.give_back(permit, [holder])
                return needed.lane
            taken.append(needed.permit)
        return None

    def give_back(self, candidate: Candidate) -> None:
        """Gives back what was taken for a candidate that was not dispatched after all."""
        for needed in _needed(candidate.traits, self.rules):
            self.services.permits.give_back(needed.permit, [_holder_of(candidate)])


def give_back_permits(services: Services, changed: Sequence[Job], rules: DispatchRules) -> None:
    """Gives back what jobs held that are dispatched no longer."""
    by_permit: dict[str, list[str]] = {}
    for job in changed:
        ready_at_ms = {entry.at_ms for entry in job.history if entry.state is State.READY}
        present = set() if job.ready_at_ms is None else {job.ready_at_ms}
        over = sorted(ready_at_ms - present if job.state in _HOLDING else ready_at_ms | present)
        for needed in _needed(job.traits, rules) if over else ():
            by_permit.setdefault(needed.permit, []).extend(_holder(job.job_id, at_ms) for at_ms in over)
    for permit, holders in by_permit.items():
        services.permits.give_back(permit, holders)


def audit_permits(services: Services, lanes: Sequence[KnownLane]) -> int:
    """Takes the permits that jobs in these lanes wait for from holders that are not dispatched.

    A lost event left them behind, or a dispatcher that ended between permit and dispatch. Returns how many.
    """
    freed = 0
    for known in lanes:
        permit = _permit_of(known.lane)
        gone = [holder for holder in sorted(services.permits.holders(permit)) if _lets_go(services, holder)]
        if gone:
            services.permits.give_back(permit, gone)
            freed += len(gone)
    return freed


def _permit_of(lane: str) -> str:
    bounded_by_key = key_of(lane)
    return _key_permit(bounded_by_key[0]) if bounded_by_key else _type_permit(type_of(lane) or "")


def _holder(job_id: str, ready_at_ms: int) -> str:
    return f"{job_id}@{ready_at_ms}"


def _holder_of(candidate: Candidate) -> str:
    return _holder(candidate.job_id, ready_at_of(candidate.rank))


def _lets_go(services: Services, holder: str) -> bool:
    """Whether the holder is not dispatched under this permit, and can't be any more."""
    job_id, _, ready_at_ms = holder.partition("@")
    job = services.jobs.get(job_id, consistent=True)
    if job is not None and job.state is State.READY and job.ready_at_ms == int(ready_at_ms):
        # A dispatcher may be about to dispatch it. One that is gone would leave the permit taken for ever.
        try:
            job = services.jobs.apply(PassOverIfReady(job))
        except TransitionRefused as refused:
            job = refused.job
        except NotFound:
            job = None
    return job is None or job.state not in _HOLDING or job.ready_at_ms != int(ready_at_ms)
