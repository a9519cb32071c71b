"""Each minute the reaper judges a bounded number of times to finish by, and notes the verdicts that have changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from dev.simulator.interleavings.actors import POOL
from dev.simulator.interleavings.scene import Scene
from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.callers import NOBODY
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import submission_of
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.statistics.figures import OVERRUN_UNIT, Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, Counted, Span, floor_to
from tidegate.domain.transitions import ReopenIfEnded, Stamp
from tidegate.domain.verdicts import MOST_KEPT, FinishVerdict, Judgement, shown_judgement, with_judgement
from tidegate.ports import Outcome, OutcomeKind, Reminder
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.bounds.run_clock import STILL
from tidegate.usecases.forecast.forecast import forecast_job, forecast_workflow
from tidegate.usecases.reap import reap_times as module
from tidegate.usecases.reap.reap_times import GRACE_MS, JOBS_PER_MINUTE, REMINDERS_PER_RUN, reap_times
from tidegate.usecases.record.remind_freed import remind_of_freed
from tidegate.usecases.recover.cancel import cancel_workflow
from tidegate.usecases.recover.mark import Mark, mark_job
from tidegate.usecases.recover.reopen import retry_job
from tidegate.usecases.release.free_skipped import free_skipped
from tidegate.usecases.release.judge_waiting import judge_waiting
from tidegate.usecases.release.release import release

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
LATER_MS = GRACE_MS + 1
Words = list[FinishVerdict]
ON_COURSE, AT_RISK, IMPOSSIBLE, MISSED = FinishVerdict


def estimated(key: str, *upstreams: str, minutes: float, finish_by_ms: int | None = None) -> JobRequest:
    seconds = minutes * 60
    return replace(job(key, *upstreams), estimated_duration_seconds=seconds, finish_by_ms=finish_by_ms)


def submitted(scene: Scene, request: WorkflowRequest) -> str:
    return next(iter(scene.submit_workflow(request).values())).partition(".")[0]


def run(scene: Scene, minutes: float = 0) -> int:
    scene.world.now_ms += round(minutes * MINUTE_MS)
    return reap_times(scene.services, scene.world.now_ms)


def of_workflow(scene: Scene, workflow_id: str) -> Words:
    return [each.verdict for each in scene.world.submissions[workflow_id].judgements]


def of_job(scene: Scene, job_id: str) -> Words:
    return [each.verdict for each in scene.job(job_id).judgements]


def reminders(scene: Scene) -> list[Reminder]:
    return list(scene.services.submissions.list_reminders(limit=100))


def scene_with_times(*, overrun: float = 0) -> tuple[Scene, str, int]:
    """Makes a chain of an hour that has 70 minutes, and whose second job has 15 minutes after the 20 of the first.

    By the statistics, if there are any, earlier jobs took `overrun` times their estimates.
    """
    scene = Scene(capacity=1)
    now_ms = scene.world.now_ms
    if overrun:
        runs = histogram_of([round(overrun * OVERRUN_UNIT)] * 50)
        past = Rollup({JOB_TYPE: Figures(succeeded=50, run=runs, overrun=runs)})
        today_ms = floor_to(now_ms, DAY_MS)
        yesterday = Counted(today_ms - DAY_MS, today_ms, past)
        scene.services.statistics.put(POOL, Span.DAY, yesterday, expires_at_s=now_ms)
    jobs = [
        estimated("a", minutes=20),
        estimated("b", "a", minutes=20, finish_by_ms=now_ms + 15 * MINUTE_MS),
        estimated("c", "b", minutes=20, finish_by_ms=now_ms + 10 * HOUR_MS),
    ]
    return (
        scene,
        submitted(scene, replace(workflow(jobs), finish_by_ms=now_ms + 70 * MINUTE_MS)),
        now_ms,
    )


def test_nothing_is_read_beyond_one_query_where_no_time_is_given() -> None:
    scene = Scene()
    scene.submit(3)
    scene.submit_workflow(workflow([job("a")]))
    scene.world.requests.clear()
    assert run(scene) == 0
    assert scene.world.requests == {"list_reminders": 1}


def test_verdicts_are_those_of_the_forecast_and_change_before_the_time_is_missed() -> None:
    scene, workflow_id, now_ms = scene_with_times(overrun=1.2)
    assert run(scene) == 3
    asked = forecast_workflow(scene.services, workflow_id, now_ms=now_ms).finish_by
    of_b = forecast_job(scene.services, f"{workflow_id}.1", now_ms=now_ms).finish_by
    assert asked is not None
    assert of_b is not None
    (noted,) = scene.world.submissions[workflow_id].judgements
    assert noted == Judgement(now_ms, asked.verdict, round(asked.probability, 3))
    assert (noted.verdict, of_b.verdict) == (ON_COURSE, IMPOSSIBLE)
    assert [of_job(scene, f"{workflow_id}.{each}") for each in range(3)] == [[], [IMPOSSIBLE], [ON_COURSE]]
    assert run(scene, 1) == 0  # nothing has changed
    assert run(scene, 30) == 2  # no worker has taken the first job for half an hour
    assert of_workflow(scene, workflow_id)[0] is ON_COURSE
    assert of_workflow(scene, workflow_id)[1] in (AT_RISK, IMPOSSIBLE)
    assert of_job(scene, f"{workflow_id}.1") == [IMPOSSIBLE, MISSED]
    assert reminders(scene) == [Reminder(now_ms + 15 * MINUTE_MS, workflow_id)]
    assert run(scene, 1) == 0
    assert reminders(scene) == [Reminder(now_ms + 70 * MINUTE_MS, workflow_id)]


def test_a_job_alone_is_judged_until_it_has_ended_or_its_time_is_missed() -> None:
    scene = Scene(capacity=1)
    by_ms = scene.world.now_ms + HOUR_MS
    (late,) = scene.submit(finish_by_ms=by_ms, estimated_duration_seconds=6_000)
    (early,) = scene.submit(finish_by_ms=by_ms, estimated_duration_seconds=60, priority=900)
    assert run(scene) == 2
    scene.dispatch()
    scene.end(Outcome(OutcomeKind.SUCCEEDED))
    assert run(scene, 61) == 1
    assert of_job(scene, late) == [AT_RISK, MISSED]
    assert of_job(scene, early) == [ON_COURSE]
    assert run(scene, 1) == 0
    assert reminders(scene) == []


@pytest.mark.parametrize(
    "request_name", ["set_finish_by_if", "apply_all", "change_reminder_if", "get_submission"]
)
def test_a_run_that_fails_anywhere_is_made_up_for_by_the_next(request_name: str) -> None:
    scene, workflow_id, _ = scene_with_times()

    def on_request(name: str) -> None:
        if name == request_name:
            raise ServiceUnavailable("throttled")

    run(scene)
    scene.world.now_ms += 30 * MINUTE_MS
    scene.world.on_request = on_request
    with suppress(ServiceUnavailable):
        reap_times(scene.services, scene.world.now_ms)
    scene.world.on_request = lambda _name: None
    run(scene)
    assert of_job(scene, f"{workflow_id}.1") == [IMPOSSIBLE, MISSED]
    assert len(of_workflow(scene, workflow_id)) == 2
    run(scene)
    assert [each.submission_id for each in reminders(scene)] == [workflow_id]


def test_of_two_that_judge_at_once_one_notes_the_change() -> None:
    scene, workflow_id, now_ms = scene_with_times()
    other_ran: list[int] = []

    def on_request(name: str) -> None:
        if name in ("apply_all", "set_finish_by_if") and not other_ran:
            other_ran.append(0)
            other_ran[0] = reap_times(scene.services, now_ms)

    scene.world.on_request = on_request
    assert run(scene) + other_ran[0] == 3
    assert of_workflow(scene, workflow_id) == [ON_COURSE]


def test_what_is_reopened_before_its_time_is_judged_again() -> None:
    scene, now_ms = Scene(capacity=1), Scene().world.now_ms
    own, whole = now_ms + HOUR_MS, now_ms + 2 * HOUR_MS
    jobs = [estimated("a", minutes=1, finish_by_ms=own), estimated("b", "a", minutes=1)]
    workflow_id = submitted(scene, replace(workflow(jobs), finish_by_ms=whole))
    run(scene)
    scene.dispatch()
    scene.end(Outcome(OutcomeKind.FAILED, retryable=False))
    scene.world.now_ms += LATER_MS
    cancel_workflow(scene.services, workflow_id, caller=NOBODY, now_ms=scene.world.now_ms)
    run(scene)
    assert reminders(scene) == []
    retry_job(
        scene.services, f"{workflow_id}.0", reopen_skipped=True, caller=NOBODY, now_ms=scene.world.now_ms
    )
    assert [each.submission_id for each in reminders(scene)] == [workflow_id]
    assert of_job(scene, f"{workflow_id}.0") == []
    assert run(scene) == 1  # the workflow's verdict is as it was
    assert of_job(scene, f"{workflow_id}.0") == [ON_COURSE]
    assert reminders(scene) == [Reminder(own, workflow_id)]


@pytest.mark.parametrize("of_job", [True, False])
def test_a_job_that_the_dispatcher_frees_gets_a_reminder_from_the_recorder(of_job: bool) -> None:
    scene = Scene(capacity=1)
    by_ms = scene.world.now_ms + 5 * HOUR_MS
    (a,) = scene.submit()
    waits = replace(job("b"), depends_on=(DependencyRequest(job_id=a),))
    request = workflow([replace(waits, finish_by_ms=by_ms if of_job else None)])
    b = scene.submit_workflow(replace(request, finish_by_ms=None if of_job else by_ms))["b"]
    scene.dispatch()
    release(scene.services, [scene.end(Outcome(OutcomeKind.FAILED, retryable=False))], scene.world.now_ms)
    assert scene.job(b).state is State.SKIPPED
    run(scene, LATER_MS / MINUTE_MS)
    assert reminders(scene) == []
    # A call that was cut off after its first job.
    stamp = Stamp(scene.world.now_ms, "ann")
    reopened = scene.services.jobs.apply(ReopenIfEnded(scene.job(a), stamp))
    assert judge_waiting(scene.services, [reopened], stamp)
    # The message of the first attempt comes again.
    scene.services.queue.receive(POOL, limit=1, wait_seconds=0)
    scene.dispatch()
    ended = scene.end(Outcome(OutcomeKind.SUCCEEDED))
    seen = len(scene.world.changes)
    assert free_skipped(scene.services, [ended], scene.world.now_ms) == 1
    freed = [change.new for change in list(scene.world.changes)[seen:]]
    remind_of_freed(scene.services, [ended], scene.world.now_ms)
    assert reminders(scene) == []
    remind_of_freed(scene.services, freed, scene.world.now_ms)
    assert reminders(scene) == [Reminder(by_ms, submission_of(b))]
    assert run(scene) == 1


@pytest.mark.parametrize("is_in_workflow", [True, False])
def test_the_time_of_a_workflow_is_judged_again_after_a_mark(is_in_workflow: bool) -> None:
    scene = Scene(capacity=1)
    by_ms = scene.world.now_ms + 5 * HOUR_MS
    if is_in_workflow:
        request = workflow([job("a"), estimated("b", "a", minutes=1)])
    else:
        (a,) = scene.submit()
        later = replace(job("b"), depends_on=(DependencyRequest(job_id=a),))
        request = workflow([later])
    jobs = scene.submit_workflow(replace(request, finish_by_ms=by_ms))
    a, b = jobs["a"] if is_in_workflow else a, jobs["b"]
    workflow_id = submission_of(b)
    scene.dispatch()
    release(scene.services, [scene.end(Outcome(OutcomeKind.FAILED, retryable=False))], scene.world.now_ms)
    assert scene.job(b).state is State.SKIPPED
    run(scene, LATER_MS / MINUTE_MS)
    assert reminders(scene) == []
    mark_job(scene.services, a, Mark(State.SUCCEEDED, "by hand"), caller=NOBODY, now_ms=scene.world.now_ms)
    assert scene.job(b).state is State.READY
    assert reminders(scene) == [Reminder(by_ms, workflow_id)]
    assert run(scene) == 1
    assert of_workflow(scene, workflow_id) == [ON_COURSE]


def test_a_workflow_whose_jobs_are_going_to_be_skipped_keeps_its_reminder() -> None:
    scene = Scene(capacity=1)
    by_ms = scene.world.now_ms + 5 * HOUR_MS
    jobs = [job("a"), estimated("b", "a", minutes=1)]
    workflow_id = submitted(scene, replace(workflow(jobs), finish_by_ms=by_ms))
    scene.dispatch()
    failed = scene.end(Outcome(OutcomeKind.FAILED, retryable=False))
    assert run(scene, LATER_MS / MINUTE_MS) == 0
    assert reminders(scene) == [Reminder(by_ms, workflow_id)]
    release(scene.services, [failed], scene.world.now_ms)
    run(scene)
    assert reminders(scene) == []


def test_a_reminder_without_a_time_is_removed_after_a_while() -> None:
    scene = Scene()
    scene.cut_off(
        replace(workflow([job("a"), job("b", "a")]), finish_by_ms=scene.world.now_ms + HOUR_MS), "stage"
    )
    scene.services.submissions.remind(Reminder(5, "never written"), scene.world.now_ms)
    run(scene)
    assert len(reminders(scene)) == 2  # the jobs may still be written
    scene.world.now_ms += LATER_MS
    run(scene)
    assert [each.submission_id for each in reminders(scene)] != ["never written"]
    assert len(reminders(scene)) == 1  # the reaper has not given the submission up yet


def test_the_next_time_is_judged_in_each_run_and_all_others_in_turn() -> None:
    scene = Scene()
    by_ms = scene.world.now_ms + HOUR_MS
    ids = [scene.submit(finish_by_ms=by_ms + number)[0] for number in range(3 * REMINDERS_PER_RUN)]
    counts = [run(scene) for _ in range(4)]
    assert counts[0] == REMINDERS_PER_RUN
    assert max(counts) <= REMINDERS_PER_RUN
    assert all(of_job(scene, each) for each in ids)
    scene.world.requests.clear()
    run(scene)
    assert scene.world.requests["get_consistent"] == REMINDERS_PER_RUN


def test_reminders_of_ended_jobs_keep_no_open_one_waiting() -> None:
    scene = Scene(capacity=3 * REMINDERS_PER_RUN)
    by_ms = scene.world.now_ms + HOUR_MS
    for number in range(3 * REMINDERS_PER_RUN):
        scene.submit(finish_by_ms=by_ms + number)
    scene.dispatch()
    for _ in range(3 * REMINDERS_PER_RUN):
        scene.end(Outcome(OutcomeKind.SUCCEEDED))
    (left,) = scene.submit(finish_by_ms=by_ms + HOUR_MS)
    scene.world.now_ms += LATER_MS
    assert run(scene) == 1
    assert of_job(scene, left) == [ON_COURSE]
    assert reminders(scene) == [Reminder(by_ms + HOUR_MS, left)]


def test_nothing_is_read_when_the_time_is_over() -> None:
    scene, _, now_ms = scene_with_times()
    scene.world.requests.clear()
    assert reap_times(scene.services, now_ms, until=Deadline(STILL, 0)) == 0
    assert not scene.world.requests


def test_a_large_workflow_is_judged_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "JOBS_PER_MINUTE", 4)
    scene = Scene()
    jobs = [estimated(f"j{number}", minutes=1) for number in range(12)]
    submitted(scene, replace(workflow(jobs), finish_by_ms=scene.world.now_ms + HOUR_MS))
    assert JOBS_PER_MINUTE > 4
    assert run(scene) == 1
    looks = []
    for _ in range(4):
        scene.world.requests.clear()
        run(scene, 1)
        looks.append(scene.world.requests["get_submission"])
    assert looks == [0, 0, 1, 0]


def test_nothing_is_noted_by_fewer_draws_than_the_forecast_has() -> None:
    scene, workflow_id, _ = scene_with_times()

    class Clock:
        def __init__(self) -> None:
            self.at: Iterator[int] = iter(range(10_000))

        def now_ms(self) -> int:
            return next(self.at)

    assert reap_times(scene.services, scene.world.now_ms, until=Deadline(Clock(), 3)) == 0
    assert of_workflow(scene, workflow_id) == []


def test_what_is_shown_needs_no_forecast() -> None:
    kept = (Judgement(3, AT_RISK, 0.25),)
    missed = Judgement(10, MISSED, 0.0)
    assert shown_judgement(None, kept, ended_at_ms=None, now_ms=9) is None
    assert shown_judgement(10, (), ended_at_ms=None, now_ms=9) is None
    assert shown_judgement(10, kept, ended_at_ms=None, now_ms=10) == kept[0]
    assert shown_judgement(10, kept, ended_at_ms=None, now_ms=11) == missed
    assert shown_judgement(10, kept, ended_at_ms=10, now_ms=99) is None
    assert shown_judgement(10, kept, ended_at_ms=11, now_ms=99) == missed
    assert Judgement.from_line(kept[0].line()) == kept[0]
    many: tuple[Judgement, ...] = kept
    for number in range(MOST_KEPT):
        many = with_judgement(many, Judgement(number, MISSED, 0.0))
    assert (len(many), many[-1].judged_at_ms) == (MOST_KEPT, MOST_KEPT - 1)
