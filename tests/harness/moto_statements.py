"""BatchExecuteStatement for moto, whose own version takes no parameters and reports no conditions.

It knows the statements that tidegate sends, and answers as DynamoDB does: an INSERT becomes a conditional put, an
UPDATE an UpdateItem. A statement refused by its condition never returns the item, even if asked for it. Two statements
about one item refuse the whole batch. The suite also runs over the local stack, which executes the statements
themselves.
"""

from __future__ import annotations

import json
import re
from itertools import count
from threading import local
from types import SimpleNamespace
from typing import Any

_INSERT = re.compile(r"INSERT INTO \"(?P<table>[^\"]+)\" VALUE \{(?P<fields>.*)\}")
_FIELD = re.compile(r"'([^']+)': \?")
_UPDATE = re.compile(
    r'UPDATE "(?P<table>[^"]+)" (?P<steps>.+) WHERE "(?P<key>\w+)" = (?P<id>:v\d+) AND (?P<condition>.+)'
    r" RETURNING ALL NEW \*"
)
_STEP = re.compile(r"(?P<verb>SET|REMOVE) (?P<what>.+?)(?= SET | REMOVE |$)")
_SET_DELETE = re.compile(r"(#\w+) = set_delete\(#\w+, (:v\d+)\)")


_under_way = local()


def is_under_way() -> bool:
    """Says whether this thread is carrying out a statement, so that its calls are moto's own."""
    return bool(getattr(_under_way, "statements", False))


def answer_statements(client: Any) -> None:
    """Makes moto answer INSERT and UPDATE statements of a boto3 client."""

    def execute(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        statements = json.loads(params["body"])["Statements"]
        _under_way.statements = True
        try:
            keys = [_key_of(client, each["Statement"], each["Parameters"]) for each in statements]
            if any(keys.count(key) > 1 for key in keys):
                return _whole_batch_refused("Provided list of item keys contains duplicates")
            responses = [_execute(client, each["Statement"], each["Parameters"]) for each in statements]
        finally:
            _under_way.statements = False
        metadata = {"HTTPStatusCode": 200, "RetryAttempts": 0}
        return SimpleNamespace(status_code=200), {"Responses": responses, "ResponseMetadata": metadata}

    client.meta.events.register("before-call.dynamodb.BatchExecuteStatement", execute)


def _whole_batch_refused(message: str) -> tuple[Any, dict[str, Any]]:
    error = {"Code": "ValidationException", "Message": message}
    metadata = {"HTTPStatusCode": 400, "RetryAttempts": 0}
    return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": metadata}


def _key_of(client: Any, statement: str, parameters: list[Any]) -> tuple[str, str]:
    """Returns table and key of the item that a statement writes. Every table that is written to has a single key."""
    updates = _UPDATE.fullmatch(_numbered(statement))
    if updates is not None:
        return updates["table"], str(parameters[int(updates["id"].removeprefix(":v"))])
    inserts = _INSERT.fullmatch(statement)
    assert inserts is not None, f"unknown statement: {statement}"
    item = dict(zip(_FIELD.findall(inserts["fields"]), parameters, strict=True))
    return inserts["table"], str(item[_key_name(client, inserts["table"])])


def _key_name(client: Any, table: str) -> str:
    return str(client.describe_table(TableName=table)["Table"]["KeySchema"][0]["AttributeName"])


def _numbered(statement: str) -> str:
    numbers = count()
    return re.sub(r"\?", lambda _: f":v{next(numbers)}", statement)


def _execute(client: Any, statement: str, parameters: list[Any]) -> dict[str, Any]:
    work = _update if statement.startswith("UPDATE") else _insert
    return work(client, statement, parameters)


def _update(client: Any, statement: str, parameters: list[Any]) -> dict[str, Any]:
    match = _UPDATE.fullmatch(_numbered(statement))
    assert match is not None, f"unknown statement: {statement}"
    values = {f":v{number}": value for number, value in enumerate(parameters)}
    sections: dict[str, list[str]] = {"SET": [], "REMOVE": [], "DELETE": []}
    for step in _STEP.finditer(_with_placeholders(match["steps"])):
        deleted = _SET_DELETE.fullmatch(step["what"])
        if deleted:
            sections["DELETE"].append(f"{deleted[1]} {deleted[2]}")
        else:
            sections[step["verb"]].append(step["what"])
    key = match["key"]
    table, key_value = match["table"], values.pop(match["id"])
    try:
        answer = client.update_item(
            TableName=table,
            Key={key: key_value},
            UpdateExpression=" ".join(f"{verb} {', '.join(what)}" for verb, what in sections.items() if what),
            ConditionExpression=f"attribute_exists(#{key}) AND {_condition(match['condition'])}",
            ExpressionAttributeNames={f"#{name}": name for name in re.findall(r'"(\w+)"', statement)},
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
        )
    except client.exceptions.ConditionalCheckFailedException:
        error = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
        return {"Error": error, "TableName": table}
    return {"TableName": table, "Item": answer["Attributes"]}


def _with_placeholders(text: str) -> str:
    return re.sub(r'"(\w+)"', r"#\1", text)


def _condition(text: str) -> str:
    text = re.sub(r'"(\w+)" IS MISSING', r"attribute_not_exists(#\1)", text)
    text = re.sub(r"IN \[([^]]*)\]", r"IN (\1)", text)
    return _with_placeholders(text)


def _insert(client: Any, statement: str, parameters: list[Any]) -> dict[str, Any]:
    match = _INSERT.fullmatch(statement)
    assert match is not None, f"unknown statement: {statement}"
    names = _FIELD.findall(match["fields"])
    table = match["table"]
    item = dict(zip(names, parameters, strict=True))
    key = _key_name(client, table)
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
