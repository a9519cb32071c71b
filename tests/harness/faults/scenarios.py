"""Short runs of a deployment that together make every call of AWS.

A new use case is a new scenario, or a step in one. The suite then makes each of its calls of AWS fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from dev.simulator.memory.seeded import OTHER_TYPE
from dev.simulator.people.callers import caller_named
from dev.simulator.workflows.graphs import job as job_of
from dev.simulator.workflows.graphs import workflow
from tests.harness.faults.acting_scenarios import changed, changed_in_bulk, marked, rerun_from_a_job
from tests.harness.faults.asking_scenarios import (
    announced_type,
    counted,
    in_the_audit_trail,
    judged,
    recorded,
    related,
)
from tests.harness.faults.deployment import DIES, DONE, MINUTE_MS, POOL, PROCESS_POOL, Deployment
from tests.harness.faults.kept_scenarios import RETENTION_DAYS, kept_for_others
from tests.harness.faults.progress_scenarios import recorded_by_the_reaper
from tests.harness.faults.recovery_scenarios import (
    cancelled_downstream,
    cancelled_whole,
    dead_letter,
    redriven,
    rerun,
    retried_by_hand,
)
from tests.harness.faults.refusal_scenarios import cancelled_as_they_begin, doubled_messages, slow_dispatcher
from tests.harness.faults.second_scenarios import SETTINGS, run_long, run_twice
from tests.harness.faults.steps import cancel, cut_off, ends_in, submit, submit_all
from tests.harness.faults.worker_fault_scenarios import (
    given_up_by_the_function,
    passed_on,
    refused_by_the_function,
)
from tests.harness.usecases.listing import list_jobs
from tidegate.domain.callers import NOBODY, caller_under, signed_in
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import NotFound
from tidegate.domain.failures import FAILED_STATES
from tidegate.domain.job import Job
from tidegate.domain.job_query import JobQuery
from tidegate.domain.pulses import Part
from tidegate.domain.requests import DependencyRequest, JobRequest, ShareRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.roles import Role
from tidegate.domain.states import State
from tidegate.domain.workers import Worker, WorkerIdTaken, WorkerSpec
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.bounds.pulse import PulseMemory, note_pulse
from tidegate.usecases.callers import set_grants
from tidegate.usecases.callers.access import refuse_beyond
from tidegate.usecases.operate import set_rules, set_shares
from tidegate.usecases.operate.drain import drain_worker
from tidegate.usecases.read.deployment import deployment_status
from tidegate.usecases.read.failures import list_failures
from tidegate.usecases.read.query import get_job, get_workflow
from tidegate.usecases.read.sample import counted_until, sample_jobs, stuck_submissions
from tidegate.usecases.read.status import pool_statuses, type_statuses
from tidegate.usecases.read.workers import get_worker, list_workers
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.worker_life import beat_worker, join_pool, leave_pool

FAILED = Outcome(OutcomeKind.FAILED, code="broken", message="it broke")
LARGE = {"text": "x" * 5_000}
_DONE_ALL_THE_SAME = frozenset({State.SUCCEEDED})
_OPERATOR = "operator"

Scenario = Callable[[Deployment], None]


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario. `otherwise` are further states in which a job may end if a call fails.

    `refusable` says that there may be no jobs at all then, because the client gives up. `settings` are the
    deployment's.
    """

    run: Scenario
    otherwise: frozenset[State] = frozenset()
    refusable: bool = False
    settings: Mapping[str, Any] | None = None


# --- jobs ------------------------------------------------------------------------------------------
def one_job(d: Deployment) -> None:
    """A job whose parameters and result are overflow."""
    d.course = lambda _job: replace(DONE, result=LARGE)
    job_id = submit(d, "one", parameters=LARGE)
    d.settle()
    d.ask(lambda: get_job(d.services, job_id))


def earlier_jobs(d: Deployment) -> None:
    """Jobs that wait for a job of an earlier submission: before it has ended, and after."""
    d.course = lambda _job: replace(DONE, result=LARGE)
    upstream = submit(d, "upstream")
    condition = DependencyRequest(
        job_id=upstream, type=DependencyType.CONDITIONAL, condition="size(upstream.result.text) > 0"
    )
    submit(d, "before", depends_on=(condition,))
    d.settle()
    submit(d, "after", depends_on=(DependencyRequest(job_id=upstream),), parameters=LARGE)
    d.settle()


