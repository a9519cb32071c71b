"""The sentences of an answer, for people: of each fact, of each change, and of all changes together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tidegate.domain.announcements import Announcement
from tidegate.domain.dependency import DependencyType, named
from tidegate.domain.job import Job
from tidegate.domain.outside import APPROVAL_TYPE, Outside
from tidegate.domain.states import State
from tidegate.domain.statistics.usual_runs import Straggler
from tidegate.domain.why.facts import Action, Code, Fact
from tidegate.domain.why.places import Line
from tidegate.domain.why.seen import Edge

ON_HOLD = "A caller has put it on hold."
WAIT_FOR_SUBMISSION = "wait until the submission is finished; the reaper finishes one that was cut off"
WAIT_FOR_DISPATCHER = "wait for the dispatcher, which comes within a minute"
WAIT_FOR_RELEASE = "wait for the dispatcher, which releases the job in moments; the reaper repeats it"
WAIT_FOR_ATTEMPT = "wait until the first of its two attempts succeeds"
WAIT_FOR_WORKER = "wait for a worker to take the message; the reaper sends a lost one again"
_NAMED = 3  # jobs that one sentence names

_NEEDS = {
    DependencyType.MUST_START: "starts",
    DependencyType.MUST_COMPLETE: "ends",
    DependencyType.MUST_SUCCEED: "succeeds",
    DependencyType.CONDITIONAL: "ends and its condition is true",
}


def at(at_ms: int | None) -> str:
    """Returns a time in milliseconds since the epoch as people read it, in UTC."""
    if at_ms is None:
        return "an unknown time"
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def not_waiting(job: Job, late: Sequence[Fact] = ()) -> str:
    """Says that a job runs or has ended, and what can be done if it runs late."""
    if job.is_outside and job.outside is not None:
        return f"{_outside(job, job.outside)} Its lease ends at {at(job.lease_expires_at_ms)}."
    if job.state is State.RUNNING:
        claim = f"worker {job.worker_id} claimed it at {at(job.started_at_ms)}, attempt {job.attempt}"
        told = "".join(f" It is a straggler: {fact.change.sentence}." for fact in late) or _beside(job)
        return f"It is running: {claim}.{told}"
    code = f" with {job.failure.code}" if job.failure else ""
    retried = "" if job.state is State.SUCCEEDED else "; retry it to run it again"
    return f"It has ended: {job.state}{code} at {at(job.finished_at_ms)}{retried}."


def _outside(job: Job, outside: Outside) -> str:
    until = f"its time outside ends at {at(outside.until_ms)}"
    if job.type == APPROVAL_TYPE:
        return f"It waits for an approval since {at(outside.since_ms)}, and takes no slot; {until}."
    return f"It is outside: its code handed it over at {at(outside.since_ms)}, and it takes no slot; {until}."


def straggles(job: Job, straggler: Straggler, age_seconds: float) -> str:
    """Says for how long a straggler has run, and for how long jobs of its type run."""
    usual = f"99 % of {straggler.runs} runs of type {job.type} took at most {straggler.p99_seconds:g} s"
    over = state_of_second(job) if job.live_second is None else None
    told = _beside(job) if over is None else f" Its second attempt is over: {over}."
    return f"It has run for {age_seconds:.0f} s, and {usual}.{told}"


def state_of_second(job: Job) -> str | None:
    """Returns the state of the second attempt of a RUNNING job's life: offered, running, or its end.

    One that ended with the attempt beside it is "ended". Returns None where the life has had none.
    """
    second = job.second
    if second is None or not job.had_second:
        return None
    if job.live_second is None:
        return "ended" if second.end is None else str(second.end)
    return "offered" if second.worker_id is None else "running"


def cancel_and_retry(job: Job) -> str:
    """Says how to end a straggler that hangs."""
    return f"wait for it, or cancel it if it hangs, and then retry it; its timeout is {job.timeout_seconds} s"


def _beside(job: Job) -> str:
    second = job.live_second
    if second is None:
        return ""
    if second.worker_id is None:
        return f" A second attempt beside it is offered since {at(second.offered_at_ms)}."
    return f" Worker {second.worker_id} claimed a second attempt beside it at {at(second.claimed_at_ms)}."


def all_changes(facts: Sequence[Fact]) -> str:
    """Says what would start the job: the changes of all facts."""
    changes = list(dict.fromkeys(fact.change.sentence for fact in facts))
    if len(changes) == 1:
        return f"To start it, {changes[0]}."
    return "To start it, all of these are needed: " + "; ".join(changes) + "."


# --- before the job is READY ----------------------------------------------------------------------
def submission_unfinished(job: Job) -> str:
    """Says that jobs of the workflow are not written yet."""
    return f"The submission of workflow {job.workflow_id} is accepted, and some of its jobs are still being written."


def edge(edge: Edge, *, is_hopeless: bool) -> str:
    """Says which dependency is unmet, and the state of its upstream."""
    upstream, kind = edge.upstream, edge.dependency.type
    name = named(edge.dependency.upstream_id, upstream.key if upstream else None)
    if upstream is None:
        return (
            f"Upstream {name} has passed its retention."
            if is_hopeless
            else f"Upstream {name} is not written yet."
        )
    if is_hopeless:
        return f"Upstream {name} is {upstream.state}, which can't satisfy {kind}: the job will be SKIPPED."
    return f"Upstream {name} is {upstream.state}; {kind} is satisfied once it {_NEEDS[kind]}."


def edge_change(edge: Edge, action: Action) -> str:
    """Says what satisfies a dependency."""
    name = named(edge.dependency.upstream_id, edge.upstream.key if edge.upstream else None)
    if action is Action.RETRY_UPSTREAM:
        return f"retry upstream {name}"
    if action is Action.CANCEL:
        return f"submit it again without upstream {name}, which can no longer satisfy the dependency"
    return f"wait until upstream {name} {_NEEDS[edge.dependency.type]}"


def release_due(edge: Edge) -> str:
    """Says that a decided dependency was not noted yet."""
    name = named(edge.dependency.upstream_id, edge.upstream.key if edge.upstream else None)
    return f"Upstream {name} has decided the dependency, and the dispatcher has not noted it yet."


def left_out(count: int) -> str:
    """Says how many unmet dependencies were not read."""
    return f"{count} more dependencies are not satisfied; their upstreams were not read."


def wait_for_left_out(count: int) -> str:
    """Says that the upstreams that were not read must satisfy their dependencies."""
    return f"wait for the {count} upstreams that were not read"


def not_before(at_ms: int) -> str:
    """Says that the caller's time has not come."""
    return f"It may not start before {at(at_ms)}."


