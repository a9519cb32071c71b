"""Redrive retries jobs whose messages the queue gave up, and no other failures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.usecases.recovering import Workflow, after
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, UnknownName
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import Message, message_of
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.recover.redrive import Redriven, redrive_pool
from tidegate.usecases.recover.reopen import retry_job


class Killed(Exception):
    """The error by which the process ends. No code catches it."""


def redrive(
    workflow: Workflow, cursor: str | None = None, *, limit: int = 50, pool: str = "lambda"
) -> Redriven:
    return redrive_pool(
        workflow.services,
        pool,
        cursor=cursor,
        limit=limit,
        caller=caller_named("ann"),
        now_ms=workflow.now_ms,
    )


def bury(workflow: Workflow, message: Message) -> None:
    """Delivers a message as often as the queue allows, without an acknowledgement."""
    workflow.services.queue.send("lambda", [message])
    for _ in range(10):
        workflow.services.queue.receive("lambda", limit=10, wait_seconds=0)
        workflow.world.now_ms += 3_600_000


def give_up(workflow: Workflow, key: str, times: int = limits.MAX_DISPATCHES_GIVEN_UP) -> None:
    """Delivers its messages in dispatch after dispatch, and no worker claims the job."""
    for _ in range(times):
        job = workflow.job(key)
        stamp = Stamp(workflow.now_ms, "dispatcher")
        workflow.services.jobs.apply(DispatchIfReady(job.job_id, "lambda", stamp))
        bury(workflow, message_of(job))
        reap(workflow.services, now_ms=workflow.now_ms)
    workflow.hear(workflow.job(key))
    assert workflow.job(key).state is State.FAILED


def test_undeliverable_jobs_are_tried_again_with_what_was_skipped_for_them() -> None:
    workflow = Workflow({"lost": (), "next": after("lost"), "broken": ()})
    workflow.finish("broken", State.FAILED)
    give_up(workflow, "lost")
    assert redrive(workflow) == Redriven(redriven=1, looked_at=2, cursor=None)
    assert workflow.states == {"lost": State.READY, "next": State.PENDING, "broken": State.FAILED}
    assert redrive(workflow) == Redriven(redriven=0, looked_at=1, cursor=None)
    workflow.finish("lost")
    assert workflow.states["next"] is State.READY


def test_a_redrive_goes_on_page_by_page() -> None:
    keys = [str(place) for place in range(5)]
    workflow = Workflow(dict.fromkeys(keys, ()))
    for key in keys:
        give_up(workflow, key)
        workflow.now_ms += 1
    cursor, redriven = None, 0
    for _ in keys:
        page = redrive(workflow, cursor, limit=2)
        redriven, cursor = redriven + page.redriven, page.cursor
        if cursor is None:
            break
    assert redriven == 5
    assert set(workflow.states.values()) == {State.READY}


def test_what_can_not_be_redriven_says_why() -> None:
    workflow = Workflow({"a": ()})
    with pytest.raises(UnknownName):
        redrive(workflow, pool="nowhere")
    with pytest.raises(InvalidRequest, match="cursor"):
        redrive(workflow, "x")


def test_what_is_left_of_the_messages_that_were_given_up_does_not_fail_the_job_again() -> None:
    workflow = Workflow({"a": ()})
    give_up(workflow, "a")
    earlier = Message(workflow.ids["a"], 0)  # the reaper sends unclaimed messages again and again
    redrive(workflow)
    dispatched = workflow.services.jobs.apply(
        DispatchIfReady(workflow.ids["a"], "lambda", Stamp(workflow.now_ms, "dispatcher"))
    )
    bury(workflow, earlier)
    assert reap(workflow.services, now_ms=workflow.now_ms).jobs_undeliverable == 0
    assert workflow.job("a").state is State.QUEUED
    bury(workflow, message_of(dispatched))
    assert reap(workflow.services, now_ms=workflow.now_ms).jobs_given_up == 1
    assert workflow.job("a").state is State.READY, "what was given up in an earlier life counts no more"


def test_what_somebody_else_retries_meanwhile_keeps_no_other_from_being_redriven() -> None:
    workflow = Workflow({"a": (), "b": ()})
    give_up(workflow, "a")
    give_up(workflow, "b")
    numbers = count()

    def retry_first(request: str) -> None:
        if request == "apply_all" and next(numbers) == 0:
            retry_job(
                workflow.services,
                workflow.ids["b"],
                reopen_skipped=True,
                caller=caller_named("bob"),
                now_ms=workflow.now_ms,
            )
            workflow.finish("b")

    workflow.world.on_request = retry_first
    assert redrive(workflow) == Redriven(redriven=1, looked_at=2, cursor=None)
    assert workflow.states == {"a": State.READY, "b": State.SUCCEEDED}


def test_a_redrive_that_is_killed_anywhere_loses_nothing_that_was_skipped() -> None:
    for requests in count(1):
        workflow = Workflow({"lost": (), "next": after("lost"), "last": after("next")})
        give_up(workflow, "lost")
        numbers = count()

        def die(_request: str, numbers: Iterator[int] = numbers, requests: int = requests) -> None:
            if next(numbers) >= requests:
                raise Killed

        workflow.world.on_request = die
        try:
            redrive(workflow)
        except Killed:
            workflow.world.on_request = lambda _request: None
        else:
            break
        redrive(workflow)
        for key in ("lost", "next", "last"):
            reap(workflow.services, now_ms=workflow.now_ms + 120_000)
            workflow.finish(key)
    assert requests > 5
