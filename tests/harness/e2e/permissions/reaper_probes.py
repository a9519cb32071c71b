"""The repairs of the reaper, each with a world that needs it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

from tests.harness.determined import StandingClock
from tests.harness.e2e.permissions.states import (
    end_and_be_due,
    is_kept,
    queue,
    run_to_end,
    start,
    submit,
    submit_flow,
)
from tests.harness.e2e.permissions.world import LARGE, MINUTE_MS, OFFER, World, now_ms
from tidegate.adapters.dynamodb.workers import worker_item
from tidegate.bootstrap import Meter, ReaperDeps, Services
from tidegate.domain.callers import caller_under
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.pulses import Part
from tidegate.domain.requests import DependencyRequest, JobRequest, ShareRequest, WorkflowRequest
from tidegate.domain.roles import Role
from tidegate.domain.states import State
from tidegate.domain.submission import Phase
from tidegate.domain.timetables.asked import AskedRecurrence, AskedTemplate, TimetableChange
from tidegate.domain.timetables.timetable import SubmissionKind
from tidegate.domain.workers import WorkerSpec, WorkerState, begin, kept_until_s
from tidegate.entry import reaper
from tidegate.usecases.callers.set_grants import set_grant
from tidegate.usecases.statistics.count_ended import count_ended
from tidegate.usecases.submit.submit import submit_workflow
from tidegate.usecases.timetables.keep import create_timetable

NOOP = "tidegate.noop"
LONG_MS = 10 * MINUTE_MS
POOLS = ("ecs", "lambda")


def reap(services: Services) -> None:
    """Runs one round, as a tick does."""
    reaper.run_round(ReaperDeps(services, StandingClock(now_ms()), Meter()))


def sees_how_long_jobs_wait(world: World, services: Services) -> None:
    """By the count alone: a whole run goes on without its pulse, and without this look."""
    submit(world, JobRequest(type=NOOP))
    count_ended(services, now_ms() + MINUTE_MS)
    (look,) = world.admin.statistics.reached(["lambda"])["lambda"].looks
    assert look.oldest_ready_ms > 0


def judges_times(world: World, services: Services) -> None:
    """A job alone and a workflow, whose own times the reaper judges in one look each."""
    by_ms = now_ms() + 60 * MINUTE_MS
    alone = submit(world, JobRequest(type=NOOP, finish_by_ms=by_ms))
    request = WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP, finish_by_ms=by_ms),), finish_by_ms=by_ms)
    job_id = submit_flow(world, request)["a"]
    reap(services)
    submission = world.admin.submissions.get(job_id.partition(".")[0])
    assert submission is not None
    for found in (world.job(alone), world.job(job_id), submission):
        assert len(found.judgements) == 1


def takes_back_from_a_lost_worker(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    start(world, job_id, now_ms() - LONG_MS)
    reap(services)
    assert world.states(job_id) == [State.READY]


def takes_back_several(world: World, services: Services) -> None:
    job_ids = [submit(world, JobRequest(type=NOOP)) for _ in range(2)]
    for job_id in job_ids:
        start(world, job_id, now_ms() - LONG_MS)
    reap(services)
    assert world.states(*job_ids) == [State.READY] * 2


def sends_again_what_was_lost(world: World, services: Services) -> None:
    sent = {pool: submit(world, JobRequest(type=NOOP, pool=pool)) for pool in POOLS}
    for job_id in sent.values():
        queue(world, job_id, now_ms() - LONG_MS)
    reap(services)
    assert {pool: world.messages(pool) for pool in POOLS} == {pool: [id_] for pool, id_ in sent.items()}


def reads_dead_letters(world: World, services: Services) -> None:
    job_ids = [submit(world, JobRequest(type=NOOP, pool=pool)) for pool in POOLS]
    for pool, job_id in zip(POOLS, job_ids, strict=True):
        queue(world, job_id)
        url = world.settings.pools[pool].dead_letters_url
        body = json.dumps({"job_id": job_id, "attempt": 0})
        world.clients.sqs.send_message(QueueUrl=url, MessageBody=body)
    reap(services)
    assert world.states(*job_ids) == [State.READY] * 2  # they wait for a new dispatch
    for pool in POOLS:
        assert world.is_empty(world.settings.pools[pool].dead_letters_url)


class _CutOff(Exception):
    """The error by which the submitter dies."""


class _Dying:
    """A store whose caller dies when it calls one method."""

    def __init__(self, store: object, method: str) -> None:
        self._store, self._method = store, method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            raise _CutOff
        return getattr(self._store, name)


def _cut_off(world: World, request: WorkflowRequest, *, committed: bool) -> str:
    """Returns the id of a submission whose submitter died ten minutes ago, right before or right after its commit."""
    admin = world.admin
    dying: Any = (
        {"jobs": _Dying(admin.jobs, "insert_if_absent")}
        if committed
        else {"submissions": _Dying(admin.submissions, "save_plan")}
    )
    at_ms = now_ms() - LONG_MS
    with contextlib.suppress(_CutOff):
        submit_workflow(replace(admin, **dying), request, idempotency_key=None, fingerprint="f", now_ms=at_ms)
    (opened,) = admin.submissions.list_open(opened_before_ms=now_ms(), limit=2)
    return opened.submission_id


def removes_what_was_never_accepted(world: World, services: Services) -> None:
    """Its large input and its many dependents are overflow."""
    root, mid = (DependencyRequest(key=key) for key in ("root", "mid"))
    jobs = [JobRequest(key="root", type=NOOP), JobRequest(key="mid", type=NOOP, depends_on=(root,))]
    jobs += [JobRequest(key="large", type=NOOP, parameters={"text": LARGE}, depends_on=(root,))]
    jobs += [JobRequest(key=f"k{at}", type=NOOP, depends_on=(mid,)) for at in range(300)]
    submission_id = _cut_off(world, WorkflowRequest(jobs=tuple(jobs)), committed=False)
    assert world.job(workflow_job_id(submission_id, 1)).dependents_overflow
    reap(services)
    for table in (world.tables.jobs, world.tables.payloads, world.tables.dependents):
        assert not world.clients.dynamodb.scan(TableName=table)["Items"], table
    found = world.admin.submissions.get(submission_id)
    assert found is not None
    assert found.phase is Phase.REMOVED


def finishes_what_was_accepted(world: World, services: Services) -> None:
    jobs = (JobRequest(key="a", type=NOOP, share=ShareRequest(name="team")),)
    submission_id = _cut_off(world, WorkflowRequest(jobs=jobs), committed=True)
    reap(services)
    assert world.states(workflow_job_id(submission_id, 0)) == [State.READY]
    (lane,) = world.admin.lanes.list_lanes("lambda", limit=9)
    # The lane is registered again, because the job became READY only now.
    assert now_ms() - lane.noted_at_ms < LONG_MS


def finishes_what_has_many_roots(world: World, services: Services) -> None:
    """Its jobs have large inputs, dependents in overflow, and a choice of pools."""
    jobs = [JobRequest(key=k, type=NOOP, requires=(OFFER,), parameters={"text": LARGE}) for k in "ab"]
    after = (DependencyRequest(key="a"),)
    jobs += [JobRequest(key=f"k{at}", type=NOOP, depends_on=after) for at in range(300)]
    submission_id = _cut_off(world, WorkflowRequest(jobs=tuple(jobs)), committed=True)
    reap(services)
    roots = [workflow_job_id(submission_id, index) for index in range(2)]
    assert world.states(*roots) == [State.READY] * 2
    assert world.job(roots[0]).dependents_overflow


def connects_what_was_accepted(world: World, services: Services) -> None:
    """One of them depends on a job of an earlier submission."""
    earlier = submit(world, JobRequest(type=NOOP))
    job = JobRequest(key="a", type=NOOP, depends_on=(DependencyRequest(job_id=earlier),))
    submission_id = _cut_off(world, WorkflowRequest(jobs=(job,)), committed=True)
    reap(services)
    dependents = world.admin.jobs.list_dependents(world.job(earlier))
    assert [each.job_id for each in dependents] == [workflow_job_id(submission_id, 0)]


def releases_what_missed_an_event(world: World, services: Services) -> None:
    condition = "size(upstream.result) > 9"
    after = DependencyRequest(key="up", type=DependencyType.CONDITIONAL, condition=condition)
    jobs = (
        JobRequest(key="up", type=NOOP),
        JobRequest(key="down", type=NOOP, parameters={"text": LARGE}, depends_on=(after,)),
    )
    ids = submit_flow(world, WorkflowRequest(jobs=jobs), now_ms() - LONG_MS)
    run_to_end(world, ids["up"], LARGE)
    reap(services)
    assert world.states(ids["down"]) == [State.READY]


def skips_what_waits_for_nothing(world: World, services: Services) -> None:
    upstream = submit(world, JobRequest(type=NOOP))
    after = (DependencyRequest(job_id=upstream),)
    job_id = submit(world, JobRequest(type=NOOP, depends_on=after), now_ms() - LONG_MS)
    world.clients.dynamodb.delete_item(TableName=world.tables.jobs, Key={"job_id": {"S": upstream}})
    reap(services)
    assert world.states(job_id) == [State.SKIPPED]


def marks_silent_workers(world: World, services: Services) -> None:
    silent = begin(WorkerSpec("ecs", "w", "host", slots=1), "S", now_ms() - LONG_MS)
    world.admin.workers.register_if_free(silent, silent_since_ms=0)
    reap(services)
    standing = world.admin.workers.get("ecs", "w")
    assert standing is not None
    assert standing.state is WorkerState.LOST


def remembers_where_it_was_among_jobs(world: World, services: Services) -> None:
    """With more jobs than a page, the reaper first stores where it goes on, and later that it is through."""
    at_ms = now_ms() - MINUTE_MS
    job = Job(job_id="", state=State.QUEUED, type=NOOP, pool="ecs", priority=1, created_at_ms=at_ms)
    job = replace(job, queued_at_ms=at_ms, sent_at_ms=at_ms, history=())
    world.admin.jobs.insert_if_absent([replace(job, job_id=f"{at:026d}") for at in range(101)])
    reap(services)
    assert world.admin.cursors.load("sweep#ecs#ACTIVE#0") is None


def remembers_where_it_was_among_workers(world: World, services: Services) -> None:
    """There are more workers than one round looks at. The next round looks at the rest."""
    worker = begin(WorkerSpec("ecs", "w", "host", slots=1), "S", now_ms())
    worker = replace(worker, expires_at_s=kept_until_s(now_ms()))
    workers = [replace(worker, spec=replace(worker.spec, worker_id=f"w{at:04d}")) for at in range(1_001)]
    items: list[Any] = [{"PutRequest": {"Item": worker_item(each)}} for each in workers]
    for start_at in range(0, len(items), 25):
        requests = {world.tables.workers: items[start_at : start_at + 25]}
        world.clients.dynamodb.batch_write_item(RequestItems=requests)
    reap(services)
    assert world.admin.cursors.load("workers#ecs") == "w0999"
    reap(services)
    assert world.admin.cursors.load("workers#ecs") is None


def keeps_what_is_needed(world: World, services: Services) -> None:
    """An open job needs a large result at the end of its retention."""
    after = tuple(DependencyRequest(key=key) for key in ("up", "other"))
    jobs = [JobRequest(key=key, type=NOOP) for key in ("up", "other")]
    jobs += [JobRequest(key="down", type=NOOP, depends_on=after)]
    ids = submit_flow(world, WorkflowRequest(jobs=tuple(jobs)))
    retention_ms = world.settings.retention_seconds * 1_000
    expires_at_s = end_and_be_due(world, ids["up"], now_ms() - retention_ms)
    reap(services)
    assert is_kept(world, ids["up"], expires_at_s)


def leaves_its_pulse(world: World, services: Services) -> None:
    reap(services)
    assert world.admin.pulses.load().keys() == {Part.REAPER}


def records_what_the_recorder_missed(world: World, services: Services) -> None:
    request = WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP),))
    (job_id,) = submit_flow(world, request, now_ms() - LONG_MS).values()
    reap(services)
    (segment,) = world.admin.progress.load_all(str(world.job(job_id).workflow_id), consistent=True)
    assert segment.states == (State.READY,)


def runs_a_timetable(world: World, services: Services) -> None:
    """A workflow in a namespace that the timetable's owner was granted."""
    owner = caller_under("arn:aws:iam::123456789012:user/ann")
    set_grant(world.admin, owner.subject, Role.CLIENT, ("probed",), caller=owner, now_ms=now_ms())
    body = {"namespace": "probed", "jobs": [{"key": "a", "type": NOOP}]}
    made = create_timetable(
        world.admin,
        TimetableChange(
            recurrence=AskedRecurrence(every_seconds=60),
            template=AskedTemplate(kind=SubmissionKind.WORKFLOW, body=body),
        ),
        is_paused=False,
        idempotency_key=None,
        fingerprint="",
        caller=owner,
        now_ms=now_ms() - 90_000,
    )
    reap(services)
    (run,) = world.admin.timetables.runs(made.after.timetable_id, limit=9).runs
    assert run.submitted is not None
    assert not world.admin.timetables.due(now_ms(), limit=9)


REAPER_PROBES = (
    sees_how_long_jobs_wait,  # before all whose runs go on without it
    leaves_its_pulse,  # before all others, because a run goes on without its pulse
    judges_times,
    takes_back_from_a_lost_worker,
    takes_back_several,
    sends_again_what_was_lost,
    reads_dead_letters,
    removes_what_was_never_accepted,
    finishes_what_was_accepted,
    finishes_what_has_many_roots,
    connects_what_was_accepted,
    releases_what_missed_an_event,
    skips_what_waits_for_nothing,
    marks_silent_workers,
    remembers_where_it_was_among_jobs,
    remembers_where_it_was_among_workers,
    keeps_what_is_needed,
    records_what_the_recorder_missed,
    runs_a_timetable,
)