def unhold(job: Job) -> str:
    """Says how to lift the hold."""
    return f"take it off hold: tidegate jobs unhold {job.job_id}"


def backoff(job: Job, at_ms: int) -> str:
    """Says that the backoff of a retry has not ended."""
    return f"A retry waits until {at(at_ms)}, after {job.tries} of {job.retry.max_retries + 1} tries."


def wait_until(at_ms: int) -> str:
    """Says for which time to wait."""
    return f"wait until {at(at_ms)}"


# --- in the pool ----------------------------------------------------------------------------------
def pool_removed(pool: str) -> str:
    """Says that the deployment does not have the pool any more."""
    return f"Pool {pool} is not deployed any more: nothing is dispatched there."


def deploy_pool(pool: str) -> str:
    """Says that the pool must be deployed."""
    return f"deploy pool {pool} again, or submit the job to another pool"


def pool_paused(pool: str) -> str:
    """Says that the pool is paused."""
    return f"Pool {pool} is paused."


def resume_pool(pool: str) -> str:
    """Says to resume a pool."""
    return f"resume pool {pool}"


def type_paused(job_type: str) -> str:
    """Says that the type is paused."""
    return f"Type {job_type} is paused."


def resume_type(job_type: str) -> str:
    """Says to resume a type."""
    return f"resume type {job_type}"


def key_limit(key: str, limit: int, holders: Sequence[str], ahead: int) -> str:
    """Says that a concurrency key is at its limit, and which jobs hold it."""
    behind = f", and {ahead} more are ahead for it" if ahead else ""
    verb = "holds" if len(holders) < 2 else "hold"
    return (
        f"At most {limit} of concurrency key {key!r} may be dispatched; {_jobs(holders)} {verb} it{behind}."
    )