def retried(d: Deployment) -> None:
    """Two jobs that fail and run again after a backoff, and a job that its worker hands back."""
    handed_back = Outcome(OutcomeKind.HANDED_BACK)
    d.course = ends_in({"fails": FAILED, "fails too": FAILED, "handed back": handed_back})
    for name in ("fails", "fails too", "handed back"):
        submit(d, name, retry=RetryPolicy(3, 1, 1))
    d.settle()
    d.wait(2_000)
    d.tick()
    d.settle()


def cancelled(d: Deployment) -> None:
    """A job that waits for dispatch, a job that is forced while it runs, and a job that waits for another."""
    running = submit(d, "running")
    d.course = ends_in({"running": DIES})
    d.settle()
    waiting = submit(d, "waiting")
    pending = submit(d, "pending", depends_on=(DependencyRequest(job_id=running),))
    for job_id in (waiting, pending, running):
        cancel(d, job_id)
    d.wait(31_000)
    d.reap()


def claimed_again(d: Deployment) -> None:
    """A worker is lost, and the message comes again before the reaper does."""
    d.course = ends_in({"lost": DIES})
    submit(d, "lost")
    d.settle()
    d.wait(121_000)
    d.settle()


def cancelled_while_it_runs(d: Deployment) -> None:
    """One job learns of its cancellation by a heartbeat, and another only before its next try."""
    late = submit(d, "late")
    submit(d, "beaten")

    def course(job: Job) -> Outcome:
        cancel(d, job.job_id)
        return FAILED

    d.course = course
    d.events()
    d.work_as_function(lambda job_id: cancel(d, job_id))
    d.settle()
    d.ask(lambda: get_job(d.services, late))


def chosen_pools(d: Deployment) -> None:
    """Jobs without a pool get the freest one when they become READY. One job starts when another has begun."""
    first = submit(d, "first", requires=("cpu",))
    started = DependencyRequest(job_id=first, type=DependencyType.MUST_START)
    submit(d, "second", requires=("cpu",), depends_on=(started,), not_before_ms=d.now_ms + 1_000)
    d.settle()
    d.wait(2_000)
    d.tick()
    d.settle()


# --- workflows -------------------------------------------------------------------------------------
def _tagged(request: JobRequest) -> JobRequest:
    """A workflow so large that its dependents are overflow."""
    return replace(request, tags={f"tag-{number}": "x" * 60 for number in range(8)})


def a_workflow(d: Deployment) -> None:
    """Jobs with large inputs and many dependents, one of which also waits for an earlier submission."""
    upstream = submit(d, "upstream")
    downstream = [f"d{number}" for number in range(12)]
    jobs = [_tagged(job_of("root")), *(job_of(key, "root") for key in downstream[:2])]
    jobs[1] = replace(jobs[1], parameters=LARGE)
    edge = DependencyRequest(job_id=upstream)
    jobs[2] = replace(jobs[2], depends_on=(*jobs[2].depends_on, edge), share=ShareRequest(name="s", weight=2))
    ids = submit_all(d, workflow(jobs))
    d.settle()
    workflow_id = ids["root"].partition(".")[0]
    d.ask(lambda: get_workflow(d.services, workflow_id, cursor=None, limit=10))


def cut_off_before_it_was_accepted(d: Deployment) -> None:
    """An interrupted submission, whose staged items the reaper removes."""
    jobs = [_tagged(job_of("root")), job_of("a", "root"), job_of("b", "a")]
    jobs[1] = replace(jobs[1], parameters=LARGE)
    cut_off(d, "submissions", "save_plan", workflow(jobs))
    d.wait(2 * MINUTE_MS)
    d.reap()


def cut_off_after_it_was_accepted(d: Deployment) -> None:
    """An interrupted submission, which the reaper finishes."""
    cut_off(d, "jobs", "insert_if_absent", workflow([job_of("a"), job_of("b"), job_of("c", "a")]))
    d.wait(2 * MINUTE_MS)
    d.reap()
    d.settle()


def submitted_again(d: Deployment) -> None:
    """A client submits again after its process ended: before its workflow was accepted, and after."""
    first = workflow([_tagged(job_of("root")), job_of("a", "root"), job_of("b", "root")])
    second = workflow([job_of("x"), job_of("y"), job_of("z", "x")])
    cut_off(d, "submissions", "save_plan", first)
    submit_all(d, first, "cut off")
    cut_off(d, "jobs", "insert_if_absent", second, "cut off too")
    submit_all(d, second, "cut off too")
    d.settle()


