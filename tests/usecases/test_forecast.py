"""The reads behind a forecast: the workflow, what competes with it, and what has no forecast."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.interleavings.actors import POOL
from dev.simulator.interleavings.scene import Scene
from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.people.callers import caller_named
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.errors import NotFound
from tidegate.domain.forecast.forecast import JobForecast
from tidegate.domain.job import NEVER_MS
from tidegate.domain.lanes import share_lane
from tidegate.domain.requests import DependencyRequest, JobRequest, ShareRequest, WorkflowRequest
from tidegate.domain.shares import ShareRule
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, Counted, Span, floor_to
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.forecast import forecast, read_scene
from tidegate.usecases.forecast.forecast import (
    MAX_ROWS,
    WorkflowForecast,
    forecast_job,
    forecast_workflow,
)
from tidegate.usecases.forecast.notes import NoteCode
from tidegate.usecases.forecast.read_scene import read_job_scene
from tidegate.usecases.record.record import record
from tidegate.usecases.recover.hold import hold_job
from tidegate.usecases.submit.submit import submit_workflow
from tidegate.usecases.work.conclude import conclude

MINUTE_MS = 60_000


def estimated(key: str, *upstreams: str, seconds: float = 60.0) -> JobRequest:
    return replace(job(key, *upstreams), estimated_duration_seconds=seconds)


def submitted(scene: Scene, request: WorkflowRequest) -> str:
    return next(iter(scene.submit_workflow(request).values())).partition(".")[0]


def ask(scene: Scene, workflow_id: str) -> WorkflowForecast:
    return forecast_workflow(scene.services, workflow_id, now_ms=scene.world.now_ms)


def minutes(scene: Scene, found: WorkflowForecast) -> float:
    assert found.end is not None
    return (found.end.p50_ms - scene.world.now_ms) / MINUTE_MS


def codes(found: WorkflowForecast) -> list[str]:
    return [note.code for note in found.notes]


def test_jobs_wait_for_their_upstreams_and_for_slots() -> None:
    for capacity, expected in ((1, 4), (2, 3)):
        scene = Scene(capacity=capacity)
        request = workflow([estimated("a"), estimated("b", "a"), estimated("c", "a"), estimated("d", "b")])
        found = ask(scene, submitted(scene, request))
        assert minutes(scene, found) == pytest.approx(expected, rel=0.25)
        assert found.rows[0].job.key == "a"
        assert (found.left, codes(found)) == (4, [])


def test_what_was_submitted_before_goes_first_with_what_it_has_waiting() -> None:
    scene = Scene(capacity=1)
    scene.submit_workflow(workflow([estimated("a"), estimated("b", "a"), estimated("c", "b")]))
    scene.submit(2, estimated_duration_seconds=60.0)
    scene.world.now_ms += 1
    request = replace(workflow([estimated("own")]), name="later")
    later = submit_workflow(
        scene.services, request, idempotency_key=None, fingerprint="", now_ms=scene.world.now_ms
    ).workflow_id
    found = ask(scene, later)
    # One job of the first workflow and two alone are READY; the others of the first come behind, by their time.
    assert minutes(scene, found) == pytest.approx(4, rel=0.25)
    assert codes(found) == []


def test_what_ended_teaches_how_long_jobs_take_and_no_longer_counts() -> None:
    scene = Scene(capacity=1)
    workflow_id = submitted(scene, workflow([job("a"), job("b", "a")]))
    assert codes(ask(scene, workflow_id)) == [NoteCode.RUN_TIMES_GUESSED]
    scene.dispatch()
    claimed = scene.claim()
    scene.world.now_ms += 7 * MINUTE_MS
    ended = conclude(scene.services, claimed, Outcome(OutcomeKind.SUCCEEDED), scene.world.now_ms)
    assert ended is not None
    for record_it in (False, True):
        if record_it:
            record(scene.services, [change.new for change in scene.world.changes])
        found = ask(scene, workflow_id)
        assert (found.left, codes(found)) == (1, [])
        assert minutes(scene, found) == pytest.approx(7, rel=0.6)
    own = forecast_job(scene.services, ended.job_id, now_ms=scene.world.now_ms)
    assert (own.forecast, own.draws, own.notes) == (JobForecast(None, None), 0, ())


def test_earlier_workflows_teach_how_jobs_run_against_their_estimates() -> None:
    scene = Scene(capacity=1)
    workflow_id = submitted(scene, workflow([estimated("a"), estimated("b", "a")]))
    before = ask(scene, workflow_id)
    midnight = floor_to(scene.world.now_ms, DAY_MS)
    runs = histogram_of([60_000] * 50)
    twice = Rollup({JOB_TYPE: Figures(succeeded=100, run=runs, overrun=histogram_of(range(1_950, 2_050)))})
    counted = Counted(midnight - DAY_MS, midnight, twice)
    scene.services.statistics.put(POOL, Span.DAY, counted, expires_at_s=0)
    scene.services.long_recall.forget()
    after = ask(scene, workflow_id)
    assert before.end is not None
    assert after.end is not None
    assert minutes(scene, after) == pytest.approx(2 * 2, rel=0.1)
    wide, narrow = (each.high_ms - each.low_ms for each in (before.end, after.end))
    assert narrow < wide / 2, "the earlier jobs were all as slow as each other"


def test_jobs_that_a_failure_skips_are_left_out_and_said() -> None:
    scene = Scene(capacity=1)
    workflow_id = submitted(
        scene, workflow([replace(job("a"), estimated_duration_seconds=1.0), job("b", "a")])
    )
    scene.dispatch()
    scene.end(Outcome(OutcomeKind.FAILED, code="broken", message="it broke", retryable=False))
    found = ask(scene, workflow_id)
    assert (found.left, found.end, found.rows, found.draws) == (1, None, (), 0)
    assert codes(found) == [NoteCode.GOING_TO_BE_SKIPPED]


def test_what_is_skipped_beside_a_job_is_not_said_of_one_that_ended_while_it_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(capacity=1)
    ids = scene.submit_workflow(workflow([job("a"), job("b", "a"), job("c")]))
    scene.dispatch()
    scene.end(Outcome(OutcomeKind.FAILED, code="broken", message="it broke", retryable=False))
    scene.dispatch()
    claimed = scene.claim()
    running = scene.job(ids["c"])
    assert conclude(scene.services, claimed, Outcome(OutcomeKind.SUCCEEDED), scene.world.now_ms) is not None
    skipped = forecast_job(scene.services, ids["b"], now_ms=scene.world.now_ms)
    assert [note.code for note in skipped.notes] == [NoteCode.GOING_TO_BE_SKIPPED]
    monkeypatch.setattr(forecast, "find_job", lambda *_: running)
    ended = forecast_job(scene.services, ids["c"], now_ms=scene.world.now_ms)
    assert (ended.forecast, ended.draws, ended.notes) == (JobForecast(None, None), 0, ())


def test_a_job_alone_waits_for_its_upstream_of_an_earlier_submission() -> None:
    scene = Scene(capacity=2)
    (first,) = scene.submit(estimated_duration_seconds=60.0)
    (last,) = scene.submit(estimated_duration_seconds=60.0, depends_on=(DependencyRequest(job_id=first),))
    found = forecast_job(scene.services, last, now_ms=scene.world.now_ms)
    assert found.forecast.start is not None
    assert (found.forecast.start.p50_ms - scene.world.now_ms) / MINUTE_MS == pytest.approx(1, rel=0.25)
    assert found.notes == ()


def test_a_removed_pool_and_a_hold_are_said() -> None:
    scene = Scene(capacity=1)
    workflow_id = submitted(scene, workflow([estimated("a")]))
    elsewhere = replace(scene.settings, pools={"other": replace(scene.settings.pools["p"], name="other")})
    services = replace(scene.services, settings=elsewhere)
    found = forecast_workflow(services, workflow_id, now_ms=scene.world.now_ms)
    assert (found.end, codes(found)) == (None, [NoteCode.POOL_GONE])
    with pytest.raises(NotFound):
        forecast_workflow(services, "unknown", now_ms=scene.world.now_ms)


def test_the_due_time_of_a_job_on_hold_and_the_bound_of_its_share_are_read() -> None:
    scene = Scene(capacity=1)
    rule = ShareRule(max_priority=300, max_waiting=None, by="ann", at_ms=0)
    scene.services.lanes.define("p", share_lane("bounded"), weight=1, rule=rule, now_ms=scene.world.now_ms)
    due_at_ms = scene.world.now_ms + MINUTE_MS
    (job_id,) = scene.submit(not_before_ms=due_at_ms, share=ShareRequest(name="bounded"))
    hold_job(scene.services, job_id, caller=caller_named("ann"), now_ms=scene.world.now_ms)
    read = read_job_scene(scene.services, scene.job(job_id), scene.world.now_ms).scene
    assert [(each.wakes_at_ms, each.due_at_ms) for each in read.jobs] == [(NEVER_MS, due_at_ms)]
    assert read.pools["p"].highest == {"bounded": 300}


def test_few_of_many_jobs_are_shown_and_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(capacity=4)
    workflow_id = submitted(scene, workflow([estimated(str(number)) for number in range(MAX_ROWS + 5)]))
    found = ask(scene, workflow_id)
    assert (len(found.rows), found.left) == (MAX_ROWS, MAX_ROWS + 5)
    starts = [row.forecast.start.p50_ms for row in found.rows if row.forecast.start is not None]
    assert starts == sorted(starts)
    scene.submit(5)
    monkeypatch.setattr(read_scene, "MAX_READY", 2)
    assert codes(ask(scene, workflow_id)) == [NoteCode.NOT_ALL_READ]
