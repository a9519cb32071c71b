"""The stand-ins for AWS answer a batch of statements as strictly as AWS does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, RANK_POLICY, Stores, aws_stores
from tests.harness.tables import create_tables
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import old_item
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.adapters.dynamodb.updates import update_of
from tidegate.adapters.dynamodb.values import Item
from tidegate.domain.transitions import DispatchIfReady, Stamp

CODEC = JobCodec(3, RANK_POLICY)
ALL_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
UNDER_WAY = CODEC.whole_item(DispatchIfReady("S.0", POOL, Stamp(NOW_MS, "dispatcher")).apply(new_job("S.0")))


@pytest.fixture(params=["moto", "local"])
def held(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Makes stores that hold S.0, which is dispatched, and S.1, which is not."""
    if request.param == "local":
        stores: Stores = request.getfixturevalue("local_stores")
        yield _filled(stores)
        return
    clients: AwsClients = request.getfixturevalue("moto_clients")
    with mock_aws():
        yield _filled(aws_stores(clients, create_tables(clients.dynamodb, "moto"), "no-queue"))


def _filled(stores: Stores) -> Stores:
    stores.jobs.insert_if_absent([new_job("S.1")])
    client, table = _of(stores)
    client.put_item(TableName=table, Item=UNDER_WAY)
    return stores


def _of(stores: Stores) -> tuple[Any, str]:
    assert stores.clients is not None
    assert stores.tables is not None
    return stores.clients.dynamodb, stores.tables.jobs


def dispatch(table: str, job_id: str) -> dict[str, Any]:
    """Makes the statement that dispatches a job, and asks for the item that refuses it."""
    transition = DispatchIfReady(job_id, POOL, Stamp(NOW_MS + 1, "dispatcher"))
    statement = update_of(CODEC, transition).statement(table, schema.JOB_ID, job_id)
    assert statement is not None
    return {**statement, **ALL_OLD}


def insert(table: str, item: Item) -> dict[str, Any]:
    """Makes the statement that inserts a job, and asks for the item that refuses it."""
    fields = ", ".join(f"'{name}': ?" for name in item)
    text = f'INSERT INTO "{table}" VALUE {{{fields}}}'
    return {"Statement": text, "Parameters": list(item.values()), **ALL_OLD}


def test_a_refused_statement_never_brings_its_item_back(held: Stores) -> None:
    client, table = _of(held)
    statements = [dispatch(table, job_id) for job_id in ("S.0", "S.1", "S.2")]
    refused, done, missing = client.batch_execute_statement(Statements=statements)["Responses"]
    for answer in (refused, missing):
        assert answer["Error"]["Code"] == "ConditionalCheckFailed"
        assert answer["Error"].keys() == {"Code", "Message"}
    assert done["Item"]["state"] == {"S": "QUEUED"}


def test_an_insert_of_what_exists_never_brings_it_back(held: Stores) -> None:
    client, table = _of(held)
    statements = [insert(table, CODEC.whole_item(new_job(job_id))) for job_id in ("S.0", "S.3")]
    refused, done = client.batch_execute_statement(Statements=statements)["Responses"]
    assert refused["Error"]["Code"] == "DuplicateItem"
    assert refused["Error"].keys() == {"Code", "Message"}
    assert "Error" not in done


@pytest.mark.parametrize("kind", [dispatch, "insert"], ids=["update", "insert"])
def test_two_statements_of_one_item_refuse_the_whole_batch(held: Stores, kind: Any) -> None:
    client, table = _of(held)
    if kind == "insert":
        twice = [insert(table, CODEC.whole_item(new_job(job_id))) for job_id in ("S.3", "S.4", "S.3")]
    else:
        twice = [dispatch(table, job_id) for job_id in ("S.1", "S.2", "S.1")]
    with pytest.raises(ClientError) as refused:
        client.batch_execute_statement(Statements=twice)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert held.jobs.get("S.1") == new_job("S.1")
    assert held.jobs.get("S.4") is None


def test_a_malformed_statement_is_refused_alone(local_stores: Stores) -> None:
    client, table = _of(_filled(local_stores))
    malformed = {"Statement": "UPDATE S.1 SET WHERE"}
    bad, good = client.batch_execute_statement(Statements=[malformed, dispatch(table, "S.1")])["Responses"]
    assert bad["Error"]["Code"] == "ValidationError"
    assert "Error" not in good


def test_calls_do_bring_the_item_back_where_they_ask_for_it(held: Stores) -> None:
    client, table = _of(held)
    never = {"ConditionExpression": "attribute_not_exists(job_id)", **ALL_OLD}
    update = {"UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}}
    key = {"job_id": {"S": "S.0"}}
    calls: tuple[Callable[[], Any], ...] = (
        lambda: client.update_item(TableName=table, Key=key, **update, **never),
        lambda: client.put_item(TableName=table, Item=key, **never),
    )
    for call in calls:
        with pytest.raises(ClientError) as refused:
            call()
        assert old_item(refused.value) == UNDER_WAY
    with pytest.raises(ClientError) as cancelled:
        client.transact_write_items(
            TransactItems=[{"Update": {"TableName": table, "Key": key, **update, **never}}]
        )
    assert cancelled.value.response["CancellationReasons"][0]["Item"] == UNDER_WAY
