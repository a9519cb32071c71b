"""Hand-written requests of DynamoDB, which call tables by their names in the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.harness.contract.stores import Stores
from tidegate.adapters.dynamodb import schema

KEY: Mapping[str, Any] = {"job_id": {"S": "a"}}
ITEM: Mapping[str, Any] = {
    **KEY,
    "state": {"S": "READY"},
    "attempt": {"N": "0"},
    "history": {"L": []},
    "waiting_on": {"NS": ["1", "2"]},
    "group_key": {"S": "g"},
    "group_sort": {"N": "1"},
}
LARGE = "x" * 409_600


def update(text: str, condition: str | None = None, **given: Any) -> dict[str, Any]:
    """Makes parameters of an UpdateItem.

    A keyword is an attribute's name (`#x`) or a value (`:v`), by its first letter.
    """
    names = {f"#{mark[1:]}": name for mark, name in given.items() if mark.startswith("n")}
    values = {f":{mark[1:]}": value for mark, value in given.items() if mark.startswith("v")}
    return {
        "TableName": "Jobs",
        "Key": KEY,
        "UpdateExpression": text,
        **({"ConditionExpression": condition} if condition else {}),
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": values} if values else {}),
    }


def put(table: str = "Jobs", **attributes: Any) -> dict[str, Any]:
    return {"TableName": table, "Item": {**ITEM, **attributes}}


def query(**more: Any) -> dict[str, Any]:
    """Makes parameters of a query of the index, as the dispatcher sends it."""
    return {
        "TableName": "Jobs",
        "IndexName": schema.GROUP_INDEX,
        "KeyConditionExpression": "#key = :key AND #sort <= :up_to",
        "ExpressionAttributeNames": {"#key": "group_key", "#sort": "group_sort"},
        "ExpressionAttributeValues": {":key": {"S": "g"}, ":up_to": {"N": "5"}},
        **more,
    }


def start(key: str = "g", sort: str = "1", **more: Any) -> dict[str, Any]:
    return {"ExclusiveStartKey": {**KEY, "group_key": {"S": key}, "group_sort": {"N": sort}, **more}}


def keys(number: int) -> list[dict[str, Any]]:
    return [{"job_id": {"S": str(n)}} for n in range(number)]


S, N = {"S": "x"}, {"N": "1"}


def ask(stores: Stores, operation: str, params: Mapping[str, Any]) -> Any:
    """Makes a call that names tables by their names in the template."""
    assert stores.clients is not None
    names = (
        {
            "Jobs": stores.tables.jobs,
            "Payloads": stores.tables.payloads,
            "Lanes": stores.tables.lanes,
        }
        if stores.tables
        else {}
    )

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {names.get(key, key): named(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [named(inner) for inner in value]
        return (
            names.get(value, value.replace('"Jobs"', f'"{names["Jobs"]}"'))
            if isinstance(value, str)
            else value
        )

    return getattr(stores.clients.dynamodb, operation)(**named(dict(params)))


on_doubles = pytest.mark.parametrize("stores", ["moto", "local"], indirect=True)
