"""The local AWS checks the permissions that AWS checks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidegate_devstack.permissions import (
    lambda_action,
    leading_keys,
    log_resource,
    single_action,
    statement_checks,
)

BATCH = "dynamodb:BatchExecuteStatement"


def body(**given: Any) -> bytes:
    return json.dumps(given).encode()


def test_a_batch_of_messages_needs_what_one_needs() -> None:
    assert single_action("sqs:SendMessageBatch") == "sqs:SendMessage"
    assert single_action("sqs:DeleteMessageBatch") == "sqs:DeleteMessage"
    assert single_action("sqs:ReceiveMessage") == "sqs:ReceiveMessage"
    assert single_action("dynamodb:BatchWriteItem") == "dynamodb:BatchWriteItem"
    assert single_action(None) is None


def test_each_call_about_executions_needs_its_own_action() -> None:
    concurrency = "/2017-10-31/functions/f/concurrency"
    put = "PutFunctionConcurrency"  # which the emulator asks for, whatever the method is
    assert lambda_action("GET", "/2019-09-30/functions/f/concurrency", put) == "GetFunctionConcurrency"
    assert lambda_action("DELETE", concurrency, put) == "DeleteFunctionConcurrency"
    assert lambda_action("PUT", concurrency, put) == put
    assert lambda_action("GET", "/2016-08-19/account-settings/", None) == "GetAccountSettings"
    assert lambda_action("GET", "/2015-03-31/functions/concurrency/x", "GetFunction") == "GetFunction"


def test_statements_need_their_actions_on_their_tables_each_once() -> None:
    texts = (
        """INSERT INTO "Jobs-1" VALUE {'id': ?}""",
        """INSERT INTO "Jobs-1" VALUE {'id': ?}""",
        'UPDATE "Jobs-1" SET "a" = ? WHERE "id" = ?',
        "delete from Lanes where id = ?",
        'SELECT "a" FROM "Jobs-1" WHERE "id" = ?',
    )
    assert statement_checks(BATCH, body(Statements=[{"Statement": text} for text in texts])) == [
        ("dynamodb:PartiQLInsert", "Jobs-1"),
        ("dynamodb:PartiQLUpdate", "Jobs-1"),
        ("dynamodb:PartiQLDelete", "Lanes"),
        ("dynamodb:PartiQLSelect", "Jobs-1"),
    ]
    one = body(Statement=texts[2])
    assert statement_checks("dynamodb:ExecuteStatement", one) == [("dynamodb:PartiQLUpdate", "Jobs-1")]


@pytest.mark.parametrize("given", [body(), body(Statement="EXISTS (SELECT 1)"), b"no JSON", b"[]"])
def test_what_cannot_be_read_needs_what_nobody_has(given: bytes) -> None:
    assert statement_checks(BATCH, given) == [("dynamodb:PartiQL", "*")]


def test_other_calls_have_no_statements() -> None:
    assert statement_checks("dynamodb:PutItem", body(TableName="Jobs")) == []


def test_leading_keys_are_the_partition_keys_that_a_call_names() -> None:
    key_of = {"Control": "name", "Lanes": "pool"}.get
    name: Any = {"name": {"S": "rules"}}
    assert leading_keys(body(TableName="Control", Key=name), key_of) == ["rules"]
    assert leading_keys(body(TableName="Control", Item={**name, "n": {"N": "1"}}), key_of) == ["rules"]
    reads = {"Control": {"Keys": [name, {"name": {"S": "b"}}]}}
    assert leading_keys(body(RequestItems=reads), key_of) == ["rules", "b"]
    lane = {"pool": {"S": "ecs"}, "lane": {"S": "a"}}
    writes = {"Lanes": [{"DeleteRequest": {"Key": lane}}, {"PutRequest": {"Item": lane}}]}
    assert leading_keys(body(RequestItems=writes), key_of) == ["ecs", "ecs"]
    together = [
        {"Update": {"TableName": "Control", "Key": name}},
        {"Put": {"TableName": "Control", "Item": {"name": {"S": "b"}}}},
        {"Delete": {"TableName": "Other", "Key": name}},
    ]
    assert leading_keys(body(TransactItems=together), key_of) == ["rules", "b"]
    assert leading_keys(body(TableName="Other", Key=name), key_of) == []
    assert leading_keys(body(TableName="Control", Limit=1), key_of) == []


def test_a_log_stream_is_named_as_a_pattern_of_its_group_covers_it() -> None:
    group = "arn:aws:logs:eu-west-1:0:log-group:jobs"
    assert log_resource(group, body(logGroupName="jobs", logStreamName="s")) == f"{group}:log-stream:s"
    assert log_resource("*", body()) == "*"
