"""Every double refuses what AWS refuses before it looks at an item. docs/reference/aws-truth.md names the sources.

tidegate makes none of these requests: each is one mistake away from a shape that it does use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.harness.contract.raw_requests import (
    ITEM,
    KEY,
    LARGE,
    N,
    S,
    ask,
    keys,
    on_doubles,
    put,
    query,
    start,
    update,
)
from tests.harness.contract.stores import Stores

REFUSED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "a name that is not used": ("update_item", update("SET #a = :v", na="x", nb="y", vv=S)),
    "a value that is not used": ("update_item", update("SET #a = :v", na="x", vv=S, vw=S)),
    "a name that is not defined": ("update_item", update("SET #a = :v", vv=S)),
    "a value that is not defined": ("update_item", update("SET #a = :v", "#a = :w", na="x", vv=S)),
    "values without an expression": ("put_item", {**put(), "ExpressionAttributeValues": {":v": S}}),
    "no names at all": ("update_item", {**update("REMOVE x"), "ExpressionAttributeNames": {}}),
    "a reserved word": ("update_item", update("SET state = :v", vv=S)),
    "an empty set to compare with": ("update_item", update("SET #a = :v", "#a = :s", na="x", vv=S, vs={"NS": []})),
    "an empty set in an item": ("put_item", put(s={"SS": []})),
    "a member twice in a set": ("put_item", put(s={"NS": ["1", "1.0"]})),
    "an empty key": ("put_item", put(job_id={"S": ""})),
    "an empty key of an index": ("put_item", put(group_key={"S": ""})),
    "an index key of another type": ("put_item", put(group_sort={"S": "1"})),
    "an index key set to another type": ("update_item", update("SET #a = :v", na="group_sort", vv=S)),
    "an index key set to null": ("update_item", update("SET #a = :v", na="group_key", vv={"NULL": True})),
    "an index key set to nothing": ("update_item", update("SET #a = :v", na="group_key", vv={"S": ""})),
    "an index key of 2,049 bytes": ("put_item", put(group_key={"S": "k" * 2_049})),
    "a key of another type": ("get_item", {"TableName": "Jobs", "Key": {"job_id": N}}),
    "half a key": ("get_item", {"TableName": "Payloads", "Key": KEY}),
    "more than the key": ("get_item", {"TableName": "Jobs", "Key": {**KEY, "part": S}}),
    "a hash key of 2,049 bytes": ("get_item", {"TableName": "Jobs", "Key": {"job_id": {"S": "k" * 2_049}}}),
    "a range key of 1,025 bytes": ("put_item", put("Payloads", part={"S": "k" * 1_025})),
    "an item without its key": ("put_item", {"TableName": "Jobs", "Item": {"state": S}}),
    "an item beyond 400 KB": ("put_item", put(result={"S": LARGE})),
    "an item that grows beyond 400 KB": ("update_item", update("SET #a = :v", na="result", vv={"S": LARGE})),
    "a number of 39 digits": ("put_item", put(n={"N": "1" * 39})),
    "a number too near to 0": ("put_item", put(n={"N": "1E-131"})),
    "a number too far from 0": ("put_item", put(n={"N": "1E126"})),
    "a number that is none": ("put_item", put(n={"N": "nan"})),
    "a change of the key": ("update_item", update("SET #a = :v", na="job_id", vv=S)),
    "an attribute set twice": ("update_item", update("SET #a = :v, #a = :v", na="x", vv=S)),
    "an attribute set and removed": ("update_item", update("SET #a = :v REMOVE #a", na="x", vv=S)),
    "lines for no list": ("update_item", update("SET #a = list_append(#a, :v)", na="nothing", vv={"L": []})),
    "lines for a text": ("update_item", update("SET #a = list_append(#a, :v)", na="state", vv={"L": []})),
    "a line that is no list": ("update_item", update("SET #a = list_append(#a, :v)", na="history", vv=S)),
    "one more than nothing": ("update_item", update("SET #a = #a + :v", na="nothing", vv=N)),
    "one more than a text": ("update_item", update("SET #a = #a + :v", na="state", vv=N)),
    "a set for a text": ("update_item", update("ADD #a :v", na="state", vv={"SS": ["x"]})),
    "a set of texts for one of numbers": ("update_item", update("ADD #a :v", na="waiting_on", vv={"SS": ["x"]})),
    "no set to take from": ("update_item", update("DELETE #a :v", na="state", vv={"SS": ["x"]})),
    "an entry of no map": ("update_item", update("SET #a.#b = :v", na="nothing", nb="x", vv=S)),
    "101 values to be in": (
        "update_item",
        update(
            "SET #a = :v0", f"#a IN ({', '.join(f':v{n}' for n in range(101))})", na="x",
            **{f"vv{n}": {"S": str(n)} for n in range(101)},
        ),
    ),
    "an expression of 4,097 bytes": ("update_item", update("SET #a = :v" + " " * 4_086, na="x", vv=S)),
    "parentheses twice": ("update_item", update("SET #a = :v", "((#a = :v))", na="x", vv=S)),
    "the same item read twice": ("batch_get_item", {"RequestItems": {"Jobs": {"Keys": [KEY, KEY]}}}),
    "101 items read": ("batch_get_item", {"RequestItems": {"Jobs": {"Keys": keys(101)}}}),
    "the same item written twice": (
        "batch_write_item",
        {"RequestItems": {"Jobs": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": KEY}}]}},
    ),
    "26 items written": (
        "batch_write_item",
        {"RequestItems": {"Jobs": [{"DeleteRequest": {"Key": key}} for key in keys(26)]}},
    ),
    "an item beyond 400 KB among many": (
        "batch_write_item",
        {"RequestItems": {"Jobs": [{"PutRequest": {"Item": {**ITEM, "result": {"S": LARGE}}}}]}},
    ),
    "a consistent read of an index": ("query", query(ConsistentRead=True)),
    "a query without the hash key": (
        "query",
        {**query(KeyConditionExpression="#sort <= :up_to"), "ExpressionAttributeNames": {"#sort": "group_sort"},
         "ExpressionAttributeValues": {":up_to": N}},
    ),
    "a query by another type": (
        "query", query(ExpressionAttributeValues={":key": {"S": "g"}, ":up_to": {"S": "5"}})
    ),
    "a query with a value too many": (
        "query", query(ExpressionAttributeValues={":key": {"S": "g"}, ":up_to": {"N": "5"}, ":v": S})
    ),
    "a query for an empty key": (
        "query", query(ExpressionAttributeValues={":key": {"S": ""}, ":up_to": {"N": "5"}})
    ),
    "a filter on a key": ("query", query(FilterExpression="#sort <= :up_to")),
    "half a key to start after": ("query", query(ExclusiveStartKey={**KEY, "group_key": {"S": "g"}})),
    "a start in another partition": ("query", query(**start("other"))),
    "a start outside the range": ("query", query(**start(sort="9"))),
    "an empty key to start after": ("query", query(**start(job_id={"S": ""}))),
}  # fmt: skip


@on_doubles
@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistaken_request_is_refused_and_changes_nothing(raw: Stores, mistake: str) -> None:
    operation, params = REFUSED[mistake]
    with pytest.raises(ClientError) as refused:
        ask(raw, operation, params)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert ask(raw, "get_item", {"TableName": "Jobs", "Key": KEY})["Item"] == ITEM


# --- batches of statements ----------------------------------------------------------------------------
SET = 'UPDATE "Jobs" SET "worker_id" = ? WHERE "job_id" = ? AND "state" = ? RETURNING ALL NEW *'
INSERT = "INSERT INTO \"Jobs\" VALUE {'job_id': ?, 'waiting_on': ?}"


def stated(text: str, *parameters: Any) -> dict[str, Any]:
    return {"Statement": text, "Parameters": list(parameters)}


def changed(job_id: str = "a", state: str = "READY") -> dict[str, Any]:
    return stated(SET, S, {"S": job_id}, {"S": state})


BATCHES: Mapping[str, list[dict[str, Any]]] = {
    "an item changed twice": [changed(), changed(state="QUEUED")],
    "an item inserted twice": [
        stated(INSERT, {"S": "b"}, {"NS": ["1"]}),
        stated(INSERT, {"S": "b"}, {"NS": ["1"]}),
    ],
    "26 statements": [changed(str(number)) for number in range(26)],
    "a statement of 8,193 characters": [
        stated(SET.replace(" AND", " " * (8_193 - len(SET)) + " AND"), S, KEY["job_id"], S)
    ],
}


@on_doubles
@pytest.mark.parametrize("mistake", BATCHES)
def test_a_batch_with_such_a_mistake_is_refused_as_a_whole(raw: Stores, mistake: str) -> None:
    with pytest.raises(ClientError) as refused:
        ask(raw, "batch_execute_statement", {"Statements": BATCHES[mistake]})
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert ask(raw, "get_item", {"TableName": "Jobs", "Key": KEY})["Item"] == ITEM


STATEMENTS: Mapping[str, dict[str, Any]] = {
    "a value too few": stated(SET, S, KEY["job_id"]),
    "a value too many": stated(SET, S, KEY["job_id"], {"S": "READY"}, S),
    "an empty set": stated(SET, {"NS": []}, KEY["job_id"], {"S": "READY"}),
    "an empty set in a new item": stated(INSERT, {"S": "b"}, {"NS": []}),
    "an index key of another type": stated(
        SET.replace("worker_id", "group_sort"), S, KEY["job_id"], {"S": "READY"}
    ),
    "an index key set to nothing": stated(
        SET.replace("worker_id", "group_key"), {"S": ""}, KEY["job_id"], {"S": "READY"}
    ),
    "a new item with an index key of another type": stated(
        INSERT.replace("waiting_on", "group_sort"), {"S": "b"}, {"S": "1"}
    ),
    "a change of the key": stated(SET.replace('"worker_id"', '"job_id"'), S, KEY["job_id"], {"S": "READY"}),
    "an attribute set and removed": stated(
        SET.replace(" WHERE", ' REMOVE "worker_id" WHERE'), S, KEY["job_id"], {"S": "READY"}
    ),
}


@on_doubles
@pytest.mark.parametrize("mistake", STATEMENTS)
def test_a_statement_with_such_a_mistake_is_refused_and_the_others_are_not(raw: Stores, mistake: str) -> None:
    assert raw.clients is not None
    other = stated(INSERT, {"S": "other"}, {"NS": ["1"]})
    bad, good = ask(raw, "batch_execute_statement", {"Statements": [STATEMENTS[mistake], other]})["Responses"]
    assert bad["Error"]["Code"] == "ValidationError"
    assert "Error" not in good
    assert ask(raw, "get_item", {"TableName": "Jobs", "Key": KEY})["Item"] == ITEM
