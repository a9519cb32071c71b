"""Batches of transitions of which parts are throttled, refused, invalid or unanswered, with scripted answers.

As on AWS, a refused statement returns no item. The store then reads all jobs of the batch's refusals in one request.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.harness.contract.jobs import new_job
from tests.harness.contract.script import Script, error
from tests.harness.contract.stores import NOW_MS, POOL, RANK_POLICY, Stores
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.domain.errors import NotFound, ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    DispatchIfReady,
    HeartbeatIfAttemptHolds,
    ReadyIfDue,
    RequestCancelIfRunning,
    Stamp,
    TransitionRefused,
)

CODEC = JobCodec(3, RANK_POLICY)
STAMP = Stamp(NOW_MS, "dispatcher")
TRANSITIONS = [DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(3)]
CHANGED = [transition.apply(new_job(transition.job_id)) for transition in TRANSITIONS]
DONE = [{"TableName": "Jobs", "Item": CODEC.whole_item(job)} for job in CHANGED]


def failed(code: str, **more: Any) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": "says AWS", **more}}


THROTTLED = failed("ThrottlingError")


REFUSED = failed("ConditionalCheckFailed")


def standing(*jobs: Job) -> dict[str, Any]:
    """Makes the answer to a read of jobs, in no order. Jobs that are not given do not exist."""
    return {"Responses": {"Jobs": [CODEC.whole_item(job) for job in reversed(jobs)]}, "UnprocessedKeys": {}}


def kinds(script: Script) -> list[str]:
    """Returns the operations that were requested, in their order."""
    return [params["headers"]["X-Amz-Target"].rpartition(".")[2] for params in script.asked]


def answer(*responses: dict[str, Any], retries: int = 0) -> dict[str, Any]:
    return {"Responses": list(responses), "ResponseMetadata": {"RetryAttempts": retries}}


def test_each_transition_has_its_own_outcome(scripted: Stores, script: Script) -> None:
    ended = replace(CHANGED[1], state=State.CANCELLED)
    script.answers(answer(DONE[0], REFUSED, REFUSED), standing(ended))
    changed, refused, missing = scripted.jobs.apply_all(TRANSITIONS)
    assert changed == CHANGED[0]
    assert isinstance(refused, TransitionRefused)
    assert refused.job == ended
    assert isinstance(missing, NotFound)


def test_the_refused_of_a_batch_are_read_together_and_consistently(scripted: Stores, script: Script) -> None:
    transitions = [DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(25)]
    jobs = [replace(new_job(transition.job_id), state=State.CANCELLED) for transition in transitions]
    script.answers(answer(*[REFUSED] * 25), standing(*jobs))
    outcomes = scripted.jobs.apply_all(transitions)
    assert [outcome.job for outcome in outcomes if isinstance(outcome, TransitionRefused)] == jobs
    assert kinds(script) == ["BatchExecuteStatement", "BatchGetItem"]
    asked = json.loads(script.bodies()[1])["RequestItems"]["Jobs"]
    assert asked["ConsistentRead"]
    assert [key["job_id"]["S"] for key in asked["Keys"]] == [transition.job_id for transition in transitions]


@pytest.mark.parametrize("unread", [error("ThrottlingException"), error("InternalServerError")], ids=str)
def test_a_refused_job_that_can_not_be_read_is_not_taken_for_gone(
    scripted: Stores, script: Script, unread: Any
) -> None:
    script.answers(answer(DONE[0], REFUSED, REFUSED), unread)
    changed, *open_ones = scripted.jobs.apply_all(TRANSITIONS)
    assert changed == CHANGED[0]
    assert [type(outcome) for outcome in open_ones] == [ServiceUnavailable] * 2


def test_a_refused_job_that_the_read_left_over_is_read_again(scripted: Stores, script: Script) -> None:
    ended = [replace(job, state=State.CANCELLED) for job in CHANGED]
    left_over = {"UnprocessedKeys": {"Jobs": {"Keys": [{"job_id": {"S": "S.2"}}], "ConsistentRead": True}}}
    script.answers(answer(DONE[0], REFUSED, REFUSED), {**standing(ended[1]), **left_over}, standing(ended[2]))
    outcomes = scripted.jobs.apply_all(TRANSITIONS)
    assert [type(outcome) for outcome in outcomes] == [Job, TransitionRefused, TransitionRefused]


def test_a_batch_that_is_left_unanswered_still_judges_what_was_refused_before(
    scripted: Stores, script: Script
) -> None:
    ended = replace(CHANGED[0], state=State.CANCELLED)
    script.answers(answer(REFUSED, THROTTLED, DONE[2]), error("InternalServerError"), standing(ended))
    refused, unanswered, changed = scripted.jobs.apply_all(TRANSITIONS)
    assert isinstance(refused, TransitionRefused)
    assert isinstance(unanswered, ServiceUnavailable)
    assert changed == CHANGED[2]


def test_a_call_that_brings_no_item_back_is_not_taken_for_gone_either(
    scripted: Stores, script: Script
) -> None:
    ended = replace(CHANGED[0], state=State.CANCELLED)
    script.answers(error("ConditionalCheckFailedException"), standing(ended))
    with pytest.raises(TransitionRefused) as refused:
        scripted.jobs.apply(TRANSITIONS[0])
    assert refused.value.job == ended


def test_a_job_is_gone_where_a_consistent_read_finds_none(scripted: Stores, script: Script) -> None:
    script.answers(error("ConditionalCheckFailedException"), standing())
    with pytest.raises(NotFound):
        scripted.jobs.apply(TRANSITIONS[0])
    assert b'"ConsistentRead": true' in script.bodies()[1]


def test_a_transition_that_is_possible_again_since_its_refusal_is_made_by_a_call(
    scripted: Stores, script: Script
) -> None:
    script.answers(
        answer(DONE[0], REFUSED, DONE[2]),
        standing(new_job("S.1")),  # the worker handed the job back between the refusal and the read
        {"Attributes": CODEC.whole_item(CHANGED[1])},
    )
    assert scripted.jobs.apply_all(TRANSITIONS) == CHANGED
    assert kinds(script) == ["BatchExecuteStatement", "BatchGetItem", "UpdateItem"]


def test_a_job_that_changes_at_each_try_is_left_open_after_three_calls(
    scripted: Stores, script: Script
) -> None:
    ready = error("ConditionalCheckFailedException", Item=CODEC.whole_item(new_job("S.1")))
    script.answers(answer(DONE[0], REFUSED, DONE[2]), standing(new_job("S.1")), ready)
    first, second, third = scripted.jobs.apply_all(TRANSITIONS)
    assert (first, third) == (CHANGED[0], CHANGED[2])
    assert isinstance(second, ServiceUnavailable)
    assert "kept changing" in str(second)
    assert kinds(script) == ["BatchExecuteStatement", "BatchGetItem", *["UpdateItem"] * 3]


def test_a_batch_that_is_refused_whole_goes_one_by_one(scripted: Stores, script: Script) -> None:
    calls = [{"Attributes": CODEC.whole_item(job)} for job in CHANGED]
    script.answers(error("ValidationException"), *calls, error("AccessDeniedException"))
    outcomes = scripted.jobs.apply_all(TRANSITIONS)
    assert sorted(outcome.job_id for outcome in outcomes if isinstance(outcome, Job)) == ["S.0", "S.1", "S.2"]
    assert kinds(script) == ["BatchExecuteStatement", *["UpdateItem"] * 3]


@pytest.mark.parametrize(
    "code", ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict", "InternalServerError"]
)
def test_only_what_was_refused_for_load_is_sent_again(scripted: Stores, script: Script, code: str) -> None:
    script.answers(answer(DONE[0], failed(code), DONE[2]), answer(DONE[1]))
    assert scripted.jobs.apply_all(TRANSITIONS) == CHANGED
    assert [body.count(b"UPDATE") for body in script.bodies()] == [3, 1]
    assert b"S.1" in script.bodies()[1]


def test_a_throttled_transition_does_not_lose_what_became_of_the_others(
    scripted: Stores, script: Script
) -> None:
    script.answers(answer(DONE[0], THROTTLED, DONE[2]), answer(THROTTLED))
    first, second, third = scripted.jobs.apply_all(TRANSITIONS)
    assert (first, third) == (CHANGED[0], CHANGED[2])
    assert isinstance(second, ServiceUnavailable)
    assert len(script.asked) > 8


def test_a_transition_sent_again_meets_its_own_effect(scripted: Stores, script: Script) -> None:
    script.answers(answer(DONE[0], THROTTLED, DONE[2]), answer(REFUSED), standing(CHANGED[1]))
    assert scripted.jobs.apply_all(TRANSITIONS) == CHANGED


def test_a_request_sent_again_meets_its_own_effects(scripted: Stores, script: Script) -> None:
    script.answers(answer(*[REFUSED] * 3, retries=1), standing(*CHANGED))
    assert scripted.jobs.apply_all(TRANSITIONS) == CHANGED


def test_what_was_sent_once_does_not_claim_what_it_meets(scripted: Stores, script: Script) -> None:
    script.answers(answer(*[REFUSED] * 3), standing(*CHANGED))
    assert {type(outcome) for outcome in scripted.jobs.apply_all(TRANSITIONS)} == {TransitionRefused}


def test_what_was_sent_again_does_not_claim_what_another_did(scripted: Stores, script: Script) -> None:
    other = DispatchIfReady("S.1", POOL, replace(STAMP, now_ms=NOW_MS + 1)).apply(new_job("S.1"))
    script.answers(answer(DONE[0], THROTTLED, DONE[2]), answer(REFUSED), standing(other))
    assert isinstance(scripted.jobs.apply_all(TRANSITIONS)[1], TransitionRefused)


@pytest.mark.parametrize(
    "unanswered",
    [error("ThrottlingException"), ReadTimeoutError(endpoint_url="http://127.0.0.1:9")],
    ids=["throttled", "timeout"],
)
def test_a_request_without_an_answer_leaves_all_its_transitions_open(
    scripted: Stores, script: Script, unanswered: Any
) -> None:
    script.answers(answer(DONE[0], THROTTLED, THROTTLED), unanswered)
    first, *others = scripted.jobs.apply_all(TRANSITIONS)
    assert first == CHANGED[0]
    assert [type(outcome) for outcome in others] == [ServiceUnavailable] * 2


def test_a_single_transition_without_an_answer_is_an_outcome_too(scripted: Stores, script: Script) -> None:
    script.answers(error("ThrottlingException"))
    (outcome,) = scripted.jobs.apply_all(TRANSITIONS[:1])
    assert isinstance(outcome, ServiceUnavailable)


def test_a_statement_that_is_not_understood_is_made_a_call(scripted: Stores, script: Script) -> None:
    attributes = {"Attributes": CODEC.whole_item(CHANGED[1])}
    script.answers(answer(DONE[0], failed("ValidationError"), DONE[2]), attributes)
    assert scripted.jobs.apply_all(TRANSITIONS) == CHANGED
    assert b"UpdateExpression" in script.bodies()[1]


def test_a_statement_that_brings_no_item_back_is_followed_by_a_call_that_does(
    scripted: Stores, script: Script
) -> None:
    refusal = error("ConditionalCheckFailedException", Item=CODEC.whole_item(CHANGED[1]))
    script.answers(answer(DONE[0], {"TableName": "Jobs"}, DONE[2]), refusal)
    assert scripted.jobs.apply_all(TRANSITIONS) == CHANGED


def test_a_call_that_stands_for_a_statement_goes_on_where_it_is_throttled(
    scripted: Stores, script: Script
) -> None:
    """The batch would have gone on too.

    Where AWS understands no statement, a large operation consists of such calls.
    """
    attributes = {"Attributes": CODEC.whole_item(CHANGED[1])}
    throttled = [error("ThrottlingException")] * 10
    script.answers(answer(DONE[0], failed("ValidationError"), DONE[2]), *throttled, attributes)
    assert scripted.jobs.apply_all(TRANSITIONS) == CHANGED


def test_a_call_that_is_sent_again_after_a_throttle_meets_its_own_effect(
    scripted: Stores, script: Script
) -> None:
    """The client may have sent it more than once, and only its latest try is sure to have had no effect."""
    refusal = error("ConditionalCheckFailedException", Item=CODEC.whole_item(CHANGED[1]))
    script.answers(answer(DONE[0], failed("ValidationError"), DONE[2]), error("ThrottlingException"), refusal)
    assert scripted.jobs.apply_all(TRANSITIONS) == CHANGED


@pytest.mark.parametrize(
    "first",
    [answer(REFUSED, THROTTLED, DONE[2]), answer(REFUSED, failed("ValidationError"), DONE[2])],
    ids=["batch and read", "read and call"],
)
def test_the_batch_the_read_and_the_calls_share_one_end(
    scripted: Stores, script: Script, first: dict[str, Any]
) -> None:
    assert scripted.clients is not None
    timer = scripted.clients.timer
    began_seconds = timer.monotonic_seconds()
    script.answers(first, error("ThrottlingException"))
    refused, open_one, changed = scripted.jobs.apply_all(TRANSITIONS)
    assert changed == CHANGED[2]
    assert [type(outcome) for outcome in (refused, open_one)] == [ServiceUnavailable] * 2
    # One second longer: refused transitions are read once even after the time is over.
    assert timer.monotonic_seconds() - began_seconds < 22
    assert "BatchGetItem" in kinds(script)


def test_a_heartbeat_is_one_call(scripted: Stores, script: Script) -> None:
    """Its lease runs on and the next heartbeat comes soon, so a throttled heartbeat is not repeated."""
    running = replace(new_job("R"), state=State.RUNNING, attempt=1)
    script.answers(error("ThrottlingException"))
    with pytest.raises(ServiceUnavailable):
        scripted.jobs.apply(HeartbeatIfAttemptHolds(running, 1, NOW_MS, None))
    assert kinds(script) == ["UpdateItem"]


def test_a_transition_refused_for_good_does_not_lose_the_others(scripted: Stores, script: Script) -> None:
    script.answers(answer(DONE[0], failed("AccessDenied"), DONE[2]))
    first, refused, third = scripted.jobs.apply_all(TRANSITIONS)
    assert (first, third) == (CHANGED[0], CHANGED[2])
    assert isinstance(refused, ServiceRefused)
    assert "check the permissions" in str(refused)


def test_a_changed_job_that_can_not_be_read_does_not_lose_the_others(
    scripted: Stores, script: Script
) -> None:
    script.answers(
        answer(DONE[0], {"Item": {**CODEC.whole_item(CHANGED[1]), "history": {"L": [{"S": "unheard-of"}]}}})
    )
    changed, unreadable = scripted.jobs.apply_all(TRANSITIONS[:2])
    assert changed == CHANGED[0]
    assert isinstance(unreadable, ServiceRefused)
    assert "S.1 can't be read" in str(unreadable)


def test_a_job_that_was_read_too_early_is_tried_again_as_it_is(scripted: Stores, script: Script) -> None:
    seen = replace(new_job("S.0"), state=State.SCHEDULED, due_at_ms=NOW_MS, ready_at_ms=None)
    stands = replace(seen, attempt=2)
    changed = ReadyIfDue(stands, STAMP).apply(stands)
    script.answers(answer(REFUSED, DONE[1]), standing(stands), {"Attributes": CODEC.whole_item(changed)})
    first, second = scripted.jobs.apply_all([ReadyIfDue(seen, STAMP), TRANSITIONS[1]])
    assert isinstance(first, Job)
    assert (first.state, first.attempt) == (State.READY, 2)
    assert second == CHANGED[1]


def test_what_partiql_can_not_say_is_a_call_beside_the_batch(scripted: Stores, script: Script) -> None:
    running = replace(new_job("R"), state=State.RUNNING, attempt=1)
    asked = RequestCancelIfRunning(running, STAMP)
    script.answers(error("ValidationException"))
    outcomes = scripted.jobs.apply_all([asked, *TRANSITIONS])
    assert [type(outcome) for outcome in outcomes] == [ServiceRefused] * 4
    # One batch has the statements that the adapter can write. This AWS does not understand those either.
    assert sorted(kinds(script)) == ["BatchExecuteStatement", *["UpdateItem"] * 4]


def test_no_value_is_part_of_a_statements_text(scripted: Stores, script: Script) -> None:
    script.answers(answer(*DONE))
    scripted.jobs.apply_all(TRANSITIONS)
    assert script.bodies()[0].count(b"S.1") == 1
    assert b'"S": "S.1"' in script.bodies()[0]
