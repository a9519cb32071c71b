"""Decides which facts hold a job. It judges as the engine does: by `judge`, the dispatch plan, the ranks and the rules.

The facts are found one after the other, each in the world in which the changes of those before it are made. For
example, an upstream that has ended takes no slot any more. So no change asks for more than is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from tidegate.domain.dependency import DependencyType, Verdict, judge
from tidegate.domain.dispatch_plan import Candidate, window_slots
from tidegate.domain.job import Job
from tidegate.domain.keys import plain_key
from tidegate.domain.limits import MAX_TYPE_LIMIT
from tidegate.domain.permits import Permit, asking, has_room, job_of, key_permit, least_in_force, type_permit
from tidegate.domain.states import REOPENABLE, State
from tidegate.domain.statistics.usual_runs import Straggler, running_since_ms
from tidegate.domain.why import texts
from tidegate.domain.why.facts import Action, Change, Code, Fact, Plain, Why
from tidegate.domain.why.places import Line, candidate_of, line_of, line_of_queued
from tidegate.domain.why.seen import Edge, PoolSeen, Seen

WAITING = frozenset({State.PENDING, State.SCHEDULED, State.READY, State.QUEUED})
SHOWN = 3  # jobs ahead that an answer names
MAX_HOLDERS_SHOWN = 10
MAX_ROUNDS = 20  # in which further jobs of one key come to be ahead


def decide(seen: Seen) -> Why:
    """Returns the facts that hold the job, and the changes that start it.

    A job that has ended has none. A job that runs has one if it is a straggler.
    """
    job = seen.job
    if job.state not in WAITING:
        late: tuple[Fact, ...] = ()
        if seen.straggler is not None and not job.is_outside:  # the outside has its own time
            late = (_straggles(job, seen.straggler, seen.now_ms),)
        return Why(late, texts.not_waiting(job, late))
    facts = [*_before_ready(seen), *_at_pool(seen)]
    if not facts:
        facts = [_due(seen)]
    at_pool = seen.at_pool
    is_whole = not seen.edges_left_out and (at_pool is None or at_pool.is_whole)
    return Why(tuple(facts), texts.all_changes(facts), is_whole)


def _due(seen: Seen) -> Fact:
    """Returns the one fact of a job that nothing holds: a part of the system is to act on it next."""
    job = seen.job
    if job.state is State.QUEUED:
        change = Change(Action.WAIT_FOR_WORKER, texts.WAIT_FOR_WORKER, pool=job.pool)
        fact = Fact(Code.CLAIM_DUE, texts.claim_due(job), change, {"sent_at_ms": job.sent_at_ms})
        told = seen.announcement
        return fact if told is None or not told.is_overdue(seen.now_ms) else _with_announcement(fact, seen)
    change = Change(Action.WAIT_FOR_DISPATCHER, texts.WAIT_FOR_DISPATCHER, pool=job.pool)
    evidence: dict[str, Plain] = {"ready_at_ms": job.ready_at_ms} if job.state is State.READY else {}
    return Fact(Code.DISPATCH_DUE, texts.dispatch_due(job), change, evidence)


def _straggles(job: Job, straggler: Straggler, now_ms: int) -> Fact:
    """Returns the fact that a job runs longer than 99 % of its type did, with its second attempt."""
    second = job.live_second
    if second is None:
        action, sentence = Action.CANCEL_AND_RETRY, texts.cancel_and_retry(job)
    else:
        action, sentence = Action.WAIT_FOR_ATTEMPT, texts.WAIT_FOR_ATTEMPT
    age_seconds = (now_ms - running_since_ms(job)) / 1_000
    evidence: dict[str, Plain] = {
        "type": job.type,
        "age_seconds": age_seconds,
        "p99_seconds": straggler.p99_seconds,
        "runs": straggler.runs,
        "second_attempt_allowed": job.may_run_twice,
        "second_attempt": texts.state_of_second(job),
        "second_worker_id": None if second is None else second.worker_id,
    }
    return Fact(
        Code.STRAGGLER, texts.straggles(job, straggler, age_seconds), Change(action, sentence), evidence
    )


# --- before the job is READY ----------------------------------------------------------------------
def _before_ready(seen: Seen) -> Iterator[Fact]:
    job = seen.job
    if job.state is State.PENDING:
        if _waits_for_unwritten(seen):
            change = Change(Action.WAIT_FOR_SUBMISSION, texts.WAIT_FOR_SUBMISSION)
            evidence: dict[str, Plain] = {"workflow_id": job.workflow_id}
            yield Fact(Code.SUBMISSION_UNFINISHED, texts.submission_unfinished(job), change, evidence)
        for edge in seen.edges:
            yield _edge_fact(seen, edge)
        if seen.edges_left_out:
            left = seen.edges_left_out
            change = Change(Action.WAIT_FOR_UPSTREAM, texts.wait_for_left_out(left))
            yield Fact(Code.UPSTREAMS_LEFT_OUT, texts.left_out(left), change, {"count": left})
    if job.on_hold:
        change = Change(Action.UNHOLD, texts.unhold(job))
        yield Fact(Code.ON_HOLD, texts.ON_HOLD, change, {"on_hold": True})
    starts_ms = job.due_at_ms if job.state is State.SCHEDULED else job.not_before_ms
    if job.state in (State.PENDING, State.SCHEDULED) and starts_ms is not None and starts_ms > seen.now_ms:
        is_retry = job.state is State.SCHEDULED and starts_ms != job.not_before_ms
        change = Change(Action.WAIT_UNTIL, texts.wait_until(starts_ms), at_ms=starts_ms)
        evidence = {"due_at_ms": starts_ms}
        if is_retry:
            evidence |= {"tries": job.tries, "max_retries": job.retry.max_retries}
        message = texts.backoff(job, starts_ms) if is_retry else texts.not_before(starts_ms)
        yield Fact(Code.BACKOFF if is_retry else Code.NOT_BEFORE, message, change, evidence)


def _waits_for_unwritten(seen: Seen) -> bool:
    """Tells whether an upstream is still to be written. Other upstreams may end before the submission does."""
    unwritten = {job.job_id for job in seen.unwritten}
    return not seen.is_submitted and any(
        edge.upstream is None or edge.upstream.job_id in unwritten for edge in seen.edges
    )


def _edge_fact(seen: Seen, edge: Edge) -> Fact:
    kind, upstream_id, upstream = edge.dependency.type, edge.dependency.upstream_id, edge.upstream
    evidence: dict[str, Plain] = {
        "job_id": upstream_id,
        "key": upstream.key if upstream else None,
        "state": upstream.state if upstream else None,
        "type": kind,
        "condition": edge.dependency.condition,
    }
    verdict = _verdict(seen, edge)
    if verdict in (Verdict.SATISFIED, Verdict.EVALUATE):
        change = Change(Action.WAIT_FOR_DISPATCHER, texts.WAIT_FOR_RELEASE, job_ids=(upstream_id,))
        return Fact(Code.RELEASE_DUE, texts.release_due(edge), change, evidence)
    action = Action.WAIT_FOR_UPSTREAM
    if verdict is Verdict.UNSATISFIABLE:
        can_retry = upstream is not None and upstream.state in REOPENABLE
        action = Action.RETRY_UPSTREAM if can_retry else Action.CANCEL
    change = Change(action, texts.edge_change(edge, action), job_ids=(upstream_id,))
    return Fact(
        Code.UPSTREAM, texts.edge(edge, is_hopeless=action is not Action.WAIT_FOR_UPSTREAM), change, evidence
    )


def _verdict(seen: Seen, edge: Edge) -> Verdict:
    if edge.upstream is not None:
        return judge(edge.dependency.type, edge.upstream.state, edge.upstream.was_started)
    if not seen.is_submitted:
        return Verdict.UNDECIDED  # it is not written yet
    # An upstream that no longer exists decides nothing. A job that was claimed once had it satisfied then.
    return Verdict.SATISFIED if seen.job.was_claimed else Verdict.UNSATISFIABLE


# --- in the pool ----------------------------------------------------------------------------------
def _at_pool(seen: Seen) -> Iterator[Fact]:
    pool, job = seen.at_pool, seen.job
    if pool is None:
        return
    if pool.pool is None:
        change = Change(Action.DEPLOY_POOL, texts.deploy_pool(job.pool), pool=job.pool)
        yield Fact(Code.POOL_REMOVED, texts.pool_removed(job.pool), change, {"pool": job.pool})
        return
    if job.state is State.QUEUED:
        yield from _with_type(seen, _slots(job, pool, line_of_queued(job, pool), seen.window, None))
        return
    yield from _rules(job, pool)
    me = candidate_of(job, seen.policy, seen.now_ms)
    gone, started = _after_upstreams(seen)
    pool = replace(pool, queues=(*pool.queues, *_unwritten(seen, pool)))
    key = _key(me, pool, gone, started)
    if key is not None and key.ended:
        yield _key_fact(key, job)
        gone |= frozenset(key.ended)
    line = line_of(me, pool, gone, started)
    yield from _type_limit(job, pool, line, gone)
    yield from _with_type(seen, _slots(job, pool, line, seen.window, me))


def _unwritten(seen: Seen, pool: PoolSeen) -> Iterator[tuple[Candidate, ...]]:
    """Yields the READY jobs that the unfinished submission is to write into the pool, each as a queue of its own."""
    if not _waits_for_unwritten(seen):
        return
    known = {each.job_id for queue in pool.queues for each in queue} | {each.job_id for each in pool.active}
    for job in seen.unwritten:
        if job.state is State.READY and job.pool == seen.job.pool and job.job_id not in known:
            yield (candidate_of(job, seen.policy, seen.now_ms),)


def _after_upstreams(seen: Seen) -> tuple[frozenset[str], Sequence[Job]]:
    """Returns the upstreams that have ended and those that run once every unmet dependency is satisfied."""
    unmet = [
        edge for edge in seen.edges if _verdict(seen, edge) in (Verdict.UNDECIDED, Verdict.UNSATISFIABLE)
    ]
    gone = frozenset(
        edge.dependency.upstream_id for edge in unmet if edge.dependency.type is not DependencyType.MUST_START
    )
    started = {
        edge.upstream.job_id: edge.upstream
        for edge in unmet
        if edge.upstream is not None and edge.upstream.job_id not in gone
    }
    return gone, tuple(started.values())


def _rules(job: Job, pool: PoolSeen) -> Iterator[Fact]:
    if pool.rules.is_paused(job.pool):
        change = Change(Action.RESUME_POOL, texts.resume_pool(job.pool), pool=job.pool)
        yield Fact(Code.POOL_PAUSED, texts.pool_paused(job.pool), change, {"pool": job.pool})
    if pool.rules.type_rule(job.type).paused:
        change = Change(Action.RESUME_TYPE, texts.resume_type(job.type), type=job.type)
        yield Fact(Code.TYPE_PAUSED, texts.type_paused(job.type), change, {"type": job.type})


@dataclass(frozen=True, slots=True)
class _Key:
    """A concurrency key as it bounds the job: its limit, its holders, and the jobs ahead that ask for it too.

    `ended` are those of them that have to end before the job can be dispatched, none where the key has room.
    """

    name: str
    limit: int
    holders: tuple[str, ...]
    ahead: tuple[str, ...]
    ended: tuple[str, ...]


def _key(me: Candidate, pool: PoolSeen, gone: frozenset[str], started: Sequence[Job]) -> _Key | None:
    """Returns the concurrency key of the job at its place, None where it has none."""
    key, mine = me.traits.concurrency_key, me.traits.concurrency_limit
    if key is None:
        return None
    permit = _with_all_holders(pool, key, {me.job_id, *gone}, started)
    holders = tuple(sorted({job_of(each) for each in permit.holders}))
    # At least so many have to end. Once they have, others that ask for the key may have their turn before the job.
    count = max(0, len(holders) + 1 - mine)
    ahead: dict[str, int] = {}
    ended: list[str] = []
    for _ in range(MAX_ROUNDS):
        ended = [*holders, *ahead][:count]
        line = line_of(me, pool, gone | frozenset(ended), started)
        takers = {
            each.job_id: each.traits.concurrency_limit
            for each in line.ahead
            if each.traits.concurrency_key == key
        }
        ahead |= takers
        if _has_room(permit, ended, takers, mine):
            break
        count = len(ended) + 1
    return _Key(key, least_in_force(permit, mine), holders, tuple(ahead), tuple(ended))


def _with_all_holders(pool: PoolSeen, key: str, out: Set[str], started: Sequence[Job]) -> Permit:
    """Returns the permit of a key as it is once the jobs `out` have ended and the jobs `started` run."""
    permit = pool.permits.get(key_permit(key), Permit())
    asked = {each.job_id: each.traits for each in pool.active} | {job.job_id: job.traits for job in started}
    holders = {each for each in permit.holders if job_of(each) not in out}
    known = {job_of(each) for each in holders} | out
    holders |= {
        asking(f"{job_id}@0", traits.concurrency_limit)
        for job_id, traits in asked.items()
        if traits.concurrency_key == key and job_id not in known
    }
    return replace(permit, holders=frozenset(holders))


def _has_room(permit: Permit, ended: Sequence[str], takers: Mapping[str, int], mine: int) -> bool:
    """Tells whether the job gets a permit once the jobs `ended` have ended and the jobs `takers` have taken theirs."""
    holders = {each for each in permit.holders if job_of(each) not in ended}
    holders |= {asking(f"{job_id}@0", limit) for job_id, limit in takers.items()}
    return has_room(replace(permit, holders=frozenset(holders)), mine)


def _key_fact(key: _Key, job: Job) -> Fact:
    name = plain_key(key.name, job.submitted_by)  # as the caller wrote it
    evidence: dict[str, Plain] = {
        "concurrency_key": name,
        "limit": key.limit,
        "holders": key.holders[:MAX_HOLDERS_SHOWN],
        "holder_count": len(key.holders),
        "ahead": len(key.ahead),
    }
    change = Change(Action.END_JOBS, texts.end_jobs(key.ended), job_ids=key.ended)
    message = texts.key_limit(name, key.limit, key.holders, len(key.ahead))
    return Fact(Code.KEY_LIMIT, message, change, evidence)


def _type_limit(job: Job, pool: PoolSeen, line: Line, gone: frozenset[str]) -> Iterator[Fact]:
    limit = pool.rules.type_rule(job.type).max_running
    if limit is None:
        return
    permit = pool.permits.get(type_permit(job.type), Permit())
    holders = {job_of(each) for each in permit.holders} - {job.job_id, *gone}
    running = max(len(holders), line.dispatched.by_type[job.type])
    ahead = line.ahead_of_type(job.type)
    needed = running + ahead + 1
    if needed <= limit:
        return
    raised = needed if needed <= MAX_TYPE_LIMIT else None
    change = Change(Action.LIMIT_TYPE, texts.limit_type(job.type, raised), type=job.type, number=raised)
    evidence: dict[str, Plain] = {"type": job.type, "limit": limit, "running": running, "ahead": ahead}
    yield Fact(Code.TYPE_LIMIT, texts.type_limit(job.type, limit, running, ahead), change, evidence)


def _slots(job: Job, pool: PoolSeen, line: Line, factor: float, me: Candidate | None) -> Iterator[Fact]:
    """Yields what keeps the job from a slot: no worker, none with its type, or the jobs before it.

    `me` is None for a QUEUED job, which no lane orders any more.
    """
    slots = pool.ability.slots
    evidence = _place(pool, line, factor)
    if slots == 0:
        needed = line.needed
        change = Change(
            Action.ADD_SLOTS, texts.add_worker(job, needed), pool=job.pool, type=job.type, number=needed
        )
        offered = tuple(sorted(pool.pool.capabilities)) if pool.pool else ()
        evidence |= {"capabilities": offered, "fault": pool.ability.fault or None}
        yield Fact(Code.NO_WORKER, texts.no_worker(job, offered, pool.ability.fault), change, evidence)
        return
    able = pool.ability.limited.get(job.type)
    if able is not None and line.by_type(job.type) + 1 > able:
        added = line.by_type(job.type) + 1 - able
        slots += added
        change = Change(
            Action.ADD_SLOTS,
            texts.add_slots(job, added, of_type=True),
            pool=job.pool,
            type=job.type,
            number=added,
        )
        shown: dict[str, Plain] = {"type": job.type, "slots": able, "running": line.by_type(job.type)}
        yield Fact(Code.NO_WORKER_WITH_TYPE, texts.no_worker_with_type(job, able), change, shown)
    if line.needed <= slots:
        return
    added = line.needed - slots
    # Where some workers lack the type, enough of the other slots are counted above.
    job_type = job.type if able is None else None
    change = Change(Action.ADD_SLOTS, texts.add_slots(job, added), pool=job.pool, type=job_type, number=added)
    code = Code.SLOTS_TAKEN
    if me is not None and any(each.rank < me.rank for each in line.ahead):
        code = Code.SHARE_TURN
    elif me is not None and line.dispatched.total >= window_slots(slots, factor):
        code = Code.WINDOW_FULL
    yield Fact(code, texts.place(code, job, line, pool.ability.slots), change, evidence)


def _with_type(seen: Seen, facts: Iterator[Fact]) -> Iterator[Fact]:
    """Yields the facts. Those about workers that are missing say when a worker last announced the job's type."""
    for fact in facts:
        is_missing = fact.code in (Code.NO_WORKER, Code.NO_WORKER_WITH_TYPE)
        yield _with_announcement(fact, seen) if is_missing else fact


def _with_announcement(fact: Fact, seen: Seen) -> Fact:
    told = seen.announcement
    if told is None:
        return fact
    message = fact.message + texts.last_announced(told, seen.now_ms)
    return replace(fact, message=message, evidence={**fact.evidence, "announced_at_ms": told.seen_at_ms})


def _place(pool: PoolSeen, line: Line, factor: float) -> dict[str, Plain]:
    slots = pool.ability.slots
    nearest = tuple(each.job_id for each in line.ahead[: -SHOWN - 1 : -1])
    return {
        "slots": slots,
        "window": window_slots(slots, factor),
        "dispatched": line.dispatched.total,
        "ahead": len(line.ahead),
        "more": not line.is_reached or not pool.is_whole,
        "next_ahead": nearest,
    }
