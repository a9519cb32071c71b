"""Enforces limits on concurrency strictly, even when the index lags.

A job with a concurrency key, or of a type with a limit, needs a permit to be dispatched. The dispatcher takes the
permit for it by a conditional write, and gives it back when the job is no longer dispatched. All other jobs need no
permit and cost nothing.

A permit is good for one attempt. Its holder is a job together with the moment at which it became READY, and each
attempt has a later one. So a late event of an earlier attempt can't free the permit of the current one. The dispatch
is written only if the job's `ready_at_ms` is unchanged.

Jobs of one key may ask for different limits. The lowest limit of all holders and of all jobs that wait in the key's
lanes counts. So no job can lift another job's limit by asking for a higher one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from tidegate.domain.dispatch_plan import Candidate
from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job
from tidegate.domain.lanes import key_lane, key_of, type_lane, type_of
from tidegate.domain.limits import MAX_CONCURRENCY_LIMIT
from tidegate.domain.permits import Permit, asking, attempt_of, key_permit, type_permit
from tidegate.domain.rank import ready_at_of
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import Group, State
from tidegate.domain.traits import Traits
from tidegate.domain.transitions import PassOverIfReady, TransitionRefused
from tidegate.ports import KnownLane
from tidegate.usecases.pools.lanes import LANES_AT_MOST
from tidegate.usecases.services import Services

_HOLDING = frozenset({State.READY, State.QUEUED, State.RUNNING})  # a READY job may be about to be dispatched
_WAITING_KEPT_MS = 60_000


@dataclass(frozen=True, slots=True)
class _Needed:
    permit: str
    limit: int
    lane: str  # the lane of jobs that wait for this permit
    is_shared: bool  # True for a key: other jobs may ask for other limits, and the lowest counts


def _needed(traits: Traits, rules: DispatchRules) -> Iterator[_Needed]:
    limit = rules.type_rule(traits.type).max_running
    if limit is not None:
        yield _Needed(type_permit(traits.type), limit, type_lane(traits.type), is_shared=False)
    key = traits.concurrency_key
    if key is not None:
        limit = traits.concurrency_limit
        yield _Needed(key_permit(key), limit, key_lane(key, limit), is_shared=True)


def needs_permit(traits: Traits, rules: DispatchRules) -> bool:
    """True if a job with these traits needs a permit to be dispatched."""
    return next(_needed(traits, rules), None) is not None


@dataclass(frozen=True, slots=True)
class PermitDesk:
    """Takes permits for the candidates of one dispatch plan. Does not ask again for a permit that was refused once."""

    services: Services
    rules: DispatchRules
    now_ms: int
    _refused: set[tuple[str, int]] = field(default_factory=set)  # permits and limits

    def grant(self, candidate: Candidate) -> str | None:
        """Takes all permits that the candidate needs and returns None.

        If one is refused, takes none and returns the lane in which the candidate has to wait. Raises
        ServiceUnavailable or ServiceRefused.
        """
        taken: list[_Needed] = []
        permits = self.services.permits
        for needed in _needed(candidate.traits, self.rules):
            asked = (needed.permit, needed.limit)
            take = permits.take_under_least if needed.is_shared else permits.take_if_free
            holder = _holder_of(candidate, needed)
            if asked in self._refused or not take(
                needed.permit, holder, limit=needed.limit, now_ms=self.now_ms
            ):
                self._refused.add(asked)
                for earlier in taken:
                    permits.give_back(earlier.permit, [_holder_of(candidate, earlier)])
                return needed.lane
            taken.append(needed)
        return None

    def give_back(self, candidate: Candidate) -> None:
        """Gives back the permits of a candidate that was not dispatched after all."""
        for needed in _needed(candidate.traits, self.rules):
            self.services.permits.give_back(needed.permit, [_holder_of(candidate, needed)])


def give_back_permits(services: Services, changed: Sequence[Job], rules: DispatchRules) -> None:
    """Gives back the permits of changed jobs that are no longer dispatched.

    Also gives back the permits of all earlier attempts in a job's history. Raises ServiceUnavailable or
    ServiceRefused.
    """
    by_permit: dict[str, list[str]] = {}
    for job in changed:
        ready_at_ms = {entry.at_ms for entry in job.history if entry.state is State.READY}
        present = set() if job.ready_at_ms is None else {job.ready_at_ms}
        over = sorted(ready_at_ms - present if job.state in _HOLDING else ready_at_ms | present)
        for needed in _needed(job.traits, rules) if over else ():
            by_permit.setdefault(needed.permit, []).extend(
                _holder(job.job_id, at_ms, needed) for at_ms in over
            )
    for permit, holders in by_permit.items():
        services.permits.give_back(permit, holders)


def audit_permits(services: Services, lanes: Sequence[KnownLane]) -> int:
    """Frees the permits that jobs in these lanes wait for from holders that are not dispatched.

    Such holders are left over from a lost event, or from a dispatcher that ended between taking the permit and the
    dispatch. Returns how many holders were removed. Raises ServiceUnavailable or ServiceRefused.
    """
    freed = 0
    for known in lanes:
        permit = _permit_of(known.lane)
        holders = sorted(services.permits.standing(permit).holders)
        gone = [holder for holder in holders if _lets_go(services, holder)]
        if gone:
            services.permits.give_back(permit, gone)
            freed += len(gone)
    return freed


def _permit_of(lane: str) -> str:
    bounded_by_key = key_of(lane)
    return key_permit(bounded_by_key[0]) if bounded_by_key else type_permit(type_of(lane) or "")


def settle_waiting(services: Services, pool: str, lanes: Sequence[KnownLane], now_ms: int) -> None:
    """Corrects the lowest limit that waiting jobs ask for, as noted on the permits of these lanes' keys.

    A limit that no waiting job asks for any more is removed. A limit noted within the last minute stays, because the
    index may not show the waiting job yet. A limit that was removed although a job waits with it, because the index
    lagged for longer, is noted again. Raises ServiceUnavailable or ServiceRefused.
    """
    limits: dict[str, list[int]] = {}
    for each in lanes:
        bounded_by_key = key_of(each.lane)
        if bounded_by_key is not None:
            limits.setdefault(bounded_by_key[0], []).append(bounded_by_key[1])
    over: dict[str, Permit] = {}
    for key in sorted(limits):
        permit = services.permits.standing(key_permit(key))
        limit, noted_ms_ago = permit.waiting_limit, now_ms - permit.waiting_noted_at_ms
        # The index is asked, not the registry of lanes, because only a bounded number of lanes is listed.
        if (
            limit is not None
            and noted_ms_ago >= _WAITING_KEPT_MS
            and not _somebody_waits(services, key, limit)
        ):
            over[key] = permit
        unknown = sorted(asked for asked in limits[key] if limit is None or asked < limit)
        waiting = next((asked for asked in unknown if _waits(services, pool, key, asked)), None)
        if waiting is not None:
            services.permits.note_waiting(key_permit(key), waiting, now_ms=now_ms)
            over.pop(key, None)
    for key, least in _least_waiting(services, over.keys()).items() if over else ():
        services.permits.set_waiting_if_not_noted_since(
            key_permit(key), least, noted_at_ms=over[key].waiting_noted_at_ms
        )


def _somebody_waits(services: Services, key: str, limit: int) -> bool:
    """True if a job that asks for this limit waits for the key in any pool."""
    return any(_waits(services, pool, key, limit) for pool in sorted(services.settings.pools))


def _waits(services: Services, pool: str, key: str, limit: int) -> bool:
    lane = key_lane(key, limit)
    return bool(services.index.page(pool, Group.READY, 0, limit=1, lane=lane).entries)


def _least_waiting(services: Services, keys: Set[str]) -> Mapping[str, int | None]:
    """Returns for each key the lowest limit that a job waiting in any pool asks for; None if no job waits."""
    least: dict[str, int | None] = dict.fromkeys(keys)
    for pool in sorted(services.settings.pools):
        listed = services.lanes.list_lanes(pool, limit=LANES_AT_MOST)
        lanes = [each.lane for each in listed if (key_of(each.lane) or ("", 0))[0] in keys]
        if len(listed) >= LANES_AT_MOST:
            # The registry may hold any number of further lanes. A key has one lane for each limit, so all of those are
            # looked into instead.
            limits_of_key = range(1, MAX_CONCURRENCY_LIMIT + 1)
            lanes = [key_lane(key, limit) for key in sorted(keys) for limit in limits_of_key]
        pages = services.index.first_pages(pool, Group.READY, limit=1, lanes=lanes)
        for key, limit in (key_of(lane) or ("", 0) for (lane, _), page in pages.items() if page.entries):
            least[key] = min(limit, least[key] or limit)
    return least


def _holder(job_id: str, ready_at_ms: int, needed: _Needed) -> str:
    holder = f"{job_id}@{ready_at_ms}"
    return asking(holder, needed.limit) if needed.is_shared else holder


def _holder_of(candidate: Candidate, needed: _Needed) -> str:
    return _holder(candidate.job_id, ready_at_of(candidate.rank), needed)


def _lets_go(services: Services, holder: str) -> bool:
    """True if the holder is not dispatched and can no longer be dispatched under this permit."""
    job_id, ready_at_ms = attempt_of(holder)
    job = services.jobs.get(job_id, consistent=True)
    if job is not None and job.state is State.READY and job.ready_at_ms == ready_at_ms:
        # A dispatcher may be about to dispatch the job, or it died and left the permit taken. Passing over changes
        # `ready_at_ms`: a slow dispatcher that still holds the old version can no longer dispatch the job, so its
        # permits can be freed safely.
        try:
            job = services.jobs.apply(PassOverIfReady(job))
        except TransitionRefused as refused:
            job = refused.job
        except NotFound:
            job = None
    return job is None or job.state not in _HOLDING or job.ready_at_ms != ready_at_ms
