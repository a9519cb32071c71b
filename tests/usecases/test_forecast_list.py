"""The forecast of a list: its first workflows that run share one scene, and the others are counted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from dev.simulator.interleavings.actors import POOL
from dev.simulator.interleavings.scene import Scene
from dev.simulator.people.callers import caller_named
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.job import workflow_job_id
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.forecast import forecast_list as under_test
from tidegate.usecases.forecast.forecast import forecast_workflow
from tidegate.usecases.forecast.forecast_list import ListForecast, forecast_list
from tidegate.usecases.forecast.notes import NoteCode
from tidegate.usecases.operate.set_rules import pause_pool
from tidegate.usecases.read.workflows import WorkflowFilter, WorkflowRow, list_workflows
from tidegate.usecases.record.record import record
from tidegate.usecases.submit.submit import submit_workflow

MINUTE_MS = 60_000
FAILED = Outcome(OutcomeKind.FAILED, code="broken", message="it broke", retryable=False)


def estimated(key: str, *upstreams: str) -> JobRequest:
    return replace(job(key, *upstreams), estimated_duration_seconds=60.0)


def submitted(scene: Scene, *jobs: JobRequest) -> str:
    scene.world.now_ms += 1
    accepted = submit_workflow(
        scene.services, workflow(list(jobs)), idempotency_key=None, fingerprint="", now_ms=scene.world.now_ms
    )
    return accepted.workflow_id


def rows(scene: Scene) -> tuple[WorkflowRow, ...]:
    record(scene.services, [change.new for change in scene.world.changes])
    page = list_workflows(scene.services, WorkflowFilter(), cursor=None, limit=200, now_ms=scene.world.now_ms)
    return page.rows


def ask(scene: Scene) -> ListForecast:
    return forecast_list(scene.services, rows(scene), now_ms=scene.world.now_ms)


def minutes(scene: Scene, found: ListForecast, workflow_id: str) -> float:
    end = found.ends[workflow_id]
    assert end is not None
    return (end.p50_ms - scene.world.now_ms) / MINUTE_MS


def test_workflows_of_a_list_wait_for_each_other() -> None:
    scene = Scene(capacity=1)
    first = submitted(scene, estimated("a"), estimated("b", "a"))
    second = submitted(scene, estimated("c"), estimated("d", "c"))
    found = ask(scene)
    assert minutes(scene, found, first) == pytest.approx(3, rel=0.35)
    assert minutes(scene, found, second) == pytest.approx(4, rel=0.25)
    assert (found.left_out, found.notes) == (0, ())
    for each in (first, second):
        alone = forecast_workflow(scene.services, each, now_ms=scene.world.now_ms).end
        assert alone is not None
        assert minutes(scene, found, each) == pytest.approx(
            (alone.p50_ms - scene.world.now_ms) / MINUTE_MS, rel=0.2
        )


def test_what_has_ended_has_no_forecast_and_what_never_ends_has_no_time() -> None:
    scene = Scene(capacity=1)
    ended = submitted(scene, estimated("a"))
    scene.dispatch()
    scene.end(Outcome(OutcomeKind.SUCCEEDED))
    held = submitted(scene, estimated("b"))
    pause_pool(scene.services, POOL, caller=caller_named("anna"), now_ms=scene.world.now_ms)
    found = ask(scene)
    assert found.ends == {held: None}
    assert ended not in found.ends
    assert (found.left_out, [note.code for note in found.notes]) == (0, [NoteCode.POOL_PAUSED])


def test_jobs_that_are_going_to_be_skipped_are_no_part_of_an_end() -> None:
    scene = Scene(capacity=1)
    broken = submitted(scene, estimated("a"), estimated("b", "a"), estimated("c"))
    scene.dispatch()
    scene.end(FAILED)
    found = ask(scene)
    assert minutes(scene, found, broken) == pytest.approx(1, rel=0.25)
    assert [note.code for note in found.notes] == [NoteCode.GOING_TO_BE_SKIPPED]


@pytest.mark.parametrize(
    ("most", "most_left", "chosen"), [(20, 3, "ca"), (1, 100, "c"), (20, 0, ""), (20, 100, "cba")]
)
def test_workflows_beyond_the_bounds_are_passed_over_and_counted(
    most: int, most_left: int, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "MAX_WORKFLOWS", most)
    monkeypatch.setattr(under_test, "MAX_LEFT", most_left)
    scene = Scene(capacity=4)
    ids = {
        "a": submitted(scene, estimated("a")),
        "b": submitted(scene, *(estimated(f"b{number}") for number in range(3))),
        "c": submitted(scene, estimated("c0"), estimated("c1")),
    }
    found = ask(scene)
    assert found.ends.keys() == {ids[each] for each in chosen}
    assert found.left_out == 3 - len(chosen)
    assert (found.draws == 0) is (not chosen)


def test_a_list_is_forecast_within_the_time_of_an_answer() -> None:
    scene = Scene(capacity=1)
    _, last = (submitted(scene, estimated(name)) for name in "ab")
    over = Deadline(SimpleNamespace(now_ms=lambda: 10), 5)
    found = forecast_list(scene.services, rows(scene), now_ms=scene.world.now_ms, until=over)
    assert (list(found.ends), found.left_out, found.draws) == ([last], 1, 1)
    assert {NoteCode.NOT_ALL_READ, NoteCode.CUT_SHORT} <= {note.code for note in found.notes}


def test_a_workflow_without_a_stored_graph_is_left_out_although_others_wait_for_its_jobs() -> None:
    scene = Scene(capacity=1)
    old = submitted(scene, estimated("a"), estimated("b"))
    upstream = DependencyRequest(job_id=workflow_job_id(old, 0))
    later = submitted(scene, replace(estimated("c"), depends_on=(upstream,)))
    del scene.world.graphs[old]
    found = ask(scene)
    assert (list(found.ends), found.left_out) == ([later], 1)
    assert [note.code for note in found.notes] == [NoteCode.NOT_ALL_READ]
