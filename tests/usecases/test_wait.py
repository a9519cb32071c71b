"""Calls that wait for the end of a job or a workflow, over memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dev.simulator.memory.seeded import START_MS
from tests.harness.determined import HandClock, HandPauses
from tests.harness.usecases.recovering import Workflow, chain
from tidegate.domain.errors import NotFound, ServiceRefused, ServiceUnavailable
from tidegate.domain.states import State
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.read import wait
from tidegate.usecases.read.wait import LOOK_EVERY_MS, OPEN_MS, Patience, wait_for_job, wait_for_workflow
from tidegate.usecases.record.record import record

UNKNOWN = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"
Wait = Callable[[Workflow, Patience], None]


def _job(workflow: Workflow, patience: Patience) -> None:
    wait_for_job(workflow.services, workflow.ids["a"], patience, now_ms=START_MS)


def _workflow(workflow: Workflow, patience: Patience) -> None:
    wait_for_workflow(workflow.services, workflow.workflow_id, patience, now_ms=START_MS)


both = pytest.mark.parametrize("wait_for", [_job, _workflow])


@pytest.fixture
def workflow() -> Workflow:
    return Workflow(chain("a"))


def patience(pauses: HandPauses, *, longest_ms: int = 20_000, most: int = 1) -> Patience:
    return Patience(longest_ms, NEVER, most, pauses)


def end(workflow: Workflow) -> None:
    """Ends the only job, and lets the recorder hear of it."""
    record(workflow.services, [workflow.finish("a")])


def asked(workflow: Workflow) -> list[str]:
    """Returns the requests from now on, in their order."""
    requests: list[str] = []
    workflow.world.on_request = requests.append
    return requests


@both
def test_what_has_ended_is_not_waited_for(workflow: Workflow, wait_for: Wait) -> None:
    end(workflow)
    pauses, requests = HandPauses(), asked(workflow)
    wait_for(workflow, patience(pauses))
    assert pauses.taken_ms == []
    assert "begin_wait" not in requests


@both
def test_a_wait_ends_at_the_first_look_after_the_end(workflow: Workflow, wait_for: Wait) -> None:
    pauses = HandPauses(at_end=lambda at_ms: end(workflow) if at_ms == 2_500 else None)
    wait_for(workflow, patience(pauses))
    assert pauses.at_ms == 2_500
    assert not workflow.world.open_waits


@both
@pytest.mark.parametrize("longest_ms", [1_000, 1_300, 20_000])
def test_a_wait_ends_with_its_time(workflow: Workflow, wait_for: Wait, longest_ms: int) -> None:
    pauses = HandPauses()
    wait_for(workflow, patience(pauses, longest_ms=longest_ms))
    assert pauses.at_ms == longest_ms
    assert not workflow.world.open_waits


@both
def test_a_wait_of_20_s_looks_39_times_and_writes_twice(workflow: Workflow, wait_for: Wait) -> None:
    requests = asked(workflow)
    wait_for(workflow, patience(HandPauses()))
    assert (requests.count("begin_wait"), requests.count("end_wait")) == (1, 1)
    looks = requests[requests.index("begin_wait") + 1 : requests.index("end_wait")]
    assert len(looks) == 20_000 // LOOK_EVERY_MS - 1
    assert len(set(looks)) == 1


@both
def test_slow_looks_do_not_make_a_wait_longer(workflow: Workflow, wait_for: Wait) -> None:
    pauses = HandPauses()
    workflow.world.on_request = lambda _request: setattr(pauses, "at_ms", pauses.at_ms + 4_000)
    wait_for(workflow, patience(pauses))
    assert 4 <= len(pauses.taken_ms) <= 5


@both
def test_a_wait_ends_with_the_time_of_its_function(workflow: Workflow, wait_for: Wait) -> None:
    clock = HandClock()
    pauses = HandPauses(at_end=lambda at_ms: setattr(clock, "at_ms", at_ms))
    wait_for(workflow, Patience(20_000, Deadline(clock, 3_000), 1, pauses))
    assert pauses.at_ms == 3_000


@both
def test_one_call_too_many_does_not_wait(workflow: Workflow, wait_for: Wait) -> None:
    """Of three calls, each of which begins while those before it wait."""
    pauses, third = HandPauses(), HandPauses()

    def one_too_many(_at_ms: int) -> None:
        pauses.at_end = lambda _: None
        assert len(workflow.world.open_waits) == 2
        wait_for(workflow, patience(third, most=2))

    def second(_at_ms: int) -> None:
        pauses.at_end = one_too_many
        wait_for(workflow, patience(pauses, most=2))

    pauses.at_end = second
    wait_for(workflow, patience(pauses, longest_ms=500, most=2))
    assert workflow.world.requests["begin_wait"] == 3
    assert (len(pauses.taken_ms), third.taken_ms) == (41, [])
    assert not workflow.world.open_waits


def test_no_call_is_open_for_as_long_as_it_counts() -> None:
    """Else two calls could have one number."""
    assert OPEN_MS > 29_000


@both
@pytest.mark.parametrize("error", [ServiceUnavailable, ServiceRefused])
@pytest.mark.parametrize("fails", ["begin_wait", "look", "end_wait"])
def test_a_failure_of_a_store_ends_the_wait_and_nothing_else(
    workflow: Workflow, wait_for: Wait, fails: str, error: type[Exception]
) -> None:
    pauses, requests = HandPauses(), asked(workflow)

    def fail(request: str) -> None:
        is_look = "begin_wait" in requests and request not in ("begin_wait", "end_wait")
        requests.append(request)
        if request == fails or (fails == "look" and is_look):
            raise error("down")

    workflow.world.on_request = fail
    wait_for(workflow, patience(pauses, longest_ms=1_000))
    assert bool(workflow.world.open_waits) is (fails == "end_wait")
    assert len(pauses.taken_ms) == {"begin_wait": 0, "look": 1, "end_wait": 2}[fails]


@pytest.mark.parametrize("wait_for", [wait_for_job, wait_for_workflow])
def test_an_unknown_id_is_told_at_once(workflow: Workflow, wait_for: Callable[..., None]) -> None:
    pauses = HandPauses()
    with pytest.raises(NotFound):
        wait_for(workflow.services, UNKNOWN, patience(pauses), now_ms=START_MS)
    assert pauses.taken_ms == []


def test_a_look_may_not_know_the_job_yet(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """An eventually consistent read may come from a copy that has not got the job."""
    pauses, jobs = HandPauses(), workflow.services.jobs

    class Late:
        def get(self, job_id: str, *, consistent: bool) -> object:
            return jobs.get(job_id, consistent=True) if consistent or pauses.at_ms > 1_000 else None

    services = replace(workflow.services, jobs=Late())  # type: ignore[arg-type]  # a wait asks for nothing else
    monkeypatch.setattr(wait, "LOOK_EVERY_MS", 500)
    wait_for_job(services, workflow.ids["a"], patience(pauses, longest_ms=2_000), now_ms=START_MS)
    assert pauses.at_ms == 2_000
    assert workflow.states["a"] is State.READY
