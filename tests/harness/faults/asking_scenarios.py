"""Scenarios of callers who ask: about jobs and workflows, their progress, and who did what."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from dev.simulator.people.callers import caller_named
from dev.simulator.workflows.graphs import job as job_of
from dev.simulator.workflows.graphs import workflow
from tests.harness.determined import HandPauses, NoEntropy
from tests.harness.faults.deployment import DONE, POOL, PROCESS_POOL, Deployment
from tests.harness.faults.function import VirtualClock
from tests.harness.faults.steps import submit, submit_all
from tidegate.adapters.executors.announced_registry import AnnouncedRegistry
from tidegate.adapters.executors.json_schema import compile_schema
from tidegate.domain.announcements import RENEWED_AFTER_MS, DescribedType
from tidegate.domain.audit import subject_of
from tidegate.domain.callers import NOBODY
from tidegate.domain.errors import AlreadyEnded
from tidegate.domain.ids import first_ulid
from tidegate.domain.job import HistoryEntry
from tidegate.domain.requests import DependencyRequest, WhatIfRequest
from tidegate.domain.states import State
from tidegate.domain.statistics.asked import StatisticsQuery
from tidegate.domain.statistics.ended import SETTLES_MS
from tidegate.domain.statistics.spans import DAY_MS, WINDOW_MS
from tidegate.domain.verdicts import FinishVerdict
from tidegate.usecases.bounds.deadline import NEVER
from tidegate.usecases.callers.audited import Asked, audited
from tidegate.usecases.callers.search import AuditQuery, list_acts
from tidegate.usecases.forecast.forecast import forecast_job, forecast_workflow
from tidegate.usecases.forecast.forecast_list import forecast_list
from tidegate.usecases.forecast.what_if import what_if
from tidegate.usecases.read.cost import read_job_cost, read_workflow_cost
from tidegate.usecases.read.logs import read_logs
from tidegate.usecases.read.progress import get_graph, get_states
from tidegate.usecases.read.relations import Direction, chain, dependencies, dependents
from tidegate.usecases.read.wait import OPEN_MS, Patience, wait_for_job, wait_for_workflow
from tidegate.usecases.read.why import explain
from tidegate.usecases.read.worker_jobs import jobs_of_worker
from tidegate.usecases.read.workflows import WorkflowFilter, list_workflows
from tidegate.usecases.reap.reap_times import reap_times
from tidegate.usecases.record.remind_freed import remind_of_freed
from tidegate.usecases.recover.amend_workflow import amend_workflow
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.release.decisions import ACTOR
from tidegate.usecases.release.free_skipped import REASON
from tidegate.usecases.statistics.read_statistics import read_statistics
from tidegate.usecases.statistics.recount import recount
from tidegate.usecases.work.announce_types import announce_types


class _TimedIds(NoEntropy):
    """Ids that begin with their time, as ULIDs do. The audit trail looks for acts by it."""

    def new_ulid(self, now_ms: int) -> str:
        return first_ulid(now_ms) + super().new_ulid(now_ms)[-16:]


def related(d: Deployment) -> None:
    """Callers ask what a job waits for, what waits for it, who ran it and what it printed."""
    root = submit(d, "root", not_before_ms=d.now_ms + 1_000)
    last = submit(d, "last", depends_on=(DependencyRequest(job_id=root),))
    d.ask(lambda: explain(d.services, last, now_ms=d.now_ms))
    assert d.ask(lambda: forecast_job(d.services, last, now_ms=d.now_ms)).forecast.end is not None
    assert d.ask(lambda: read_job_cost(d.services, last, now_ms=d.now_ms)).cost.wasted.write_units == 0
    d.ask(lambda: dependencies(d.services, last, cursor=None, limit=10))
    found = d.ask(lambda: dependents(d.services, root, cursor=None, limit=10))
    assert [each.dependent.job_id for each in found.downstreams] == [last]
    d.ask(lambda: chain(d.services, root, Direction.BOTH, depth=3, limit=100))
    d.wait(2_000)
    d.tick()
    d.settle()
    d.ask(lambda: jobs_of_worker(d.services, POOL, "lambda-1", limit=10))
    d.ask(
        lambda: read_logs(
            d.services, root, attempt=None, from_ms=None, cursor=None, limit=10, now_ms=d.now_ms
        )
    )


def waited_for(d: Deployment) -> None:
    """Two callers wait for the end of a job and of its workflow, and a third call finds no room."""
    ids = submit_all(d, workflow([job_of("a")]))
    workflow_id = ids["a"].partition(".")[0]
    pauses = HandPauses()
    patience = Patience(1_000, NEVER, 1, pauses)

    def within(_at_ms: int) -> None:
        pauses.at_end = lambda _: None
        wait_for_workflow(d.services, workflow_id, patience, now_ms=d.now_ms)

    d.ask(lambda: wait_for_workflow(d.services, workflow_id, patience, now_ms=d.now_ms))
    pauses.at_end = within
    d.ask(lambda: wait_for_job(d.services, ids["a"], patience, now_ms=d.now_ms))
    d.wait(OPEN_MS + 1)  # a wait whose end failed is over
    d.ask(lambda: wait_for_job(d.services, ids["a"], patience, now_ms=d.now_ms))
    d.settle()
    d.ask(lambda: wait_for_job(d.services, ids["a"], patience, now_ms=d.now_ms))


def announced_type(d: Deployment) -> None:
    """A worker announces a type, another one describes it anew and renews it, and a caller submits a job of it."""
    first, second = (DescribedType("new.type", "", schema) for schema in ("{}", '{"required":["rows"]}'))
    started_at_ms = d.now_ms

    def announce(described: DescribedType, started_at_ms: int) -> None:
        d.ask(
            lambda: announce_types(
                d.services,
                [described],
                pool=PROCESS_POOL,
                worker_id="w",
                started_at_ms=started_at_ms,
                now_ms=d.now_ms,
            )
        )

    announce(first, started_at_ms)
    announce(second, started_at_ms + 1)
    announce(first, started_at_ms)  # an old worker that comes late
    d.wait(RENEWED_AFTER_MS)
    announce(second, started_at_ms + 1)
    standing = d.ask(d.services.announcements.load).by_type["new.type"]
    assert standing.digest == second.digest
    assert standing.seen_at_ms >= started_at_ms + RENEWED_AFTER_MS
    types = AnnouncedRegistry(
        d.services.announcements, VirtualClock(d.aws), compile_schema, d.services.registry.types
    )
    assert d.ask(lambda: types.violations("new.type", {})) == [("rows", "is required")]


def judged(d: Deployment) -> None:
    """The reaper judges the times of a workflow and of a job alone, before and after they pass."""
    by_ms = d.now_ms + 3_600_000
    asked = replace(workflow([job_of("a")]), finish_by_ms=by_ms)
    workflow_id = submit_all(d, asked)["a"].partition(".")[0]
    alone = submit(d, "alone", finish_by_ms=by_ms)
    ann = caller_named("ann")
    d.ask(lambda: amend_workflow(d.services, workflow_id, by_ms + 1, caller=ann, now_ms=d.now_ms))
    job = d.jobs[f"{workflow_id}.0"]
    freed = replace(job, history=(HistoryEntry(d.now_ms, State.PENDING, 0, ACTOR, REASON),))
    d.ask(lambda: remind_of_freed(d.services, [freed], d.now_ms))
    d.ask(lambda: reap_times(d.services, d.now_ms))
    d.wait(3_600_002)
    for _ in range(2):
        d.ask(lambda: reap_times(d.services, d.now_ms))
    (submission,) = d.ask(lambda: d.submissions)
    for found in (d.jobs[alone], submission):
        assert [each.verdict for each in found.judgements] == [FinishVerdict.ON_COURSE, FinishVerdict.MISSED]
    assert d.ask(lambda: d.services.submissions.list_reminders(limit=9)) == ()


def recorded(d: Deployment) -> None:
    """The recorder learns of a workflow's jobs in two batches, and callers ask for its progress."""
    d.course = lambda _job: DONE
    ids = submit_all(d, workflow([job_of("a"), job_of("b", "a")]))
    workflow_id = ids["a"].partition(".")[0]
    d.events()
    d.record()
    page = d.ask(lambda: list_workflows(d.services, WorkflowFilter(), cursor=None, limit=10, now_ms=d.now_ms))
    listed = d.ask(lambda: forecast_list(d.services, page.rows, now_ms=d.now_ms))
    assert listed.ends.keys() == {workflow_id}
    d.settle()
    d.record()
    found = d.ask(lambda: get_states(d.services, workflow_id))
    assert found.states == tuple(d.jobs[ids[key]].state for key in ("a", "b"))
    d.ask(lambda: get_graph(d.services, workflow_id))
    left = sum(
        not d.jobs[job_id].is_terminal for job_id in ids.values()
    )  # a job of a failed call may still run
    assert d.ask(lambda: forecast_workflow(d.services, workflow_id, now_ms=d.now_ms)).left == left
    changes = WhatIfRequest(about=(workflow_id,), add_slots={POOL: 1}, submit=job_of("more"))
    compared = d.ask(lambda: what_if(d.services, changes, NOBODY, now_ms=d.now_ms))
    assert [each.submission.submission_id for each in compared.workflows] == [workflow_id]
    costs = d.ask(lambda: read_workflow_cost(d.services, workflow_id, cursor=None, limit=10, now_ms=d.now_ms))
    assert [row.job.job_id for row in costs.rows] == list(ids.values())
    page = d.ask(lambda: list_workflows(d.services, WorkflowFilter(), cursor=None, limit=10, now_ms=d.now_ms))
    listed = d.ask(lambda: forecast_list(d.services, page.rows, now_ms=d.now_ms))
    assert listed.ends.keys() <= {workflow_id}


