"""A new item was written although its answer was lost: the item under its id is its own, changed since or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.test_submissions import submission
from tests.contract.test_transition_failures import CODEC, answer, failed, kinds, standing
from tests.harness.contract.jobs import new_job
from tests.harness.contract.script import Script, error
from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tidegate.adapters.dynamodb.rules import DynamoRuleStore
from tidegate.adapters.dynamodb.submissions import _item_of
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Stamp

DUPLICATE = failed("DuplicateItem")
DONE: dict[str, Any] = {}
JOBS = [new_job(f"S.{n}") for n in range(3)]


def gone_on(job: Job) -> Job:
    """Returns the job after a dispatcher and a worker changed it."""
    queued = DispatchIfReady(job.job_id, POOL, Stamp(NOW_MS + 5, "dispatcher")).apply(job)
    return ClaimIfQueued(job.job_id, 0, "w", NOW_MS + 90_000, Stamp(NOW_MS + 9, "w")).apply(queued)


def by_others(job: Job) -> list[Job]:
    """Makes jobs under the same id that another request wrote: earlier, later, with another body."""
    earlier = HistoryEntry(NOW_MS - 1, job.state, 0, "submit")
    return [
        replace(job, created_at_ms=NOW_MS - 1),
        replace(job, history=(earlier,)),
        replace(job, fingerprint="f" * 64),
    ]


def test_inserts_sent_again_do_not_take_their_own_jobs_for_others(scripted: Stores, script: Script) -> None:
    script.answers(answer(DUPLICATE, DUPLICATE, DONE, retries=1), standing(JOBS[0], gone_on(JOBS[1])))
    assert scripted.jobs.insert_if_absent(JOBS) == ()
    assert kinds(script) == ["BatchExecuteStatement", "BatchGetItem"]
    assert b'"ConsistentRead": true' in script.bodies()[1]


def test_a_statement_that_was_refused_for_load_may_have_written_all_the_same(
    scripted: Stores, script: Script
) -> None:
    script.answers(
        answer(DONE, failed("InternalServerError"), DUPLICATE), answer(DUPLICATE), standing(gone_on(JOBS[1]))
    )
    assert scripted.jobs.insert_if_absent(JOBS) == ("S.2",)


@pytest.mark.parametrize("other", range(3))
def test_what_another_wrote_under_the_id_is_in_use(scripted: Stores, script: Script, other: int) -> None:
    script.answers(answer(DUPLICATE, DONE, DONE, retries=1), standing(by_others(JOBS[0])[other]))
    assert scripted.jobs.insert_if_absent(JOBS) == ("S.0",)


def test_what_was_sent_once_needs_no_read_to_be_in_use(scripted: Stores, script: Script) -> None:
    script.answers(answer(DUPLICATE, DONE, DUPLICATE))
    assert scripted.jobs.insert_if_absent(JOBS) == ("S.0", "S.2")
    assert len(script.asked) == 1


@pytest.mark.parametrize("brings", [True, False], ids=["with the item", "without"])
@pytest.mark.parametrize("stands", [JOBS[0], gone_on(JOBS[0])], ids=["as it was", "gone on"])
def test_one_job_sent_again_is_its_own_though_it_has_gone_on(
    scripted: Stores, script: Script, stands: Job, brings: bool
) -> None:
    item = CODEC.whole_item(stands)
    refusal = error("ConditionalCheckFailedException", retries=1, **({"Item": item} if brings else {}))
    script.answers(refusal, {"Item": item})
    assert scripted.jobs.insert_if_absent(JOBS[:1]) == ()


@pytest.mark.parametrize("other", range(3))
def test_one_job_sent_again_is_not_taken_for_anothers(scripted: Stores, script: Script, other: int) -> None:
    item = CODEC.whole_item(by_others(JOBS[0])[other])
    script.answers(error("ConditionalCheckFailedException", retries=1, Item=item))
    assert scripted.jobs.insert_if_absent(JOBS[:1]) == ("S.0",)


# --- refusals without an item in other tables --------------------------------------------------------
REFUSED = error("ConditionalCheckFailedException")


def test_a_submission_that_was_refused_without_an_item_is_read(scripted: Stores, script: Script) -> None:
    stands = replace(submission(), name="another")
    script.answers(REFUSED, {"Item": _item_of(stands)})
    assert scripted.submissions.begin_if_absent(submission()) == stands


def test_a_submission_that_went_away_again_is_begun_anew(scripted: Stores, script: Script) -> None:
    script.answers(REFUSED, {}, {})
    assert scripted.submissions.begin_if_absent(submission()) is None
    assert kinds(script) == ["PutItem", "GetItem", "PutItem"]


def test_a_submission_that_can_not_be_begun_is_not_taken_for_begun(scripted: Stores, script: Script) -> None:
    script.answers(REFUSED, {}, REFUSED, {}, REFUSED, {})
    with pytest.raises(ServiceUnavailable, match="kept appearing"):
        scripted.submissions.begin_if_absent(submission())


@pytest.mark.parametrize("brings", [True, False], ids=["with the item", "without"])
@pytest.mark.parametrize(
    ("retries", "stands", "moved_it"),
    [(1, Phase.COMMITTED, True), (1, Phase.ABANDONED, False), (0, Phase.COMMITTED, False)],
)
def test_a_phase_that_was_reached_by_a_lost_answer_was_reached(
    scripted: Stores, script: Script, retries: int, stands: Phase, moved_it: bool, brings: bool
) -> None:
    item = _item_of(replace(submission(), phase=stands))
    refusal = error("ConditionalCheckFailedException", retries=retries, **({"Item": item} if brings else {}))
    script.answers(refusal, {"Item": item})
    assert scripted.submissions.set_phase_if("W1", Phase.STAGING, Phase.COMMITTED) is moved_it


def test_a_rule_that_was_refused_before_there_were_any_is_set_once_others_made_room(
    scripted: Stores, script: Script
) -> None:
    """The item did not exist when AWS refused the rule. It exists and has space when the adapter reads it."""
    stands = {"name": {"S": "rules"}, "paused_pools": {"M": {}}, "paused_types": {"M": {}}}
    entry = {"M": {"value": {"N": "1"}, "actor": {"S": "ann"}, "at": {"N": str(NOW_MS)}}}
    script.answers(REFUSED, {"Item": stands}, {"Attributes": {**stands, "paused_pools": {"M": {"p": entry}}}})
    assert scripted.rules.set_pool_paused("p", True, actor="ann", now_ms=NOW_MS).is_paused("p")
    assert kinds(script) == ["UpdateItem", "GetItem", "UpdateItem"]


def test_a_rule_that_was_refused_without_an_item_leaves_the_others_known(
    scripted: Stores, script: Script
) -> None:
    entry = {"M": {"value": {"N": "1"}, "actor": {"S": "ann"}, "at": {"N": "5"}}}
    stands = {"name": {"S": "rules"}, "paused_pools": {"M": {"p": entry}}, "paused_types": {"M": {}}}
    script.answers(REFUSED, {"Item": stands})
    assert isinstance(scripted.rules, DynamoRuleStore)
    rules = scripted.rules.set_type_paused("t", False, actor="ann", now_ms=NOW_MS)
    assert rules.is_paused("p")
    assert kinds(script) == ["UpdateItem", "GetItem"]
