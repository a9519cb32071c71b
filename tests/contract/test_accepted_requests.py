"""Every double accepts the requests that AWS accepts, at each bound beyond which AWS refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.harness.contract.raw_requests import KEY, N, S, ask, keys, on_doubles, put, query, start, update
from tests.harness.contract.stores import Stores

ACCEPTED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "a filter by a value that is called like a key": (
        "query",
        query(
            FilterExpression="attempt = :group_sort AND tags.group_key <> :group_sort",
            ExpressionAttributeValues={":key": {"S": "g"}, ":up_to": {"N": "5"}, ":group_sort": N},
        ),
    ),
    "a start at the bound": ("query", query(**start(sort="5"))),
    "a page from the bound down": ("query", query(ScanIndexForward=False, **start(sort="5"))),
    "one key in two tables": (
        "batch_get_item",
        {"RequestItems": {"Jobs": {"Keys": [KEY]}, "Lanes": {"Keys": [{"pool": S, "lane": S}]}}},
    ),
    "25 writes": (
        "batch_write_item",
        {"RequestItems": {"Jobs": [{"DeleteRequest": {"Key": key}} for key in keys(25)]}},
    ),
    "an expression of 4,096 bytes": ("update_item", update("SET #a = :v" + " " * 4_085, na="x", vv=S)),
    "a number of 38 digits": ("put_item", put(n={"N": "1" * 38})),
    "keys of 2,048 bytes": ("put_item", put(group_key={"S": "k" * 2_048})),
    "paths that begin alike": (
        "update_item",
        update("SET #a.#b = :v, #a.#c = :v", na="tags", nb="x", nc="y", vv=S),
    ),
}  # fmt: skip


@on_doubles
@pytest.mark.parametrize("request_of", ACCEPTED)
def test_a_request_that_is_no_mistake_is_carried_out(raw: Stores, request_of: str) -> None:
    ask(raw, "put_item", put(tags={"M": {}}))
    operation, params = ACCEPTED[request_of]
    assert ask(raw, operation, params)["ResponseMetadata"]["HTTPStatusCode"] == 200
