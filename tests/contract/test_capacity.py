"""The local stack reports the consumed capacity that AWS bills. docs/reference/aws-truth.md gives the sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.harness.contract.stores import Stores
from tidegate.adapters.dynamodb import schema

KB = "x" * 1_024
KEY: Mapping[str, Any] = {"job_id": {"S": "a"}}
ENTRY: Mapping[str, Any] = {"group_key": {"S": "g"}, "group_sort": {"N": "1"}, "type": {"S": "t"}}


class Table:
    """The table of jobs with hand-written calls, and the capacity that each consumed."""

    def __init__(self, stores: Stores) -> None:
        assert stores.clients is not None
        assert stores.tables is not None
        self.client: Any = stores.clients.dynamodb
        self.name = stores.tables.jobs
        self.meter = stores.clients.meter

    def put(self, **attributes: Any) -> tuple[float, float]:
        return self.units("put_item", Item={**KEY, **attributes})

    def units(self, operation: str, **params: Any) -> tuple[float, float]:
        """Returns the units of the table and of the index from the answer."""
        answer = getattr(self.client, operation)(
            TableName=self.name, ReturnConsumedCapacity="INDEXES", **params
        )
        return units_of(answer["ConsumedCapacity"])

    def update(self, text: str, names: Mapping[str, str], **values: Any) -> tuple[float, float]:
        given = {f":{name}": value for name, value in values.items()}
        more = {"ExpressionAttributeValues": given} if given else {}
        return self.units(
            "update_item",
            Key=dict(KEY),
            UpdateExpression=text,
            ExpressionAttributeNames={f"#{mark}": name for mark, name in names.items()},
            **more,
        )

    def execute(self, *statements: tuple[str, list[Any]]) -> Any:
        entries = [
            {"Statement": text.replace("Jobs", self.name), "Parameters": values}
            for text, values in statements
        ]
        return self.client.batch_execute_statement(Statements=entries, ReturnConsumedCapacity="INDEXES")


def units_of(consumed: Mapping[str, Any]) -> tuple[float, float]:
    indexes = sum(each["CapacityUnits"] for each in consumed.get("GlobalSecondaryIndexes", {}).values())
    assert consumed["CapacityUnits"] == consumed["Table"]["CapacityUnits"] + indexes
    return consumed["Table"]["CapacityUnits"], indexes


@pytest.fixture
def table(local_stores: Stores) -> Table:
    return Table(local_stores)


def test_a_write_is_billed_by_the_larger_of_the_item_before_and_after(table: Table) -> None:
    assert table.put(result={"S": KB * 3}) == (4, 0)
    assert table.put(result={"S": "small"}) == (4, 0)
    assert table.put(result={"S": KB}) == (2, 0)
    assert table.update("REMOVE #r", {"r": "result"}) == (2, 0)
    assert table.units("delete_item", Key=dict(KEY)) == (1, 0)


def test_an_index_is_billed_by_what_becomes_of_its_entry(table: Table) -> None:
    assert table.put(**ENTRY) == (1, 1)
    # The entry is deleted and put elsewhere.
    assert table.update("SET #s = :s", {"s": "group_sort"}, s={"N": "2"}) == (1, 2)
    assert table.update("SET #t = :t", {"t": "type"}, t={"S": "u"}) == (1, 1)  # a projected attribute
    # An attribute that is not projected.
    assert table.update("SET #w = :w", {"w": "worker_id"}, w={"S": "w"}) == (1, 0)
    assert table.update("SET #t = :t", {"t": "type"}, t={"S": "u"}) == (1, 0)  # the value is unchanged
    assert table.update("REMOVE #k", {"k": "group_key"}) == (1, 1)  # the entry is deleted
    assert table.update("SET #k = :k", {"k": "group_key"}, k={"S": "h"}) == (1, 1)  # the entry is put again


def test_each_half_of_a_move_is_rounded_by_itself(table: Table) -> None:
    table.put(**{**ENTRY, "type": {"S": KB}})
    changed = table.update(
        "SET #s = :s, #t = :t", {"s": "group_sort", "t": "type"}, s={"N": "2"}, t={"S": KB * 2}
    )
    assert changed == (3, 2 + 3)


def test_statements_are_billed_like_other_writes_and_reported_by_table(table: Table) -> None:
    table.put(**ENTRY, result={"S": KB * 2})
    update = 'UPDATE "Jobs" SET "group_sort" = ? REMOVE "result" WHERE "job_id" = ? AND "type" = ?'
    insert = "INSERT INTO \"Jobs\" VALUE {'job_id': ?, 'result': ?}"
    answer = table.execute(
        (update, [{"N": "2"}, {"S": "a"}, {"S": "t"}]), (insert, [{"S": "b"}, {"S": KB * 4}])
    )
    (consumed,) = answer["ConsumedCapacity"]
    assert units_of(consumed) == (3 + 5, 2)


def test_a_refused_statement_is_billed_beside_others_and_reported_by_none_alone(table: Table) -> None:
    table.put(**ENTRY, result={"S": KB * 2})
    update = 'UPDATE "Jobs" SET "worker_id" = ? WHERE "job_id" = ? AND "type" = ?'
    insert = "INSERT INTO \"Jobs\" VALUE {'job_id': ?, 'result': ?}"
    refused = (update, [{"S": "w"}, {"S": "a"}, {"S": "other"}])
    answer = table.execute(refused, (insert, [{"S": "b"}, {"S": "r"}]))
    assert [units_of(each) for each in answer["ConsumedCapacity"]] == [(3 + 1, 0)]
    duplicate = (insert, [{"S": "b"}, {"S": KB * 4}])
    answer = table.execute(duplicate, (insert, [{"S": "c"}, {"S": "r"}]))
    assert [units_of(each) for each in answer["ConsumedCapacity"]] == [(5 + 1, 0)]
    answer = table.execute(refused, duplicate)
    assert [each["Error"]["Code"] for each in answer["Responses"]] == [
        "ConditionalCheckFailed",
        "DuplicateItem",
    ]
    assert answer["ConsumedCapacity"] == []


def test_the_meter_counts_what_is_billed_but_not_reported(table: Table) -> None:
    table.put(result={"S": KB * 2})
    before = table.meter.snapshot()
    with pytest.raises(table.client.exceptions.ConditionalCheckFailedException):
        table.client.put_item(
            TableName=table.name,
            Item={**KEY, "result": {"S": KB * 4}},
            ConditionExpression="attribute_not_exists(job_id)",
        )
    assert (table.meter.snapshot() - before).base_write_units == 5
    insert = "INSERT INTO \"Jobs\" VALUE {'job_id': ?, 'result': ?}"
    before = table.meter.snapshot()
    table.execute((insert, [{"S": "a"}, {"S": KB * 4}]))
    assert (table.meter.snapshot() - before).base_write_units == 5


def test_a_read_is_billed_by_the_whole_item_in_steps_of_4_kb(table: Table) -> None:
    table.put(result={"S": KB * 5})
    get = {"Key": dict(KEY), "ProjectionExpression": "job_id"}
    assert table.units("get_item", **get, ConsistentRead=True) == (2, 0)
    assert table.units("get_item", **get) == (1, 0)
    assert table.units("get_item", Key={"job_id": {"S": "nothing"}}) == (0.5, 0)


def test_a_batch_of_reads_rounds_each_item(table: Table) -> None:
    """1.5 KB and 6.5 KB count as 4 KB and 8 KB: the example of the developer guide."""
    for job_id, size in (("a", 1_500), ("b", 6_500)):
        item = {"job_id": {"S": job_id}, "result": {"S": "x" * size}}
        table.client.put_item(TableName=table.name, Item=item)
    keys = [{"job_id": {"S": job_id}} for job_id in ("a", "b", "nothing")]
    asked = {table.name: {"Keys": keys, "ConsistentRead": True}}
    answer = table.client.batch_get_item(RequestItems=asked, ReturnConsumedCapacity="INDEXES")
    assert units_of(answer["ConsumedCapacity"][0]) == (1 + 2 + 1, 0)


def test_a_query_is_billed_by_the_sum_of_what_it_looked_at(table: Table) -> None:
    for number in range(6):
        entry = {
            **ENTRY,
            "job_id": {"S": f"{number}"},
            "group_sort": {"N": str(number)},
            "type": {"S": KB * 2},
        }
        table.client.put_item(TableName=table.name, Item=entry)
    query = {
        "IndexName": schema.GROUP_INDEX,
        "KeyConditionExpression": "group_key = :key",
        "ExpressionAttributeValues": {":key": {"S": "g"}},
    }
    assert table.units("query", **query) == (0, 2)  # 12.x KB of entries: four steps at half the price
    assert table.units("query", **query, Select="COUNT") == (0, 2)
    assert table.units("query", **query, Limit=1) == (0, 0.5)
    filtered = {**query, "ExpressionAttributeValues": {":key": {"S": "g"}, ":t": {"S": "none"}}}
    assert table.units(
        "query", **filtered, FilterExpression="#t = :t", ExpressionAttributeNames={"#t": "type"}
    ) == (0, 2)


def test_a_batch_of_reads_stops_at_16_mb_and_names_the_keys_that_are_left(table: Table) -> None:
    names = [f"large-{number:02d}" for number in range(45)]
    for name in names:
        item = {"job_id": {"S": name}, "result": {"S": "x" * 400_000}}
        table.client.put_item(TableName=table.name, Item=item)
    asked = {table.name: {"Keys": [{"job_id": {"S": name}} for name in names]}}
    answer = table.client.batch_get_item(RequestItems=asked)
    found = [item["job_id"]["S"] for item in answer["Responses"][table.name]]
    left = [key["job_id"]["S"] for key in answer["UnprocessedKeys"][table.name]["Keys"]]
    assert 0 < len(found) * 400_000 < 16 * 1_048_576 < (len(found) + 1) * 400_100
    assert sorted(found + left) == names


def test_a_page_of_a_query_stops_at_1_mb_before_the_filter(table: Table) -> None:
    for number in range(4):
        entry = {
            **ENTRY,
            "job_id": {"S": f"{number}"},
            "group_sort": {"N": str(number)},
            "type": {"S": "x" * 390_000},
        }
        table.client.put_item(TableName=table.name, Item=entry)
    answer = table.client.query(
        TableName=table.name,
        IndexName=schema.GROUP_INDEX,
        KeyConditionExpression="group_key = :key",
        FilterExpression="#t = :t",
        ExpressionAttributeNames={"#t": "type"},
        ExpressionAttributeValues={":key": {"S": "g"}, ":t": {"S": "none"}},
    )
    assert answer["Items"] == []
    assert answer["ScannedCount"] == 2
    assert answer["LastEvaluatedKey"]["job_id"] == {"S": "1"}
