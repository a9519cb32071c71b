"""Transitions in batches of which parts are throttled, invalid or unanswered; the answers are made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.contract.jobs import new_job
from tests.contract.script import Script, error
from tests.contract.stores import NOW_MS, POOL, RANK_POLICY, Stores
from tidegate.adapters.dynamodb_items import JobCodec
from tidegate.domain.errors import DependencyUnavailable, NotFound, ServiceRefused, TransitionRefused
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, ReadyIfDue, RequestCancelIfRunning, Stamp

CODEC = JobCodec(3, RANK_POLICY)
STAMP = Stamp(NOW_MS, "dispatcher")
MOVES = [DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(3)]
MOVED = [move.apply(new_job(move.job_id)) for move in MOVES]
DONE = [{"TableName": "Jobs", "Item": CODEC.whole_item(job)} for job in MOVED]


def failed(code: str, **more: Any) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": "says AWS", **more}}


THROTTLED = failed("ThrottlingError")


def refused_by(job: Job) -> dict[str, Any]:
    return failed("ConditionalCheckFailed", Item=CODEC.whole_item(job))


def answer(*responses: dict[str, Any], retries: int = 0) -> dict[str, Any]:
    return {"Responses": list(responses), "ResponseMetadata": {"RetryAttempts": retries}}


def test_each_transition_has_its_own_outcome(scripted: Stores, script: Script) -> None:
    ended = replace(MOVED[1], state=State.CANCELLED)
    script.answers(answer(DONE[0], refused_by(ended), failed("ConditionalCheckFailed")))
    moved, refused, missing = scripted.jobs.apply_all(MOVES)
    assert moved == MOVED[0]
    assert isinstance(refused, TransitionRefused)
    assert refused.job == ended
    assert isinstance(missing, NotFound)
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "code", ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict", "InternalServerError"]
)
def test_only_what_was_refused_for_load_is_sent_again(scripted: Stores, script: Script, code: str) -> None:
    script.answers(answer(DONE[0], failed(code), DONE[2]), answer(DONE[1]))
    assert scripted.jobs.apply_all(MOVES) == MOVED
    assert [body.count(b"UPDATE") for body in script.bodies()] == [3, 1]
    assert b"S.1" in script.bodies()[1]


def test_a_throttled_transition_does_not_lose_what_became_of_the_others(
    scripted: Stores, script: Script
) -> None:
    script.answers(answer(DONE[0], THROTTLED, DONE[2]), answer(THROTTLED))
    first, second, third = scripted.jobs.apply_all(MOVES)
    assert (first, third) == (MOVED[0], MOVED[2])
    assert isinstance(second, DependencyUnavailable)
    assert len(script.asked) > 8


def test_a_transition_sent_again_meets_its_own_effect(scripted: Stores, script: Script) -> None:
    script.answers(answer(DONE[0], THROTTLED, DONE[2]), answer(refused_by(MOVED[1])))
    assert scripted.jobs.apply_all(MOVES) == MOVED


def test_a_request_sent_again_meets_its_own_effects(scripted: Stores, script: Script) -> None:
    script.answers(answer(*(refused_by(job) for job in MOVED), retries=1))
    assert scripted.jobs.apply_all(MOVES) == MOVED


def test_what_was_sent_once_does_not_claim_what_it_meets(scripted: Stores, script: Script) -> None:
    script.answers(answer(*(refused_by(job) for job in MOVED)))
    assert {type(outcome) for outcome in scripted.jobs.apply_all(MOVES)} == {TransitionRefused}


def test_what_was_sent_again_does_not_claim_what_another_did(scripted: Stores, script: Script) -> None:
    other = DispatchIfReady("S.1", POOL, replace(STAMP, now_ms=NOW_MS - 1)).apply(new_job("S.1"))
    script.answers(answer(DONE[0], THROTTLED, DONE[2]), answer(refused_by(other)))
    assert isinstance(scripted.jobs.apply_all(MOVES)[1], TransitionRefused)


@pytest.mark.parametrize(
    "unanswered",
    [error("ThrottlingException"), ReadTimeoutError(endpoint_url="http://127.0.0.1:9")],
    ids=["throttled", "timeout"],
)
def test_a_request_without_an_answer_leaves_all_its_transitions_open(
    scripted: Stores, script: Script, unanswered: Any
) -> None:
    script.answers(answer(DONE[0], THROTTLED, THROTTLED), unanswered)
    first, *others = scripted.jobs.apply_all(MOVES)
    assert first == MOVED[0]
    assert [type(outcome) for outcome in others] == [DependencyUnavailable] * 2


def test_a_single_transition_without_an_answer_is_an_outcome_too(scripted: Stores, script: Script) -> None:
    script.answers(error("ThrottlingException"))
    (outcome,) = scripted.jobs.apply_all(MOVES[:1])
    assert isinstance(outcome, DependencyUnavailable)


def test_a_statement_that_is_not_understood_is_made_a_call(scripted: Stores, script: Script) -> None:
    attributes = {"Attributes": CODEC.whole_item(MOVED[1])}
    script.answers(answer(DONE[0], failed("ValidationError"), DONE[2]), attributes)
    assert scripted.jobs.apply_all(MOVES) == MOVED
    assert b"UpdateExpression" in script.bodies()[1]


def test_a_statement_that_brings_no_item_back_is_followed_by_a_call_that_does(
    scripted: Stores, script: Script
) -> None:
    refusal = error("ConditionalCheckFailedException", Item=CODEC.whole_item(MOVED[1]))
    script.answers(answer(DONE[0], {"TableName": "Jobs"}, DONE[2]), refusal)
    assert scripted.jobs.apply_all(MOVES) == MOVED


def test_a_transition_refused_for_good_does_not_lose_the_others(scripted: Stores, script: Script) -> None:
    script.answers(answer(DONE[0], failed("AccessDenied"), DONE[2]))
    first, refused, third = scripted.jobs.apply_all(MOVES)
    assert (first, third) == (MOVED[0], MOVED[2])
    assert isinstance(refused, ServiceRefused)
    assert "check the permissions" in str(refused)


def test_a_job_that_moved_and_can_not_be_read_does_not_lose_the_others(
    scripted: Stores, script: Script
) -> None:
    script.answers(
        answer(DONE[0], {"Item": {**CODEC.whole_item(MOVED[1]), "history": {"L": [{"S": "unheard-of"}]}}})
    )
    moved, unreadable = scripted.jobs.apply_all(MOVES[:2])
    assert moved == MOVED[0]
    assert isinstance(unreadable, ServiceRefused)
    assert "S.1 can't be read" in str(unreadable)


def test_a_job_that_was_read_too_early_is_tried_again_as_it_is(scripted: Stores, script: Script) -> None:
    seen = replace(new_job("S.0"), state=State.SCHEDULED, due_at_ms=NOW_MS, ready_at_ms=None)
    stands = replace(seen, attempt=2)
    moved = ReadyIfDue(stands, STAMP).apply(stands)
    script.answers(answer(refused_by(stands), DONE[1]), {"Attributes": CODEC.whole_item(moved)})
    first, second = scripted.jobs.apply_all([ReadyIfDue(seen, STAMP), MOVES[1]])
    assert isinstance(first, Job)
    assert (first.state, first.attempt) == (State.READY, 2)
    assert second == MOVED[1]


def test_what_partiql_can_not_say_is_a_call_beside_the_batch(scripted: Stores, script: Script) -> None:
    running = replace(new_job("R"), state=State.RUNNING, attempt=1)
    asked = RequestCancelIfRunning(running, STAMP)
    script.answers(error("ThrottlingException"))
    scripted.jobs.apply_all([asked, *MOVES])
    kinds = [b"UpdateExpression" in body for body in script.bodies()]
    assert kinds.count(True) == 1
    assert kinds.count(False) > 8  # the batch is tried until its time is over


def test_no_value_is_part_of_a_statements_text(scripted: Stores, script: Script) -> None:
    script.answers(answer(*DONE))
    scripted.jobs.apply_all(MOVES)
    assert script.bodies()[0].count(b"S.1") == 1
    assert b'"S": "S.1"' in script.bodies()[0]
