"""The reads behind the answer to why a job is not running."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from typing import Any

import pytest

from dev.simulator.interleavings.scene import Scene
from dev.simulator.memory.seeded import JOB_TYPE, START_MS
from dev.simulator.memory.usual_runs import note_usual_runs
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.errors import NotFound
from tidegate.domain.requests import DependencyRequest, ShareRequest
from tidegate.domain.states import State
from tidegate.domain.statistics.usual_runs import MIN_RUNS_OF_P99
from tidegate.domain.why.facts import Action, Code
from tidegate.usecases.read.why import MAX_EDGES, READS, Explained, explain
from tidegate.usecases.services import Services

PORTS = ("jobs", "index", "submissions", "workers", "rules", "lanes", "permits", "cursors")


class _Counted:
    """A port that counts its calls."""

    def __init__(self, port: object, calls: Counter[str]) -> None:
        self._port, self._calls = port, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._calls[name] += 1
            return found(*arguments, **named)

        return call


def _why(scene: Scene, job_id: str) -> tuple[Explained, Counter[str]]:
    calls: Counter[str] = Counter()
    watched = {name: _Counted(getattr(scene.services, name), calls) for name in PORTS}
    services: Services = replace(scene.services, **watched)  # type: ignore[arg-type]
    assert {each.name for each in fields(Services)} >= set(PORTS)
    return explain(services, job_id, now_ms=scene.world.now_ms), calls


def _codes(explained: Explained) -> list[str]:
    return [fact.code for fact in explained.why.facts]


def test_a_job_that_nothing_holds_waits_for_the_dispatcher_alone() -> None:
    scene = Scene()
    (job_id,) = scene.submit()
    explained, _ = _why(scene, job_id)
    assert _codes(explained) == [Code.DISPATCH_DUE]
    assert explained.why.sentence == "To start it, wait for the dispatcher, which comes within a minute."


def test_the_dearest_answer_takes_ten_reads() -> None:
    scene = Scene(capacity=1)
    scene.services.rules.set_type_limit(JOB_TYPE, 1, actor="ann", now_ms=START_MS)
    scene.submit(2, concurrency_key="k", share=ShareRequest(name="a"))
    scene.dispatch()
    last = replace(job("c", "a", "b"), concurrency_key="k", share=ShareRequest(name="a"))
    parameters = {"text": "x" * 10_000}
    ids = scene.submit_workflow(workflow([job("a"), job("b", "a"), replace(last, parameters=parameters)]))
    assert scene.job(ids["c"]).input is None  # it overflowed, so that its dependencies cost a read
    explained, calls = _why(scene, ids["c"])
    assert calls.total() == READS, calls
    # The job that holds the key is also the one that fills the type's limit and the slot, so one change is enough.
    assert _codes(explained) == [Code.UPSTREAM, Code.UPSTREAM, Code.KEY_LIMIT]
    assert explained.why.is_whole


def test_a_job_that_runs_or_has_ended_takes_one_read() -> None:
    scene = Scene()
    (job_id,) = scene.submit()
    scene.dispatch()
    scene.claim()
    explained, calls = _why(scene, job_id)
    assert (explained.job.state, calls.total(), explained.why.facts) == (State.RUNNING, 1, ())
    assert explained.why.sentence.startswith("It is running: worker first claimed it at 20")


def test_the_usual_runs_of_a_straggler_are_read_once() -> None:
    scene = Scene()
    note_usual_runs(scene.services, [1_000] * MIN_RUNS_OF_P99)
    # An estimate of their own, so that the submission does not read the usual runs.
    job_ids = scene.submit(2, estimated_duration_seconds=1)
    calls: Counter[str] = Counter()
    scene.services = replace(scene.services, statistics=_Counted(scene.services.statistics, calls))
    _why(scene, job_ids[0])
    assert not calls, "a job that waits is no straggler"
    scene.dispatch()
    scene.claim()
    scene.world.now_ms += 2_000
    codes = [_codes(_why(scene, job_id)[0]) for job_id in job_ids * 2]
    assert codes.count([Code.STRAGGLER]) == 2, codes
    assert calls == {"find": 2 * len(scene.services.settings.pools)}


def test_an_unmet_dependency_is_named_with_its_key_and_state() -> None:
    scene = Scene()
    ids = scene.submit_workflow(workflow([job("a"), job("b", "a")]))
    explained, _ = _why(scene, ids["b"])
    (fact,) = explained.why.facts
    assert dict(fact.evidence) == {
        "job_id": ids["a"],
        "key": "a",
        "state": "READY",
        "type": "MUST_SUCCEED",
        "condition": None,
    }
    assert (fact.change.action, fact.change.job_ids) == (Action.WAIT_FOR_UPSTREAM, (ids["a"],))


def test_of_very_many_unmet_dependencies_some_are_named_and_the_others_counted() -> None:
    scene = Scene()
    upstreams = scene.submit(MAX_EDGES + 7)
    (job_id,) = scene.submit(depends_on=tuple(DependencyRequest(job_id=each) for each in upstreams))
    explained, calls = _why(scene, job_id)
    codes = Counter(_codes(explained))
    assert codes[Code.UPSTREAM] == MAX_EDGES
    assert codes[Code.UPSTREAMS_LEFT_OUT] == 1
    assert not explained.why.is_whole
    assert calls.total() <= READS


def test_the_jobs_ahead_are_counted_and_the_nearest_named() -> None:
    scene = Scene(capacity=1)
    scene.submit(3, priority=900)
    scene.dispatch()
    ahead = scene.submit(4, priority=800)
    (job_id,) = scene.submit(priority=1)
    (fact,) = _why(scene, job_id)[0].why.facts
    assert fact.code is Code.WINDOW_FULL
    assert (fact.evidence["dispatched"], fact.evidence["ahead"]) == (2, 5)
    nearest = fact.evidence["next_ahead"]
    assert isinstance(nearest, tuple)
    assert set(nearest) <= set(ahead)
    assert len(nearest) == 3
    assert (
        fact.change.number == 7
    )  # with eight slots, the two dispatched jobs, the five ahead and it run at once


def test_a_job_of_a_removed_pool_waits_for_its_pool() -> None:
    scene = Scene()
    (job_id,) = scene.submit()
    elsewhere = replace(scene.settings, pools={"other": replace(scene.settings.pools["p"], name="other")})
    scene.services = replace(scene.services, settings=elsewhere)
    assert _codes(_why(scene, job_id)[0]) == [Code.POOL_REMOVED]


def test_a_staged_job_is_not_found() -> None:
    scene = Scene()
    scene.cut_off(workflow([job("a"), job("b", "a")]), at="stage")
    for job_id in scene.world.jobs:
        with pytest.raises(NotFound):
            _why(scene, job_id)
    with pytest.raises(NotFound):
        _why(scene, "0" * 26)
