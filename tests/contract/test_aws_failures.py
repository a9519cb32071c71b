"""The AWS adapters handle throttles, lost answers and half-done batches, with scripted answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from tests.contract.test_submissions import submission
from tests.contract.test_workers import worker
from tests.harness.contract.jobs import new_job
from tests.harness.contract.script import Answer, Script, error
from tests.harness.contract.stores import NOW_MS, POOL, RANK_POLICY, Stores
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.states import Group, State
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import (
    ClaimIfQueued,
    DispatchIfReady,
    ResendIfStillQueued,
    Stamp,
    TransitionRefused,
)
from tidegate.ports import Message

CODEC = JobCodec(3, RANK_POLICY)
STAMP = Stamp(NOW_MS, "dispatcher")
THROTTLED = error("ProvisionedThroughputExceededException")


def failed(*numbers: int, fault_of_sender: bool = False) -> Answer:
    """Makes an answer of SQS to a batch of which it did not take some entries."""
    entries = [{"Id": str(n), "Code": "x", "SenderFault": fault_of_sender} for n in numbers]
    return {"Failed": entries, "Successful": []}


@pytest.mark.parametrize(
    "answer",
    [
        THROTTLED,
        error("ThrottlingException"),
        error("TransactionConflictException"),
        {**error("Whatever"), "ResponseMetadata": {"HTTPStatusCode": 503}},  # type: ignore[dict-item]  # a dict
        ConnectTimeoutError(endpoint_url="http://127.0.0.1:9"),
    ],
    ids=["throughput", "throttling", "conflict", "server", "timeout"],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda stores: stores.jobs.get("S"),
        lambda stores: stores.jobs.get_many(["S"]),
        lambda stores: stores.jobs.insert_if_absent([new_job("S")]),
        lambda stores: stores.jobs.insert_if_absent([new_job("S"), new_job("T")]),
        lambda stores: stores.jobs.stage([new_job("S")]),
        lambda stores: stores.jobs.apply(DispatchIfReady("S", POOL, STAMP)),
        lambda stores: stores.index.count(POOL, "READY", at_most=1),
        lambda stores: stores.submissions.begin_if_absent(submission()),
        lambda stores: stores.submissions.set_phase_if("W1", Phase.STAGING, Phase.COMMITTED),
        lambda stores: stores.submissions.load_plan("W1"),
        lambda stores: stores.workers.list_live(POOL, silent_since_ms=0),
        lambda stores: stores.workers.register_if_free(worker(), silent_since_ms=0),
        lambda stores: stores.workers.heartbeat_if_mine(worker()),
        lambda stores: stores.workers.page(POOL, limit=1),
        lambda stores: stores.cursors.save("c", "1"),
        lambda stores: stores.queue.receive(POOL, limit=1, wait_seconds=0),
        lambda stores: stores.queue.delete(POOL, ["r"]),
        lambda stores: stores.queue.extend(POOL, "r", seconds=1),
    ],
)
def test_what_may_pass_is_unavailable(
    scripted: Stores, script: Script, call: Callable[[Stores], object], answer: Answer
) -> None:
    script.answers(answer)
    with pytest.raises(ServiceUnavailable):
        call(scripted)


@pytest.mark.parametrize(
    "code", ["AWS.SimpleQueueService.MessageNotInflight", "InvalidParameterValue", "ReceiptHandleIsInvalid"]
)
def test_a_delivery_that_is_over_is_not_extended(scripted: Stores, script: Script, code: str) -> None:
    """SQS says this by the codes of its older protocol, which botocore takes from a header of the answer."""
    script.answers(error(code))
    scripted.queue.extend(POOL, "r", seconds=1)
    assert len(script.asked) == 1


def test_what_will_not_pass_says_what_to_check(scripted: Stores, script: Script) -> None:
    script.answers(error("AccessDeniedException"))
    with pytest.raises(
        ServiceRefused, match=r"reading from Jobs was refused \(AccessDenied.*check the permissions"
    ):
        scripted.jobs.get("S")


def test_a_statement_refused_for_good_is_an_error_not_a_success(scripted: Stores, script: Script) -> None:
    script.answers({"Responses": [{"Error": {"Code": "ValidationError", "Message": "too big"}}, {}]})
    with pytest.raises(ServiceRefused, match="too big"):
        scripted.jobs.insert_if_absent([new_job("S"), new_job("T")])


def test_the_statements_refused_for_load_alone_are_sent_again(scripted: Stores, script: Script) -> None:
    refused = {"Error": {"Code": "ThrottlingError", "Message": "slower"}}
    script.answers(
        {"Responses": [{}, refused, {"Error": {"Code": "DuplicateItem"}}]},
        {"Responses": [{}]},
    )
    assert scripted.jobs.insert_if_absent([new_job("S.0"), new_job("S.1"), new_job("S.2")]) == ("S.2",)
    assert [body.count(b"INSERT INTO") for body in script.bodies()] == [3, 1]
    assert b"S.1" in script.bodies()[1]


def test_a_batch_that_stays_unprocessed_gives_up_when_its_time_is_over(
    scripted: Stores, script: Script
) -> None:
    script.answers({"Responses": [{"Error": {"Code": "ProvisionedThroughputExceeded", "Message": ""}}] * 2})
    with pytest.raises(ServiceUnavailable, match="2 of 2 were refused for load until its 20 s were over"):
        scripted.jobs.insert_if_absent([new_job("S"), new_job("T")])
    assert 20 < len(script.asked) < 30  # 50 ms, 100 ms … up to 2 s, and half of each without jitter


def test_what_a_batch_left_unprocessed_is_asked_for_again(scripted: Stores, script: Script) -> None:
    first, second = new_job("S.1"), new_job("S.2")
    script.answers(
        {
            "Responses": {"Jobs": [CODEC.whole_item(first)]},
            "UnprocessedKeys": {"Jobs": {"Keys": [{"job_id": {"S": "S.2"}}]}},
        },
        {"Responses": {"Jobs": [CODEC.whole_item(second)]}, "UnprocessedKeys": {}},
    )
    assert scripted.jobs.get_many(["S.1", "S.2"]) == {"S.1": first, "S.2": second}
    assert b"S.1" not in script.bodies()[1]


def test_a_transition_whose_answer_was_lost_is_a_success_when_it_is_sent_again(
    scripted: Stores, script: Script
) -> None:
    """The client repeats a call that got no answer. The repetition meets the job as the first try left it."""
    transition = DispatchIfReady("S", POOL, STAMP)
    changed = transition.apply(new_job("S"))
    refusal = error("ConditionalCheckFailedException", retries=1, Item=CODEC.whole_item(changed))
    script.answers(refusal)
    assert scripted.jobs.apply(transition) == changed


@pytest.mark.parametrize(
    ("retries", "changes"),
    [(0, {}), (1, {"now_ms": NOW_MS + 1}), (1, {"actor": "another"})],
    ids=["sent once", "at another time", "by another"],
)
def test_a_refusal_by_someone_elses_write_stays_a_refusal(
    scripted: Stores, script: Script, retries: int, changes: dict[str, Any]
) -> None:
    other = DispatchIfReady("S", POOL, replace(STAMP, **changes)).apply(new_job("S"))
    script.answers(error("ConditionalCheckFailedException", retries=retries, Item=CODEC.whole_item(other)))
    with pytest.raises(TransitionRefused):
        scripted.jobs.apply(DispatchIfReady("S", POOL, STAMP))


def test_a_resend_whose_answer_was_lost_is_a_success(scripted: Stores, script: Script) -> None:
    queued = DispatchIfReady("S", POOL, STAMP).apply(new_job("S"))
    transition = ResendIfStillQueued(queued, NOW_MS, replace(STAMP, now_ms=NOW_MS + 9))
    sent: Job = transition.apply(queued)
    script.answers(error("ConditionalCheckFailedException", retries=1, Item=CODEC.whole_item(sent)))
    assert scripted.jobs.apply(transition) == sent


def test_a_claim_whose_answer_was_lost_belongs_to_the_same_worker_only(
    scripted: Stores, script: Script
) -> None:
    queued = DispatchIfReady("S", POOL, STAMP).apply(new_job("S"))
    mine = ClaimIfQueued("S", 0, "me", NOW_MS + 9, Stamp(NOW_MS, "me"))
    theirs = ClaimIfQueued("S", 0, "you", NOW_MS + 9, Stamp(NOW_MS, "you"))
    for claim, wins in ((mine, True), (theirs, False)):
        held = CODEC.whole_item(claim.apply(queued))
        script._answers.clear()
        script.answers(error("ConditionalCheckFailedException", retries=1, Item=held))
        if wins:
            assert scripted.jobs.apply(mine).worker_id == "me"
        else:
            with pytest.raises(TransitionRefused):
                scripted.jobs.apply(mine)


@pytest.mark.parametrize(("retries", "existing"), [(1, ()), (0, ("S",))], ids=["lost answer", "used id"])
def test_an_insert_whose_answer_was_lost_is_a_success(
    scripted: Stores, script: Script, retries: int, existing: tuple[str, ...]
) -> None:
    job = new_job("S")
    refusal = error("ConditionalCheckFailedException", retries=retries, Item=CODEC.whole_item(job))
    script.answers(refusal)
    assert scripted.jobs.insert_if_absent([job]) == existing


def test_messages_that_were_not_taken_are_sent_again_and_then_returned(
    scripted: Stores, script: Script
) -> None:
    messages = [Message("S.0", 0), Message("S.1", 0), Message("S.2", 0)]

    script.answers(failed(1, 2), failed(1), failed(0))
    assert scripted.queue.send(POOL, messages) == (messages[2],)
    assert len(script.asked) > 8


def test_deliveries_that_were_not_acknowledged_are_acknowledged_again(
    scripted: Stores, script: Script
) -> None:
    script.answers(failed(0, 2), failed())
    scripted.queue.delete(POOL, ["r0", "r1", "r2"])
    assert [[f"r{n}".encode() in body for n in range(3)] for body in script.bodies()] == [
        [True, True, True],
        [True, False, True],
    ]


def test_a_delivery_that_is_over_is_not_acknowledged_again(scripted: Stores, script: Script) -> None:
    script.answers(failed(0, fault_of_sender=True))
    scripted.queue.delete(POOL, ["r0", "r1"])
    assert len(script.asked) == 1


def test_deliveries_that_are_refused_again_and_again_are_an_error(scripted: Stores, script: Script) -> None:
    script.answers(failed(0))
    with pytest.raises(ServiceUnavailable, match="1 of 1 were refused for load until its 20 s were over"):
        scripted.queue.delete_dead(POOL, ["r0"])
    assert len(script.asked) < 30


def test_messages_are_returned_when_the_queue_does_not_answer(scripted: Stores, script: Script) -> None:
    script.answers(error("ServiceUnavailable"))
    messages = [Message(f"S.{n}", 0) for n in range(12)]
    assert scripted.queue.send(POOL, messages) == tuple(messages)


def test_a_body_that_is_no_message_is_left_in_the_queue(scripted: Stores, script: Script) -> None:
    bodies = [
        "",
        "[]",
        "{}",
        '{"job_id":"S","attempt":"x"}',
        r'{"job_id":"\ud800","attempt":2}',
        '{"job_id":"S","attempt":2}',
    ]
    script.answers({"Messages": [{"Body": body, "ReceiptHandle": f"r{n}"} for n, body in enumerate(bodies)]})
    (delivery,) = scripted.queue.receive(POOL, limit=10, wait_seconds=0)
    assert (delivery.message, delivery.receipt) == (Message("S", 2), "r5")


def test_what_a_body_says_wrongly_of_its_job_is_left_out(scripted: Stores, script: Script) -> None:
    said = ["1", '"x"', "-1", "1e9", "true", "null"]
    bodies = [
        f'{{"job_id":"S","attempt":2,"type":"{"t" * 300}","estimated_seconds":{each}}}' for each in said
    ]
    script.answers({"Messages": [{"Body": body, "ReceiptHandle": "r"} for body in bodies]})
    found = [each.message for each in scripted.queue.receive(POOL, limit=10, wait_seconds=0)]
    assert [each.estimated_seconds for each in found] == [1.0, None, None, None, None, None]
    assert {each.type for each in found} == {""}, "no type has such a name"


def test_an_end_that_can_not_be_read_does_not_hide_the_others(
    scripted: Stores, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    job = replace(new_job("S"), state=State.CANCELLED, finished_at_ms=NOW_MS)
    whole = CODEC.whole_item(job)
    without_type = {name: value for name, value in whole.items() if name != "type"}
    kept = {"part": {"S": f"{NOW_MS}#S#0"}, "state": whole["state"], "type": whole["type"]}
    others = [{**kept, "state": {"S": "UNHEARD_OF"}}, kept, {"part": {"S": "x"}}]
    script.answers(
        {"Items": [{**without_type, "job_id": {"S": "T"}}, whole]},
        {"Items": [*others, {**kept, "created_at": whole["created_at"]}]},
    )
    found = scripted.index.ended(POOL, Group.CANCELLED, 0, from_ms=0, to_ms=NOW_MS + 1, limit=9)
    assert [end.job_id for end in found.entries] == ["S"]
    assert "the end T can't be read (KeyError)" in caplog.text
    found = scripted.kept_ends.page(POOL, 0, NOW_MS + 1, limit=9)
    assert [end.job_id for end in found.entries] == ["S"]
    assert caplog.text.count("can't be read") == 1 + len(others)


def test_dead_letters_of_others_do_not_hide_ours(scripted: Stores, script: Script) -> None:
    ours = {"Body": '{"job_id": "S", "attempt": 0}', "ReceiptHandle": "r"}
    script.answers({"Messages": [{"Body": "{}", "ReceiptHandle": "x"}]}, {"Messages": [ours]})
    (delivery,) = scripted.queue.receive_dead(POOL, limit=10)
    assert (delivery.message, delivery.receipt) == (Message("S", 0), "r")


def test_no_more_than_ten_batches_of_others_dead_letters_are_looked_at(
    scripted: Stores, script: Script
) -> None:
    script.answers({"Messages": [{"Body": "{}", "ReceiptHandle": "x"}]})
    assert scripted.queue.receive_dead(POOL, limit=10) == ()
    assert len(script.asked) == 10


def test_an_item_that_is_no_job_does_not_hide_the_others(
    scripted: Stores, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    whole = CODEC.whole_item(new_job("S"))
    items = [{**CODEC.whole_item(new_job("T")), "state": {"S": "UNHEARD_OF"}}, {"job_id": {"S": "U"}}, whole]
    script.answers({"Responses": {"Jobs": items}}, {"Item": items[0]})
    assert set(scripted.jobs.get_many(["T", "U", "S"])) == {"S"}
    assert "job T can't be read" in caplog.text
    with pytest.raises(ServiceRefused, match="job T can't be read"):
        scripted.jobs.get("T")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        "[" * 100_000,
        '{"job_id": "S"}',
        '{"job_id": "", "attempt": 0}',
        '{"job_id": 7, "attempt": 0}',
        '{"job_id": "S", "attempt": -1}',
        '{"job_id": "S", "attempt": Infinity}',
        '{"job_id": "%s", "attempt": 0}' % ("S" * 65),
    ],
)
def test_a_message_that_is_none_of_ours_is_left_to_the_queue(
    scripted: Stores, script: Script, body: str
) -> None:
    ours = {"Body": '{"job_id": "S", "attempt": 0}', "ReceiptHandle": "r"}
    script.answers({"Messages": [{"Body": body, "ReceiptHandle": "x"}, ours]})
    (delivery,) = scripted.queue.receive(POOL, limit=10, wait_seconds=0)
    assert (delivery.message, delivery.receipt) == (Message("S", 0), "r")