def counted(d: Deployment) -> None:
    """The reaper counts a job that ended, a caller asks how many ended, and an operator has the hour counted anew."""
    begin_ms = d.now_ms
    submit(d, "counted")
    for _ in range(3):  # a failed run, of the job or of its count, is repeated
        d.settle()
        d.wait(2 * (SETTLES_MS + WINDOW_MS))
        d.reap()
    query = StatisticsQuery(from_ms=d.now_ms - DAY_MS, to_ms=d.now_ms, pool=POOL)
    found = d.ask(lambda: read_statistics(d.services, query, now_ms=d.now_ms))
    assert found.total.figures.ended == 1
    recounted = d.ask(lambda: list(recount(d.services, POOL, begin_ms, begin_ms + 1, now_ms=d.now_ms)))
    assert [(hour.before, hour.after, hour.found) for hour in recounted] == [(1, 1, 1)]


def in_the_audit_trail(d: Deployment) -> None:
    """A cancel is recorded before and after it, and then looked for."""
    job_id = submit(d, "cancelled", not_before_ms=d.now_ms + 1_000)
    operator, services = caller_named("operator"), replace(d.services, entropy=_TimedIds())

    def act() -> None:
        asked = Asked("job.cancel", subject_of("job", job_id), operator, "POST /v1/jobs/{job_id}/cancel")
        with audited(services, asked, lambda: d.now_ms):
            cancel_job(d.services, job_id, caller=operator, now_ms=d.now_ms)

    with suppress(AlreadyEnded):  # by the call whose answer was lost
        d.ask(act)
    query = AuditQuery(subject=subject_of("job", job_id))
    page = d.ask(lambda: list_acts(d.services, query, cursor=None, limit=10, now_ms=d.now_ms))
    assert any(each.act == "job.cancel" for each in page.acts), "what was carried out is in the trail"
    d.settle()
