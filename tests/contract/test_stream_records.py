"""The records of the tables' streams are decoded in one place, and no record blocks those after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.harness.domain.event_samples import AT_RISK, SUBMISSION, SUMMARY, WORKER
from tests.harness.domain.job_samples import SAMPLES
from tests.harness.functions.api_calls import read_event
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.domain.changes import Changes, JobChange, UnreadableRecord, WorkflowChange
from tidegate.domain.rank import RankPolicy
from tidegate.domain.states import State
from tidegate.domain.workflow_record import WorkflowRecord

CODEC = JobCodec(shards=4, rank_policy=RankPolicy())
READY = SAMPLES[State.READY]
QUEUED = SAMPLES[State.QUEUED]


def record(**images: Any) -> dict[str, Any]:
    return {"eventName": "MODIFY", "eventID": "e", "dynamodb": images}


def test_a_job_is_decoded_before_and_after_its_write() -> None:
    old, new = CODEC.whole_item(READY), CODEC.whole_item(QUEUED)
    assert changes_from([record(NewImage=new), record(NewImage=new, OldImage=old)]) == Changes(
        (JobChange(None, QUEUED), JobChange(READY, QUEUED))
    )


def test_an_earlier_state_that_can_not_be_read_is_left_out() -> None:
    new = CODEC.whole_item(QUEUED)
    old = {"job_id": {"S": QUEUED.job_id}}
    assert changes_from([record(NewImage=new, OldImage=old)]) == Changes((JobChange(None, QUEUED),))


def test_a_record_that_can_not_be_read_is_named_and_the_others_are_decoded() -> None:
    new = CODEC.whole_item(QUEUED)
    decoded = changes_from([record(NewImage={}), record(NewImage=new), {}])
    assert decoded.jobs == (JobChange(None, QUEUED),)
    assert decoded.unreadable == (UnreadableRecord("e", "ServiceRefused"), UnreadableRecord(None, "KeyError"))


def test_a_removal_is_no_change() -> None:
    removal = record(OldImage=CODEC.whole_item(QUEUED)) | {"eventName": "REMOVE"}
    assert changes_from([removal]) == Changes()


def test_workers_and_rules_are_told_by_their_keys() -> None:
    pools = frozenset(
        each["dynamodb"]["Keys"]["pool"]["S"] for each in read_event("dispatcher-workers")["Records"]
    )
    workers = changes_from(read_event("dispatcher-workers")["Records"])
    assert workers == Changes(joined=pools, oldest_at_ms=1_796_112_000_000)
    rules = changes_from(read_event("dispatcher-rules")["Records"])
    assert rules == Changes(of_rules=True, oldest_at_ms=1_800_000_000_000)


def test_a_lost_worker_is_decoded_and_joins_no_pool() -> None:
    (lost,) = read_event("recorder-workers")["Records"]
    changes = changes_from([lost])
    assert changes.lost == (WORKER,)
    assert not changes.joined
    removed = {**lost, "eventName": "REMOVE", "dynamodb": {**lost["dynamodb"]}}
    del removed["dynamodb"]["NewImage"]
    assert not changes_from([removed]).lost


def test_a_workflow_is_decoded_before_and_after_its_write() -> None:
    ended, judged = changes_from(read_event("recorder-submissions")["Records"]).workflows
    timeless = replace(SUBMISSION, finish_by_ms=None)
    assert ended == WorkflowChange(WorkflowRecord(timeless, None), WorkflowRecord(timeless, SUMMARY))
    assert judged.old is not None
    assert (judged.old.submission.judgements, judged.new.submission.judgements) == ((), (AT_RISK,))


def test_a_workflow_or_a_worker_that_can_not_be_read_is_named() -> None:
    reminder = {"submission_id": {"S": "reminder#S"}, "judgements": {"S": "x"}}
    worker = {"pool": {"S": "ecs"}, "worker_id": {"S": "w"}, "state": {"S": "LOST"}}
    records = [
        record(Keys={"submission_id": {"S": "S"}}, NewImage=reminder),
        record(Keys={"pool": {"S": "ecs"}, "worker_id": {"S": "w"}}, NewImage=worker),
    ]
    changes = changes_from(records)
    assert [each.error for each in changes.unreadable] == ["KeyError", "KeyError"]
    assert changes == Changes(unreadable=changes.unreadable)


def test_the_time_of_the_oldest_change_is_known_where_a_record_says_it() -> None:
    new = CODEC.whole_item(QUEUED)

    def made_at(at: Any) -> dict[str, Any]:
        return record(NewImage=new, ApproximateCreationDateTime=at)

    assert changes_from([record(NewImage=new)]).oldest_at_ms is None
    assert changes_from([made_at("soon"), made_at(None)]).oldest_at_ms is None
    # Lambda writes whole seconds, and may write them with an exponent.
    assert changes_from([made_at(1.796112003e9), made_at(1_796_112_002)]).oldest_at_ms == 1_796_112_002_000
    assert changes_from([made_at(7) | {"eventName": "REMOVE"}]).oldest_at_ms == 7_000