def end_jobs(job_ids: Sequence[str]) -> str:
    """Says which jobs must end first."""
    has, it = ("has", "it") if len(job_ids) == 1 else ("have", "them")
    return f"wait until {_jobs(job_ids)} {has} ended, or cancel {it}"


def type_limit(job_type: str, limit: int, running: int, ahead: int) -> str:
    """Says that a type is at its limit."""
    return f"At most {limit} of type {job_type} may run; {running} are dispatched and {ahead} are ahead."


def limit_type(job_type: str, limit: int | None) -> str:
    """Says the new limit of a type."""
    return (
        f"take the limit off type {job_type}"
        if limit is None
        else f"raise the limit of type {job_type} to {limit}"
    )


def last_announced(announcement: Announcement | None, now_ms: int) -> str:
    """Says when a worker last told that it has the job's type; empty for a type that nobody announced."""
    if announcement is None:
        return ""
    ago, seen = _ago(now_ms - announcement.seen_at_ms), at(announcement.seen_at_ms)
    return (
        f" Type {announcement.type} was last announced {ago} ago, at {seen}; no worker has told of it since."
    )


def no_worker(job: Job, capabilities: Sequence[str], fault: str) -> str:
    """Says that no worker of the pool can run a job."""
    if fault:
        return f"No worker of pool {job.pool} can begin a job: {fault}"
    offered = f", which offers {', '.join(capabilities)}," if capabilities else ""
    return f"Pool {job.pool}{offered} has no live worker."


def add_worker(job: Job, slots: int) -> str:
    """Says how many slots workers of a pool without any must bring."""
    return f"start workers with {_slots(slots)} in pool {job.pool}"


def no_worker_with_type(job: Job, able: int) -> str:
    """Says that too few slots can run the job's type."""
    have = "No worker" if able == 0 else f"Only {_slots(able)}, all taken,"
    return f"{have} of pool {job.pool} can run type {job.type}."


def add_slots(job: Job, slots: int, *, of_type: bool = False) -> str:
    """Says how many more slots a pool needs."""
    type_part = f" that can run type {job.type}" if of_type else ""
    return (
        f"add {_slots(slots)}{type_part} to pool {job.pool}, or wait until as many jobs before it have ended"
    )


def place(code: Code, job: Job, line: Line, slots: int) -> str:
    """Says which place the job has among those of its pool."""
    ahead = f"{len(line.ahead)} {'job is' if len(line.ahead) == 1 else 'jobs are'} ahead of it"
    taken = f"Pool {job.pool} has {_slots(slots)}"
    if code is Code.SHARE_TURN:
        return f"{taken}, and other shares come first: {ahead}."
    if code is Code.WINDOW_FULL:
        return f"{taken}, its window is full with {line.dispatched.total} jobs, and {ahead}."
    return f"{taken}, taken or claimed by earlier jobs: {ahead}."


# --- nothing holds it -----------------------------------------------------------------------------
def dispatch_due(job: Job) -> str:
    """Says that the dispatcher has not come yet."""
    since = f" since {at(job.ready_at_ms)}" if job.state is State.READY else ""
    return f"Nothing holds it{since}: the dispatcher has not come yet."


def claim_due(job: Job) -> str:
    """Says that no worker has taken the message yet."""
    return f"A slot is free for it. Its message was sent at {at(job.sent_at_ms)}, and no worker has taken it yet."


def _jobs(job_ids: Sequence[str]) -> str:
    if not job_ids:
        return "no job"
    named_ids = ", ".join(job_ids[:_NAMED])
    more = len(job_ids) - _NAMED
    return f"{'job' if len(job_ids) == 1 else 'jobs'} {named_ids}" + (f" and {more} more" if more > 0 else "")


def _ago(passed_ms: int) -> str:
    """Returns a length of time in its largest whole unit."""
    minutes = max(0, passed_ms) // 60_000
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1_440} days"


def _slots(number: int) -> str:
    return f"{number} {'slot' if number == 1 else 'slots'}"
