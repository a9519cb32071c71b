"""Many transitions in few requests, each under its own condition and with its own outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, Stores, same_clients
from tidegate.adapters.aws.clients import AwsClients
from tidegate.domain.dependency import Dependency
from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    ClaimIfQueued,
    DispatchIfReady,
    ReadyIfDue,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    Stamp,
    Transition,
    TransitionRefused,
)

STAMP = Stamp(NOW_MS + 1_000, "tester")


@pytest.mark.parametrize("number", [0, 1, 25, 26, 230])
def test_any_number_of_transitions_is_made_and_some_are_refused_or_missing(
    stores: Stores, number: int
) -> None:
    """Of every five jobs, the third has made the transition already and the fifth does not exist."""
    stores.jobs.insert_if_absent([new_job(f"S.{n}") for n in range(number) if n % 5 != 4])
    stores.jobs.apply_all([DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(2, number, 5)])
    outcomes = stores.jobs.apply_all([DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(number)])
    assert len(outcomes) == number
    for n, outcome in enumerate(outcomes):
        expected = {2: TransitionRefused, 4: NotFound}.get(n % 5, Job)
        assert isinstance(outcome, expected), n
        if isinstance(outcome, Job):
            assert (outcome.job_id, outcome.state) == (f"S.{n}", State.QUEUED)
            assert stores.jobs.get(f"S.{n}", consistent=True) == outcome


@pytest.mark.parametrize("waiting", [1, 3, 8, 9, 40])
def test_a_job_that_waits_on_any_number_becomes_ready(stores: Stores, waiting: int) -> None:
    edges = tuple(Dependency(f"S.{n}") for n in range(waiting))
    jobs = [new_job(f"T.{n}", depends_on=edges) for n in range(3)]
    stores.jobs.insert_if_absent(jobs)
    stores.jobs.apply_all([ReleaseIfPending(jobs[0], {waiting - 1}), ReleaseIfPending(jobs[1], {0})])
    ordinals = frozenset(range(waiting))
    outcomes = stores.jobs.apply_all([ReadyIfWaitingOnlyOn(job, ordinals, STAMP) for job in jobs])
    assert [isinstance(outcome, Job) for outcome in outcomes] == [False, False, True]


def test_transitions_of_one_job_are_carried_out_in_their_order(stores: Stores) -> None:
    stores.jobs.insert_if_absent([new_job("S"), new_job("T")])
    transitions: list[Transition] = [
        transition
        for job_id in ("S", "T")
        for transition in (
            DispatchIfReady(job_id, POOL, STAMP),
            ClaimIfQueued(job_id, 0, "w", NOW_MS + 9_000, STAMP),
            DispatchIfReady(job_id, POOL, STAMP),
        )
    ]
    outcomes = stores.jobs.apply_all(transitions)
    kinds = [outcome.state if isinstance(outcome, Job) else type(outcome) for outcome in outcomes]
    assert kinds == [State.QUEUED, State.RUNNING, TransitionRefused] * 2


def test_jobs_read_a_while_ago_become_ready_among_others(stores: Stores) -> None:
    seen = [
        replace(new_job(f"S.{n}"), state=State.SCHEDULED, due_at_ms=NOW_MS, ready_at_ms=None)
        for n in range(3)
    ]
    stores.jobs.insert_if_absent([seen[0], replace(seen[1], attempt=2), seen[2]])
    outcomes = stores.jobs.apply_all([ReadyIfDue(job, STAMP) for job in seen])
    assert [outcome.attempt for outcome in outcomes if isinstance(outcome, Job)] == [0, 2, 0]


@contextmanager
def failing_once(clients: AwsClients, *, takes_effect: bool) -> Iterator[None]:
    """Answers every second statement of the first batch with an error, before or after it takes effect."""
    aside = same_clients(clients).dynamodb

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        clients.dynamodb.meta.events.unregister(event, answer)  # type: ignore[arg-type]  # it answers the call
        statements = json.loads(params["body"])["Statements"]
        sent = statements if takes_effect else statements[::2]
        done: list[Any] = list(aside.batch_execute_statement(Statements=sent)["Responses"])
        responses = (
            done if takes_effect else [each for one in done for each in (one, None)][: len(statements)]
        )
        for place in range(1, len(statements), 2):
            responses[place] = {"Error": {"Code": "InternalServerError", "Message": "try again"}}
        metadata = {"HTTPStatusCode": 200, "RetryAttempts": 0}
        return SimpleNamespace(status_code=200), {"Responses": responses, "ResponseMetadata": metadata}

    event = "before-call.dynamodb.BatchExecuteStatement"
    clients.dynamodb.meta.events.register(event, answer)  # type: ignore[arg-type]  # it answers the call
    yield


@pytest.mark.parametrize("takes_effect", [False, True], ids=["throttled", "answers lost"])
def test_statements_that_failed_are_sent_again_and_their_effect_is_known(
    local_stores: Stores, local_clients: AwsClients, takes_effect: bool
) -> None:
    local_stores.jobs.insert_if_absent([new_job(f"S.{n}") for n in range(9)])
    with failing_once(local_clients, takes_effect=takes_effect):
        outcomes = local_stores.jobs.apply_all([DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(9)])
    assert [outcome.state for outcome in outcomes if isinstance(outcome, Job)] == [State.QUEUED] * 9
    history = [outcome.history for outcome in outcomes if isinstance(outcome, Job)]
    assert {len(lines) for lines in history} == {2}


def test_claims_share_a_request(local_stores: Stores) -> None:
    jobs = [replace(new_job(f"S.{n}"), state=State.QUEUED) for n in range(10)]
    local_stores.jobs.insert_if_absent(jobs)
    assert local_stores.clients is not None
    before = local_stores.clients.meter.snapshot()
    outcomes = local_stores.jobs.apply_all(
        [ClaimIfQueued(job.job_id, 0, "w", NOW_MS + 90_000, STAMP) for job in jobs]
    )
    used = local_stores.clients.meter.snapshot() - before
    assert [outcome.attempt for outcome in outcomes if isinstance(outcome, Job)] == [1] * 10
    assert used.requests == {("dynamodb", "BatchExecuteStatement"): 1}