# --- limits on dispatch ----------------------------------------------------------------------------
def held_back(d: Deployment) -> None:
    """Jobs of one key, of a type with a limit and of a share. A pool is paused, and dispatchers take turns."""
    operator = caller_named(_OPERATOR)

    def share(max_waiting: int | None) -> None:
        d.ask(
            lambda: set_shares.set_share(
                d.services, POOL, "s", weight=2, max_priority=900, max_waiting=max_waiting, caller=operator,
                now_ms=d.now_ms,
            )
        )  # fmt: skip

    share(9)
    submit(d, "first", concurrency_key="k")
    submit(d, "second", concurrency_key="k", concurrency_limit=2, share=ShareRequest(name="s"))
    d.ask(
        lambda: set_rules.limit_type(
            d.services, OTHER_TYPE, 1, caller=caller_named(_OPERATOR), now_ms=d.now_ms
        )
    )
    d.ask(lambda: set_rules.mute_failures(d.services, "3f2a91c07b5d8e64", caller=operator, now_ms=d.now_ms))
    d.ask(lambda: set_rules.pause_pool(d.services, POOL, caller=caller_named(_OPERATOR), now_ms=d.now_ms))
    submit(d, "third", type=OTHER_TYPE, concurrency_key="k")
    d.settle()
    d.ask(lambda: set_rules.resume_pool(d.services, POOL, caller=caller_named(_OPERATOR), now_ms=d.now_ms))
    d.settle()
    share(None)
    with suppress(NotFound):  # a repeated call finds the share removed
        d.ask(lambda: set_shares.remove_share(d.services, POOL, "s", caller=operator))
    d.wait(20 * MINUTE_MS)
    d.tick()  # frees permits left behind, forgets lanes without waiting jobs, and lets shares rest


def granted(d: Deployment) -> None:
    """Somebody with a token, an operator by grant, cancels a job of another caller, and loses the grant."""
    owner = caller_under("arn:aws:iam::123456789012:user/ann")
    other = signed_in("https://people.example.com", "ben", scopes=frozenset({Role.OPERATOR.scope}))
    assert other is not None
    request = JobRequest(type=OTHER_TYPE, not_before_ms=d.now_ms + MINUTE_MS)
    job_id = d.ask(
        lambda: submit_job(
            d.services, request, idempotency_key="g", fingerprint="g", caller=owner, now_ms=d.now_ms
        )
    ).job_id

    def grant(role: Role) -> None:
        d.ask(
            lambda: set_grants.set_grant(
                d.services, other.subject, role, (), caller=caller_named(_OPERATOR), now_ms=d.now_ms
            )
        )

    grant(Role.CLIENT)
    grant(Role.OPERATOR)
    d.ask(lambda: refuse_beyond(d.services, other, Role.OPERATOR))
    d.ask(lambda: cancel_job(d.services, job_id, caller=other, now_ms=d.now_ms))
    with suppress(NotFound):  # a repeated call finds the grant removed
        d.ask(lambda: set_grants.remove_grant(d.services, other.subject, caller=caller_named(_OPERATOR)))
    d.settle()


# --- repairs of the reaper -------------------------------------------------------------------------
def lost(d: Deployment) -> None:
    """A lost worker, a lost message and a lost event."""
    d.course = ends_in({"worker": DIES})
    submit(d, "worker")
    d.settle()
    submit_all(d, workflow([job_of("event"), job_of("waits", "event")]))
    d.events()
    d.work()
    d.lose_events()
    submit(d, "message")
    d.events()
    d.aws.lose_messages()
    d.wait(MINUTE_MS)
    d.reap()
    d.settle()


# --- worker processes ------------------------------------------------------------------------------
def worker_processes(d: Deployment) -> None:
    """A worker joins and falls silent, comes back, drains and leaves. Another replaces it."""
    spec = WorkerSpec(PROCESS_POOL, "w", "host", slots=2, capabilities=frozenset({"cpu"}))

    def join(session_id: str, *, take_over: bool = False) -> Worker:
        return d.ask(
            lambda: join_pool(d.services, spec, session_id=session_id, now_ms=d.now_ms, take_over=take_over)
        )

    def tell(worker: Worker) -> Worker:
        return d.ask(lambda: beat_worker(d.services, replace(worker, heartbeat_at_ms=d.now_ms)))

    d.served.append(PROCESS_POOL)
    submit(d, "served", pool=PROCESS_POOL)
    worker = join("1")
    d.settle()
    d.wait(2 * MINUTE_MS)
    d.reap()
    worker = tell(worker)
    d.ask(lambda: drain_worker(d.services, PROCESS_POOL, "w", caller=NOBODY, now_ms=d.now_ms))
    d.ask(lambda: get_worker(d.services, PROCESS_POOL, "w"))
    worker = tell(worker)
    try:
        join("2")
    except WorkerIdTaken:
        worker = join("2", take_over=True)
    d.ask(lambda: leave_pool(d.services, worker))
    join("3")
    d.settle()


