"""The size of items: how it is computed, and that a typical job takes one write unit a write for its whole life."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from tests.harness.contract.jobs import full_job, new_job
from tests.harness.contract.stores import NOW_MS, RANK_POLICY, SHARDS
from tests.harness.tables import resources, table_properties
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import GROWTH_BYTES, JobCodec, job_from_image, split
from tidegate.adapters.dynamodb.updates import UPDATES, update_of
from tidegate.adapters.dynamodb.values import encode_item
from tidegate.domain import transitions
from tidegate.domain.dependency import Dependency, DependencyType, Dependent
from tidegate.domain.job import Job, JobInput
from tidegate.domain.states import State
from tidegate.domain.stored import units_of
from tidegate.settings import Tables

CODEC = JobCodec(SHARDS, RANK_POLICY)
WORKFLOW = "01JDZ3K5M7N9P1R3T5V7X9Z1B3"
WORKER = "0a1b2c3d-lambda-5f6e7d8c"


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"name": {"S": "abc"}}, 7),
        ({"name": {"S": "ä€"}}, 9),
        ({"n": {"N": "0"}}, 2),
        ({"n": {"N": "7"}}, 3),
        ({"n": {"N": "12"}}, 3),
        ({"n": {"N": "123"}}, 4),
        ({"n": {"N": "1700"}}, 3),
        ({"n": {"N": "-12"}}, 4),
        ({"n": {"N": "0.05"}}, 3),
        ({"n": {"N": "1.5E+20"}}, 3),
        ({"n": {"N": "3.14159"}}, 6),
        ({"n": {"N": "1E125"}}, 3),
        ({"n": {"N": "0042.1200"}}, 4),
        ({"b": {"BOOL": False}}, 2),
        ({"b": {"NULL": True}}, 2),
        ({"b": {"B": b"12345"}}, 6),
        ({"s": {"NS": ["1", "22", "333"]}}, 1 + 2 + 2 + 3),
        ({"s": {"SS": ["a", "bcd"]}}, 5),
        ({"l": {"L": []}}, 4),
        ({"l": {"L": [{"S": "ab"}, {"N": "1"}]}}, 1 + 3 + (1 + 2) + (1 + 2)),
        ({"m": {"M": {"key": {"S": "ab"}}}}, 1 + 3 + (1 + 3 + 2)),
    ],
)
def test_an_items_size_follows_the_documented_rules(item: dict[str, dict[str, object]], size: int) -> None:
    assert item_size(item) == size


def test_units_are_counted_in_steps() -> None:
    assert [units_of(size) for size in (0, 1, 1_024, 1_025, 10_240)] == [1, 1, 1, 2, 10]


def test_a_whole_item_reads_back_as_the_job() -> None:
    for job in (full_job("S.2"), new_job("S")):
        assert job_from_image(CODEC.whole_item(job)) == job


def test_the_full_job_has_a_value_of_its_own_in_every_field() -> None:
    """Otherwise the test above would not notice a field that is not stored."""
    defaults = {
        each.name: each.default_factory() if callable(each.default_factory) else each.default
        for each in fields(Job)
    }
    job = full_job("S.2")
    at_default = {name for name, default in defaults.items() if getattr(job, name) == default}
    assert at_default == {"result_overflow", "dependents_overflow"}, (
        "these two are never stored as a whole item"
    )


def typical_job() -> Job:
    return new_job(
        f"{WORKFLOW}.4711",
        type="analytics.tokenise",
        pool="lambda",
        priority=500,
        key="tokenise-email.mime",
        name="tokenise email.mime",
        submitted_by="arn:aws:sts::123456789012:assumed-role/Schedulers/ann@example.com",
        tags={"team": "data"},
        estimated_duration_seconds=2.5,
        critical_path_boost_millipoints=123_456_789,
        parameters={"package": "email.mime", "part": 7},
        depends_on=(Dependency(f"{WORKFLOW}.0"), Dependency(f"{WORKFLOW}.17", DependencyType.MUST_START)),
        dependents=tuple(
            Dependent(f"{WORKFLOW}.{n}", 12, DependencyType.MUST_SUCCEED) for n in range(100, 104)
        ),
    )


def a_life(job: Job) -> list[Job]:
    """Makes the job at every step from its submission to its success."""
    steps = [job]

    def go(make: type[transitions.Transition], *arguments: object) -> None:
        steps.append(make(*arguments).apply(steps[-1]))

    def at(step: int, actor: str) -> transitions.Stamp:
        return transitions.Stamp(NOW_MS + step * 1_000, actor)

    go(transitions.ReadyIfWaitingOnlyOn, job, job.waiting_on, at(1, "release"))
    go(transitions.DispatchIfReady, job.job_id, job.pool, at(2, "dispatcher"))
    go(transitions.ClaimIfQueued, job.job_id, 0, WORKER, NOW_MS + 63_333, at(3, WORKER))
    ending = transitions.Ending(State.SUCCEEDED, result={"rows": 123}, expires_at_s=1_702_592_001)
    go(transitions.FinishIfAttemptHolds, job, 1, ending, at(4, WORKER))
    return steps


def test_a_typical_job_is_one_item_of_less_than_a_kilobyte_for_its_whole_life() -> None:
    job = typical_job()
    divided = split(CODEC, job, expires_at_s=1_800_000_000)
    assert divided.input_item is None
    assert divided.page_items == ()
    sizes = [item_size(CODEC.whole_item(step)) for step in a_life(job)]
    assert max(sizes) <= 1_024


def test_an_item_grows_by_no_more_than_what_is_kept_free_for_it() -> None:
    for job in (typical_job(), new_job(WORKFLOW)):
        steps = a_life(job) if job.waiting_on else a_life(typical_job())[1:]
        sizes = [item_size(CODEC.whole_item(step)) for step in steps]
        growth = max(sizes) - sizes[0]
        assert GROWTH_BYTES / 2 < growth <= GROWTH_BYTES


def wide(dependents: int, parameter_bytes: int) -> Job:
    job = typical_job()
    edges = tuple(
        Dependent(f"{WORKFLOW}.{n}", 0, DependencyType.MUST_SUCCEED) for n in range(1_000, 1_000 + dependents)
    )
    given = JobInput({"text": "x" * parameter_bytes}, job.input.depends_on if job.input else ())
    return replace(job, dependents=edges, input=given)


@pytest.mark.parametrize(
    ("job", "input_overflow", "dependents_overflow"),
    [
        (wide(2, 10), False, False),
        (wide(2, 600), True, False),
        (wide(80, 10), False, True),
        (wide(80, 600), True, True),
        (wide(4_000, 200_000), True, True),
    ],
    ids=["small", "large input", "many dependents", "both", "both huge"],
)
def test_large_parts_overflow(job: Job, input_overflow: bool, dependents_overflow: bool) -> None:
    divided = split(CODEC, job, expires_at_s=1_800_000_000)
    assert (divided.input_item is not None) == input_overflow
    assert bool(divided.page_items) == dependents_overflow
    assert item_size(divided.item) + GROWTH_BYTES <= 1_024
    hot = job_from_image(divided.item)
    assert (hot.input is None) == input_overflow
    assert hot.dependents_overflow == dependents_overflow
    for part in (divided.input_item, *divided.page_items):
        if part is not None:
            assert part[schema.EXPIRES_AT] == {"N": "1800000000"}
            assert item_size(part) < 390_000


def test_nothing_overflows_where_that_would_cost_more() -> None:
    """Tags alone take the item beyond a kilobyte here, so the overflow of a short input would only add a write."""
    job = new_job(WORKFLOW, tags={f"tag-{n}": "x" * 80 for n in range(10)})
    assert split(CODEC, job, expires_at_s=1_800_000_000).input_item is None


def test_a_claim_and_a_heartbeat_leave_the_index_alone() -> None:
    job = typical_job()
    indexed = {schema.GROUP_KEY, schema.GROUP_SORT}
    for transition in (
        transitions.ClaimIfQueued(job.job_id, 0, WORKER, NOW_MS, transitions.Stamp(NOW_MS, WORKER)),
        transitions.HeartbeatIfAttemptHolds(job, 1, NOW_MS, None),
    ):
        change = update_of(CODEC, transition)
        assert not indexed & change.values.keys()


def test_every_transition_has_its_conditional_write() -> None:
    made = {
        value
        for name, value in vars(transitions).items()
        if isinstance(value, type) and issubclass(value, transitions.Transition) and not name.startswith("_")
    }
    assert made - {transitions.Transition, transitions.OfKnownJob} == set(UPDATES)


def test_history_survives_awkward_actors() -> None:
    line_actor = "arn:aws:sts::1:assumed-role/x/y: z"
    job = new_job("S")
    odd = replace(job, history=(replace(job.history[0], actor=line_actor, reason="why: because"),))
    (entry,) = job_from_image(CODEC.whole_item(odd)).history
    assert (entry.actor, entry.reason) == ("arn:aws:sts::1:assumed-role/x/y:z", "why: because")


def test_the_template_has_the_keys_and_indexes_that_the_code_uses() -> None:
    keys = {
        "jobs": [schema.JOB_ID],
        "payloads": [schema.JOB_ID, schema.PART],
        "dependents": [schema.UPSTREAM_ID, schema.ENTRY],
        "submissions": [schema.SUBMISSION_ID],
        "submission_plans": [schema.SUBMISSION_ID, schema.PAGE],
        "workers": [schema.POOL, schema.WORKER_ID],
        "lanes": [schema.POOL, schema.LANE],
        "control": [schema.NAME],
        "audit": [schema.SUBJECT, schema.ENTRY],
        "progress": [schema.WORKFLOW_ID, schema.PART],
    }
    assert set(keys) == {field.name for field in fields(Tables)}
    for table, names in keys.items():
        properties = table_properties(table)
        assert [key["AttributeName"] for key in properties["KeySchema"]] == names, table
        assert properties["TimeToLiveSpecification"]["AttributeName"] == schema.EXPIRES_AT, table
    indexes = {
        "jobs": {schema.GROUP_INDEX: [schema.GROUP_KEY, schema.GROUP_SORT]},
        "submissions": {
            schema.OPEN_INDEX: [schema.OPEN, schema.OPENED_AT],
            schema.MONTH_INDEX: [schema.MONTH, schema.CREATED_AT],
        },
    }
    projections = {
        "jobs": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(schema.PROJECTED)},
        "submissions": {"ProjectionType": "KEYS_ONLY"},
    }
    for table, named in indexes.items():
        found = {each["IndexName"]: each for each in table_properties(table)["GlobalSecondaryIndexes"]}
        assert found.keys() == named.keys()
        for name, attributes in named.items():
            assert [key["AttributeName"] for key in found[name]["KeySchema"]] == attributes
            assert found[name]["Projection"] == projections[table]
    by_caller, by_day = table_properties("audit")["GlobalSecondaryIndexes"]
    for index, name, hash_name in (
        (by_caller, schema.AUDIT_CALLER_INDEX, schema.AUDIT_CALLER),
        (by_day, schema.AUDIT_DAY_INDEX, schema.AUDIT_DAY),
    ):
        assert index["IndexName"] == name
        assert [key["AttributeName"] for key in index["KeySchema"]] == [hash_name, schema.ENTRY]
    tables = [each for each in resources().values() if each["Type"] == "AWS::DynamoDB::Table"]
    assert len(tables) == len(keys)


def test_values_that_are_none_are_not_stored() -> None:
    assert encode_item({"a": None, "b": 0, "c": ""}) == {"b": {"N": "0"}, "c": {"S": ""}}


def test_a_history_with_a_gap_keeps_the_attempts_of_its_lines() -> None:
    job, stamp = new_job("S"), transitions.Stamp(NOW_MS, WORKER)
    item = CODEC.whole_item(job)
    for attempt in range(9):
        job = transitions.DispatchIfReady("S", job.pool, stamp).apply(job)
        job = transitions.ClaimIfQueued("S", attempt, WORKER, NOW_MS, stamp).apply(job)
        job = transitions.HandBackIfAttemptHolds(job, attempt + 1, stamp).apply(job)
        item = CODEC.whole_item(job)
        assert job_from_image(item).history == job.history
    marked = [line["S"].split()[1] for line in item[schema.HISTORY]["L"] if "@" in line["S"]]
    assert marked == ["QUEUED@1"], "the last line before the gap"
