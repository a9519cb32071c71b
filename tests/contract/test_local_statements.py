"""The local stack's process corrects two faults: statements reach the stream, and LIST_APPEND appends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.contract.stores import session_of
from tidegate.adapters.aws.clients import AwsClients

TABLE = "statements"
UPDATE = 'UPDATE "statements" SET "lines" = list_append("lines", ?) WHERE "id" = ? RETURNING ALL NEW *'
ITEM: dict[str, Any] = {"id": {"S": "a"}, "lines": {"L": [{"S": "one"}]}}


@pytest.fixture
def stream_arn(local_clients: AwsClients) -> Iterator[str]:
    """Creates a table that holds one item, and returns the ARN of its stream."""
    dynamodb = local_clients.dynamodb
    made = dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.put_item(TableName=TABLE, Item=ITEM)
    yield made["TableDescription"]["LatestStreamArn"]
    dynamodb.delete_table(TableName=TABLE)


def execute(clients: AwsClients, text: str, *parameters: Any) -> Any:
    answer: Any = clients.dynamodb.batch_execute_statement(
        Statements=[{"Statement": text, "Parameters": list(parameters)}]
    )
    return answer["Responses"][0]


def records(clients: AwsClients, stream_arn: str) -> list[Any]:
    endpoint_url = clients.dynamodb.meta.endpoint_url
    streams: Any = session_of(clients).client("dynamodbstreams", endpoint_url=endpoint_url)
    (shard,) = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[Any] = streams.get_records(ShardIterator=iterator)["Records"]
    return found


def test_an_update_appends_and_reaches_the_stream_with_both_images(
    local_clients: AwsClients, stream_arn: str
) -> None:
    done = execute(local_clients, UPDATE, {"L": [{"S": "two"}]}, {"S": "a"})
    after = {**ITEM, "lines": {"L": [{"S": "one"}, {"S": "two"}]}}
    assert done["Item"] == after
    inserted, modified = records(local_clients, stream_arn)
    assert (inserted["eventName"], modified["eventName"]) == ("INSERT", "MODIFY")
    assert modified["dynamodb"]["OldImage"] == ITEM
    assert modified["dynamodb"]["NewImage"] == after


def test_an_update_that_is_refused_or_changes_nothing_does_not_reach_the_stream(
    local_clients: AwsClients, stream_arn: str
) -> None:
    missing = execute(local_clients, UPDATE, {"L": [{"S": "two"}]}, {"S": "b"})
    assert missing["Error"]["Code"] == "ConditionalCheckFailed"
    execute(local_clients, UPDATE, {"L": []}, {"S": "a"})
    assert len(records(local_clients, stream_arn)) == 1


@pytest.mark.parametrize("parameter", [{"S": "two"}, {"N": "2"}], ids=str)
def test_only_a_list_can_be_appended(local_clients: AwsClients, stream_arn: str, parameter: Any) -> None:
    refused = execute(local_clients, UPDATE, parameter, {"S": "a"})
    assert refused["Error"]["Code"] == "ValidationError"
    assert len(records(local_clients, stream_arn)) == 1
