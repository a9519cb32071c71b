"""A what-if bounds its reads by numbers and by time, and names the field of what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.interleavings.scene import Scene
from dev.simulator.workflows.graphs import workflow
from tests.usecases.test_forecast import estimated
from tidegate.domain import limits
from tidegate.domain.callers import NOBODY
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.requests import ShareRequest, WhatIfRequest
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.bounds.run_clock import STILL
from tidegate.usecases.forecast import read_scene
from tidegate.usecases.forecast.notes import NoteCode
from tidegate.usecases.forecast.what_if import WhatIf, what_if
from tidegate.usecases.submit.submit import submit_workflow

OVER = Deadline(STILL, 0)


def ask(scene: Scene, request: WhatIfRequest, until: Deadline = NEVER) -> WhatIf:
    return what_if(scene.services, request, NOBODY, now_ms=scene.world.now_ms, until=until)


def refused(scene: Scene, request: WhatIfRequest) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as raised:
        ask(scene, request)
    return {each.field: each.message for each in raised.value.violations}


def two_workflows(scene: Scene) -> list[str]:
    request = workflow([estimated("a"), estimated("b", "a")])
    return [
        submit_workflow(
            scene.services, request, idempotency_key=None, fingerprint="", now_ms=scene.world.now_ms
        ).workflow_id
        for _ in range(2)
    ]


def test_no_other_workflow_is_read_once_the_time_is_over() -> None:
    scene = Scene(capacity=1)
    named, _other = two_workflows(scene)
    request = WhatIfRequest(about=(named,), slots={"p": 2})
    in_time = ask(scene, request)
    assert ([note.code for note in in_time.notes], len(in_time.workflows)) == ([], 2)
    late = ask(scene, request, OVER)
    assert [note.code for note in late.notes] == [NoteCode.NOT_ALL_READ, NoteCode.CUT_SHORT]
    assert [row.submission.submission_id for row in late.workflows] == [named]


def test_named_workflows_have_a_number_of_jobs_together(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(capacity=1)
    first, second = two_workflows(scene)
    monkeypatch.setattr(limits, "MAX_WHAT_IF_JOBS", 3)
    assert len(ask(scene, WhatIfRequest(about=(first, f"{first}.1"), slots={"p": 2})).jobs) == 1
    more = {f"{first}.0": 9, f"{second}.1": 9, second: 9}
    found = refused(scene, WhatIfRequest(about=(first,), priorities=more))
    assert list(found) == [f"priorities.{second}.1"]
    assert "have 4 jobs together, ended or not; 3 are allowed" in found[f"priorities.{second}.1"]


def test_too_many_open_jobs_and_a_missing_graph_are_named_where_they_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(capacity=1)
    first, second = two_workflows(scene)
    request = WhatIfRequest(about=(first,), priorities={f"{second}.1": 9})
    monkeypatch.setattr(read_scene, "MAX_JOBS", 3)
    found = refused(scene, request)
    assert list(found) == [f"priorities.{second}.1"]
    assert "more than 3 jobs that have not ended" in found[f"priorities.{second}.1"]
    monkeypatch.setattr(type(scene.services.progress), "load_graph", lambda _self, _id: None)
    found = refused(scene, request)
    assert list(found) == ["about[0]"]
    assert f"there is no graph of workflow {first!r}" in found["about[0]"]


def test_a_submission_is_stepped_with_the_weight_that_its_share_would_get() -> None:
    scene = Scene(capacity=4)
    scene.submit(8, estimated_duration_seconds=60.0)
    ends = []
    for weight in (1, 10):
        submit = replace(
            workflow([estimated(str(place)) for place in range(4)]),
            share=ShareRequest(name="urgent", weight=weight),
        )
        found = ask(scene, WhatIfRequest(submit=submit))
        assert found.submitted is not None
        assert found.submitted.end.then is not None
        ends.append(found.submitted.end.then.p50_ms)
    assert ends[1] < ends[0]
    assert not scene.services.lanes.list_lanes("p", limit=10)
