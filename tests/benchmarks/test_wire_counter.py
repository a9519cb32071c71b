"""The counter in the benchmark's emulator, on a recorded exchange with the services' own handlers and no server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import dynamodb, sqs

from dev.benchmarks.peers.usage import READ_UNITS, REQUESTS, WRITE_UNITS, Tally
from dev.benchmarks.peers.wire_counter import EVENT_SOURCE, WireCounter, short_name, table_name
from tidegate_devstack.strict_bills import read_units

TABLE = "counted"
KB = "x" * 1_024


@pytest.fixture
def counter() -> Iterator[WireCounter]:
    made = WireCounter(Tally())
    made.names["AKIAONE"] = "one"
    made.install()
    call(
        "CreateTable",
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "group", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_group",
                "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        yield made
    finally:
        call("DeleteTable", TableName=TABLE)
        made.uninstall()


def headers(target: str, key: str) -> dict[str, str]:
    return {
        "x-amz-target": target,
        "authorization": f"AWS4-HMAC-SHA256 Credential={key}/20261125/us-east-1/dynamodb/aws4_request, Signature=0",
    }


def call(action: str, key: str = "AKIAONE", **body: Any) -> dict[str, Any]:
    """Makes one DynamoDB call in the form in which it comes over the wire."""
    sent = json.dumps(body).encode()
    target = headers(f"DynamoDB_20120810.{action}", key)
    _status, _headers, answer = asyncio.run(dynamodb.handle_request("POST", "/", target, sent, {}))
    decoded: dict[str, Any] = json.loads(answer)
    return decoded


def put(item_id: str, **attributes: str) -> dict[str, Any]:
    """Makes an item of strings."""
    return {"id": {"S": item_id}, **{name: {"S": value} for name, value in attributes.items()}}


def units(counter: WireCounter) -> dict[str, float]:
    """Returns the write units so far, by table and index."""
    return counter.tally.usage().by_what(WRITE_UNITS, "one")


def test_a_put_costs_a_unit_for_each_kb_and_an_entry_in_the_index(counter: WireCounter) -> None:
    call("PutItem", TableName=TABLE, Item=put("a", group="g"))
    assert units(counter) == {TABLE: 1.0, f"{TABLE}/by_group": 1.0}
    call("PutItem", TableName=TABLE, Item=put("b", text=KB))
    assert units(counter) == {TABLE: 3.0, f"{TABLE}/by_group": 1.0}


def test_an_update_costs_the_larger_item_and_a_moved_entry_twice(counter: WireCounter) -> None:
    call("PutItem", TableName=TABLE, Item=put("a", group="g", text=KB))
    before = counter.tally.usage()
    change: dict[str, Any] = {
        "UpdateExpression": "SET #g = :h REMOVE #t",
        "ExpressionAttributeNames": {"#g": "group", "#t": "text"},
        "ExpressionAttributeValues": {":h": {"S": "h"}},
    }
    call("UpdateItem", TableName=TABLE, Key=put("a"), **change)
    used = counter.tally.usage() - before
    assert used.by_what(WRITE_UNITS, "one") == {TABLE: 2.0, f"{TABLE}/by_group": 2.0}


def test_a_refused_condition_is_billed_by_the_item_that_stands(counter: WireCounter) -> None:
    call("PutItem", TableName=TABLE, Item=put("a", text=KB))
    before = counter.tally.usage()
    answer = call("PutItem", TableName=TABLE, Item=put("a"), ConditionExpression="attribute_not_exists(id)")
    assert answer["__type"] == "ConditionalCheckFailedException"
    assert (counter.tally.usage() - before).by_what(WRITE_UNITS, "one") == {TABLE: 2.0}


def test_a_refused_put_is_billed_by_the_larger_of_both_items(counter: WireCounter) -> None:
    call("PutItem", TableName=TABLE, Item=put("a", text=KB))
    before = counter.tally.usage()
    larger = put("a", text=KB * 4)
    call("PutItem", TableName=TABLE, Item=larger, ConditionExpression="attribute_not_exists(id)")
    assert (counter.tally.usage() - before).by_what(WRITE_UNITS, "one") == {TABLE: 5.0}
    insert = f"INSERT INTO \"{TABLE}\" VALUE {{'id': ?, 'text': ?}}"
    statement = {"Statement": insert, "Parameters": [{"S": "a"}, {"S": KB * 6}]}
    before = counter.tally.usage()
    call("BatchExecuteStatement", Statements=[statement])
    assert (counter.tally.usage() - before).by_what(WRITE_UNITS, "one") == {TABLE: 7.0}


def test_a_delete_is_billed_whether_something_was_there_or_not(counter: WireCounter) -> None:
    call("PutItem", TableName=TABLE, Item=put("a", group="g"))
    before = counter.tally.usage()
    call("DeleteItem", TableName=TABLE, Key=put("a"))
    call("DeleteItem", TableName=TABLE, Key=put("a"))
    used = counter.tally.usage() - before
    assert used.by_what(WRITE_UNITS, "one") == {TABLE: 2.0, f"{TABLE}/by_group": 1.0}


def test_a_batch_of_statements_is_one_request_and_billed_by_its_items(counter: WireCounter) -> None:
    call("PutItem", TableName=TABLE, Item=put("there"))
    before = counter.tally.usage()
    insert = f"INSERT INTO \"{TABLE}\" VALUE {{'id': ?, 'group': ?, 'text': ?}}"
    statements = [
        {"Statement": insert, "Parameters": [{"S": item_id}, {"S": "g"}, {"S": KB}]}
        for item_id in ("a", "b", "there")
    ]
    answer = call("BatchExecuteStatement", Statements=statements)
    assert answer["Responses"][2]["Error"]["Code"] == "DuplicateItem"
    used = counter.tally.usage() - before
    assert used.by_what(WRITE_UNITS, "one") == {TABLE: 2 + 2 + 2, f"{TABLE}/by_group": 2.0}
    assert used.by_what(REQUESTS, "one") == {"dynamodb.BatchExecuteStatement": 1.0}


def test_reads_cost_by_what_was_looked_at_not_by_what_was_wanted(counter: WireCounter) -> None:
    call("PutItem", TableName=TABLE, Item=put("a", group="g", text=KB * 5))
    before = counter.tally.usage()
    call("GetItem", TableName=TABLE, Key=put("a"), ConsistentRead=True, ProjectionExpression="id")
    call("GetItem", TableName=TABLE, Key=put("nothing"))
    call("BatchGetItem", RequestItems={TABLE: {"Keys": [put("a"), put("nothing")]}})
    call(
        "Query",
        TableName=TABLE,
        IndexName="by_group",
        KeyConditionExpression="#g = :g",
        ExpressionAttributeNames={"#g": "group"},
        ExpressionAttributeValues={":g": {"S": "g"}},
    )
    used = counter.tally.usage() - before
    assert used.by_what(READ_UNITS, "one") == {TABLE: 2.0 + 0.5 + (1.0 + 0.5) + 0.5}


def test_callers_are_told_apart_by_their_keys(counter: WireCounter) -> None:
    call("GetItem", key="AKIATWO", TableName=TABLE, Key=put("a"))
    usage = counter.tally.usage()
    assert usage.by_what(REQUESTS, "AKIATWO") == {"dynamodb.GetItem": 1.0}
    assert "dynamodb.GetItem" not in usage.by_what(REQUESTS, "one")


def test_new_items_and_reached_states_are_noted_once(counter: WireCounter) -> None:
    call("PutItem", TableName=TABLE, Item=put("a", state="READY"))
    call("PutItem", TableName=TABLE, Item=put("a", state="DONE"))
    call("PutItem", TableName=TABLE, Item=put("a", state="DONE", text="again"))
    assert counter.tally.marks(TABLE, ["created"])[0] == 1
    assert counter.tally.marks(TABLE, ["a"])[0] == 1
    count, at_seconds = counter.tally.marks(TABLE, ["DONE", "FAILED"])
    assert count == 1
    assert at_seconds >= counter.tally.marks(TABLE, ["created"])[1] > 0


def test_queue_calls_are_counted_in_both_protocols_and_lambdas_own_polls_only_when_they_bring_something(
    counter: WireCounter,
) -> None:
    def ask(target: str, body: bytes) -> Any:
        return asyncio.run(sqs.handle_request("POST", "/", headers(target, "AKIAONE"), body, {}))[2]

    url = json.loads(ask("AmazonSQS.CreateQueue", b'{"QueueName": "counted"}'))["QueueUrl"]
    assert sqs._receive_messages_for_esm(url, 10) == []
    ask("AmazonSQS.SendMessage", json.dumps({"QueueUrl": url, "MessageBody": "m"}).encode())
    (message,) = sqs._receive_messages_for_esm(url, 10)
    sqs._delete_messages_for_esm(url, {message["receipt_handle"]})
    ask("", f"Action=DeleteQueue&QueueUrl={url}".encode())
    usage = counter.tally.usage()
    assert {what: n for what, n in usage.by_what(REQUESTS, "one").items() if what.startswith("sqs.")} == {
        "sqs.CreateQueue": 1.0,
        "sqs.DeleteQueue": 1.0,
        "sqs.SendMessage": 1.0,
    }
    assert usage.by_what(REQUESTS, EVENT_SOURCE) == {"sqs.DeleteMessageBatch": 1.0, "sqs.ReceiveMessage": 1.0}


def test_names_of_deployed_things_are_shortened() -> None:
    assert short_name("tidegate-DispatcherFunction-1A2B3C") == "dispatcher"
    assert table_name("tidegate-Jobs-A733B992DCE39") == "Jobs"
    assert table_name("celery-sqs-threads-1") == "celery-sqs-threads-1"


@pytest.mark.parametrize(
    ("size", "consistent", "expected"), [(0, True, 1), (4_096, True, 1), (4_097, False, 1)]
)
def test_read_units_go_by_4_kb(size: int, consistent: bool, expected: float) -> None:
    assert read_units(size, consistent=consistent) == expected