# --- reading ---------------------------------------------------------------------------------------
def looking(d: Deployment) -> None:
    """Listings over several pages, the state of pools, what is alive, and whether the index is right."""
    submit_all(d, workflow([job_of("a"), job_of("b"), job_of("c", "a")]))
    cursor: str | None = None
    for _ in range(2):
        page = d.ask(lambda at=cursor: list_jobs(d.services, State.READY, pool=None, cursor=at, limit=1))  # type: ignore[misc]
        cursor = page.cursor
    d.ask(lambda: list_jobs(d.services, State.PENDING, pool=POOL, cursor=None, limit=10))
    d.ask(lambda: list_workers(d.services, pool=None, state=None, cursor=None, limit=10))
    rules = d.ask(d.services.rules.load)
    d.ask(lambda: pool_statuses(d.services, rules, now_ms=d.now_ms))
    type_statuses(d.services, rules)
    failed = JobQuery(states=FAILED_STATES)
    d.ask(lambda: list_failures(d.services, failed, cursor=None, with_muted=False, now_ms=d.now_ms))
    memory = PulseMemory()
    d.ask(lambda: note_pulse(d.services, memory, Part.REAPER, now_ms=d.now_ms))
    d.ask(lambda: deployment_status(d.services, now_ms=d.now_ms))
    sample = d.ask(lambda: sample_jobs(d.services, now_ms=d.now_ms))
    assert (sample.entries, sample.misplaced, sample.overdue) == (3, (), ())
    assert not d.ask(lambda: stuck_submissions(d.services, now_ms=d.now_ms))
    assert d.ask(lambda: counted_until(d.services)).keys() == d.services.settings.pools.keys()


# Jobs are dispatched, run and end.
RUNNING: Mapping[str, Case] = {
    "one job": Case(one_job),
    "earlier jobs": Case(earlier_jobs),
    "retried": Case(retried),
    "cancelled": Case(cancelled),
    "claimed again": Case(claimed_again),
    "cancelled while it runs": Case(cancelled_while_it_runs, _DONE_ALL_THE_SAME),
    "chosen pools": Case(chosen_pools),
    "held back": Case(held_back, settings={"dispatch_lease_seconds": 60}),
    "given up by the function": Case(given_up_by_the_function, _DONE_ALL_THE_SAME),
    "run twice": Case(run_twice, settings=SETTINGS),
    "run long": Case(run_long, settings=SETTINGS),
    "worker processes": Case(worker_processes),
    "passed on": Case(passed_on),
    "refused by the function": Case(refused_by_the_function),
    "doubled messages": Case(doubled_messages),
    "slow dispatcher": Case(slow_dispatcher),
    "cancelled as they begin": Case(cancelled_as_they_begin),
}
# Callers submit, and ask.
ASKING: Mapping[str, Case] = {
    "a workflow": Case(a_workflow),
    "submitted again": Case(submitted_again),
    "cut off before it was accepted": Case(cut_off_before_it_was_accepted),
    "cut off after it was accepted": Case(cut_off_after_it_was_accepted, refusable=True),
    "granted": Case(granted),
    "looking": Case(looking),
    "related": Case(related),
    "announced type": Case(announced_type),
    "judged": Case(judged),
    "recorded": Case(recorded),
    "recorded by the reaper": Case(recorded_by_the_reaper),
    "counted": Case(counted),
    "in the audit trail": Case(in_the_audit_trail),
    "changed": Case(changed),
    "changed in bulk": Case(changed_in_bulk),
    "marked": Case(marked),
    "rerun from a job": Case(rerun_from_a_job),
}
# Lost and failed jobs are recovered, and kept for others.
RECOVERY: Mapping[str, Case] = {
    "kept for others": Case(kept_for_others, settings={"retention_days": RETENTION_DAYS}),
    "lost": Case(lost),
    "dead letter": Case(dead_letter, _DONE_ALL_THE_SAME),
    "retried by hand": Case(retried_by_hand),
    "rerun": Case(rerun),
    "redriven": Case(redriven),
    "cancelled whole": Case(cancelled_whole, refusable=True),
    "cancelled downstream": Case(cancelled_downstream),
}
CASES: Mapping[str, Case] = {**RUNNING, **ASKING, **RECOVERY}
