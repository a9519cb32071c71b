"""BatchExecuteStatement for moto, whose own takes no parameters in an INSERT and reports no duplicates.

It knows the one statement that tidegate sends, and answers as DynamoDB does. The suite runs over the local stack
too, where the statement itself is executed.
"""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

_INSERT = re.compile(r"INSERT INTO \"(?P<table>[^\"]+)\" VALUE \{(?P<fields>.*)\}")
_FIELD = re.compile(r"'([^']+)': \?")


def answer_statements(client: Any) -> None:
    """Lets a boto3 client of moto's answer INSERT statements."""

    def execute(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        statements = json.loads(params["body"])["Statements"]
        responses = [_insert(client, each["Statement"], each["Parameters"]) for each in statements]
        metadata = {"HTTPStatusCode": 200, "RetryAttempts": 0}
        return SimpleNamespace(status_code=200), {"Responses": responses, "ResponseMetadata": metadata}

    client.meta.events.register("before-call.dynamodb.BatchExecuteStatement", execute)


def _insert(client: Any, statement: str, parameters: list[Any]) -> dict[str, Any]:
    match = _INSERT.fullmatch(statement)
    assert match is not None, f"unknown statement: {statement}"
    names = _FIELD.findall(match["fields"])
    table = match["table"]
    item = dict(zip(names, parameters, strict=True))
    key = client.describe_table(TableName=table)["Table"]["KeySchema"][0]["AttributeName"]
    try:
        client.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(#key)",
            ExpressionAttributeNames={"#key": key},
        )
    except client.exceptions.ConditionalCheckFailedException:
        message = "Duplicate primary key exists in table"
        return {"Error": {"Code": "DuplicateItem", "Message": message}, "TableName": table}
    return {"TableName": table}
