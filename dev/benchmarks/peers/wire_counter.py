"""Counts, inside the emulator, what AWS would bill, in the same way for every caller.

Requests are counted where the services receive them. Units are computed from the items before and after each write, and
from the items that a read looked at. The emulator's own report is wrong for batches of statements, for refused
conditions and for reads.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack.core.router import extract_access_key_id
from ministack.services import dynamodb, lambda_svc, sqs, sts

from dev.benchmarks.peers.usage import BUSY_MS, INVOCATIONS, READ_UNITS, REQUESTS, WRITE_UNITS, Tally
from tidegate_devstack.strict_bills import read_units

EVENT_SOURCE = "event-source"  # Lambda's own polls of queues
_DUPLICATE = "DuplicateItem"
_WRITING = {"PutItem", "UpdateItem", "DeleteItem"}
_DEPLOYED_TABLE = re.compile(r"^[a-z]+-([A-Za-z]+)-[0-9A-F]{8,}$")
_FUNCTION = re.compile(r"^.*?-?([A-Za-z]+)Function\b.*$")


@dataclass(slots=True)
class _Call:
    caller: str
    price: float = 1.0  # transactions cost twice
    written: bool = False
    scanned_bytes: int = 0


_current: ContextVar[_Call | None] = ContextVar("current", default=None)


def short_name(function: str) -> str:
    """Shortens `tidegate-ApiFunction-1A2B` to `api`."""
    found = _FUNCTION.match(function)
    return found.group(1).lower() if found else function


def table_name(deployed: str) -> str:
    """Shortens `tidegate-Jobs-A733B992DCE39` to `Jobs`. Other tables keep their name."""
    found = _DEPLOYED_TABLE.match(deployed)
    return found.group(1) if found else deployed


class WireCounter:
    """Hooks into the emulator's services. `names` gives callers by access key. Roles get their function's name."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.names: dict[str, str] = {}
        self._replaced: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Starts to count."""
        self._wrap(dynamodb, "handle_request", self._dynamodb_request)
        self._wrap(dynamodb, "_set_item", self._set_item)
        self._wrap(dynamodb, "_remove_item", self._remove_item)
        self._wrap(dynamodb, "_conditional_check_failed", self._refused)
        self._wrap(dynamodb, "_paginate_evaluated_items", self._page)
        self._wrap(sqs, "handle_request", self._sqs_request)
        self._wrap(sqs, "_receive_messages_for_esm", self._polled)
        self._wrap(sqs, "_delete_messages_for_esm", self._acknowledged)
        self._wrap(sts, "register_session", self._session)
        self._wrap(lambda_svc, "_execute_function_dispatch", self._invocation)

    def uninstall(self) -> None:
        """Restores the emulator's own methods."""
        while self._replaced:
            setattr(*self._replaced.pop())

    def _wrap(self, module: Any, name: str, around: Callable[..., Any]) -> None:
        original = getattr(module, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            return around(original, *arguments, **named)

        self._replaced.append((module, name, original))
        setattr(module, name, wrapped)

    def _caller(self, headers: Mapping[str, str], query: Mapping[str, Any]) -> str:
        key = extract_access_key_id(headers, query) or ""
        return self.names.get(key, key or "nobody")

    # --- DynamoDB ---------------------------------------------------------------------------------

    async def _dynamodb_request(
        self,
        original: Any,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
    ) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        call = _Call(self._caller(headers, query), price=2.0 if action.startswith("Transact") else 1.0)
        self.tally.add(REQUESTS, call.caller, f"dynamodb.{action}")
        token = _current.set(call)
        try:
            answer = await original(method, path, headers, body, query)
        finally:
            _current.reset(token)
        if answer[0] == 200:
            self._count_answer(call, action, body, answer[2])
        return answer

    def _count_answer(self, call: _Call, action: str, body: bytes, answer: Any) -> None:
        if action in ("GetItem", "BatchGetItem", "Query"):
            self._count_reads(call, action, json.loads(body))
        elif action in _WRITING and not call.written:
            # The item did not exist. DynamoDB bills this all the same.
            self._write(call, json.loads(body)["TableName"], 1.0)
        elif action == "BatchExecuteStatement":
            responses = json.loads(answer).get("Responses", [])
            for statement, response in zip(json.loads(body)["Statements"], responses, strict=False):
                if response.get("Error", {}).get("Code") == _DUPLICATE:
                    self._count_duplicate(call, response["TableName"], statement)

    def _count_duplicate(self, call: _Call, table: str, statement: Mapping[str, Any]) -> None:
        """Counts an INSERT of a key that exists. DynamoDB bills it by the larger of both items."""
        parsed = dynamodb._parse_partiql(statement["Statement"], list(statement.get("Parameters") or ()))
        item = parsed["item"]["M"] if set(parsed["item"]) == {"M"} else parsed["item"]
        standing = dynamodb._get_item_by_key(dynamodb._tables[table], item)
        self._write(call, table, dynamodb._capacity_kb(max(_size(standing), _size(item))))

    def _count_reads(self, call: _Call, action: str, asked: Mapping[str, Any]) -> None:
        if action == "Query":
            wanted = read_units(call.scanned_bytes, consistent=bool(asked.get("ConsistentRead")))
            self.tally.add(READ_UNITS, call.caller, table_name(asked["TableName"]), wanted)
            return
        one = {asked["TableName"]: {**asked, "Keys": [asked["Key"]]}} if action == "GetItem" else None
        for name, group in (one or asked["RequestItems"]).items():
            table = dynamodb._tables.get(name)
            consistent = bool(group.get("ConsistentRead"))
            units = sum(
                read_units(_size(dynamodb._get_item_by_key(table, key)), consistent=consistent)
                for key in group["Keys"]
            )
            self.tally.add(READ_UNITS, call.caller, table_name(name), units)

    def _set_item(self, original: Any, table: Any, hash_value: Any, range_value: Any, item: Any) -> Any:
        old = original(table, hash_value, range_value, item)
        self._count_write(table, old, item)
        now_s = time.time()
        if old is None:
            self.tally.mark(table["TableName"], "created", now_s)
            self.tally.mark(table["TableName"], str(hash_value), now_s)
        state = item.get("state", {}).get("S")
        if state is not None and (old or {}).get("state", {}).get("S") != state:
            self.tally.mark(table["TableName"], state, now_s)
        return old

    def _remove_item(self, original: Any, table: Any, hash_value: Any, range_value: Any) -> Any:
        old = original(table, hash_value, range_value)
        self._count_write(table, old, None)
        return old

    def _count_write(self, table: Any, old: Any, new: Any) -> None:
        call = _current.get()
        if call is None:  # the emulator's own writes, such as items that expire
            return
        name = table["TableName"]
        self._write(call, name, dynamodb._capacity_kb(max(_size(old), _size(new))))
        for index in table.get("GlobalSecondaryIndexes") or []:
            units = dynamodb._index_write_units(table, index, old, new)
            if units:
                self._write(call, name, units, index["IndexName"])

    def _refused(self, original: Any, data: Any, old: Any, *rest: Any) -> Any:
        """Counts a refused write.

        DynamoDB bills it by the larger of the item that stands and the item that was sent.
        """
        call = _current.get()
        if call is not None:
            name = data.get("TableName") or "statement"
            self._write(call, name, dynamodb._capacity_kb(max(_size(old), _size(data.get("Item")))))
        return original(data, old, *rest)

    def _write(self, call: _Call, table: str, units: float, index: str = "") -> None:
        call.written = True
        what = f"{table_name(table)}/{index}" if index else table_name(table)
        self.tally.add(WRITE_UNITS, call.caller, what, units * call.price)

    def _page(
        self, original: Any, items: Any, limit: Any, table: Any, index_name: str | None = None
    ) -> tuple[Sequence[Any], bool]:
        page, more = original(items, limit, table, index_name)
        call = _current.get()
        if call is not None:
            for item in page:
                entry = dynamodb._apply_index_projection(item, table, index_name) if index_name else item
                call.scanned_bytes += _size(entry)
        return page, more

    # --- SQS, Lambda ------------------------------------------------------------------------------

    async def _sqs_request(
        self,
        original: Any,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
    ) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if not action:
            form = parse_qs(body.decode("utf-8", errors="replace"))
            action = str((form.get("Action") or query.get("Action") or ["unknown"])[0])
        # Counted when it is answered: a long poll may go on after the workload has ended.
        answer = await original(method, path, headers, body, query)
        self.tally.add(REQUESTS, self._caller(headers, query), f"sqs.{action}")
        return answer

    def _polled(self, original: Any, queue_url: str, most: int) -> Any:
        messages = original(queue_url, most)
        if messages:  # the emulator polls often; AWS waits in a long poll
            self.tally.add(REQUESTS, EVENT_SOURCE, "sqs.ReceiveMessage")
        return messages

    def _acknowledged(self, original: Any, queue_url: str, receipts: set[str]) -> Any:
        self.tally.add(REQUESTS, EVENT_SOURCE, "sqs.DeleteMessageBatch", -(-len(receipts) // 10))
        return original(queue_url, receipts)

    def _session(self, original: Any, access_key: str, session: dict[str, Any]) -> Any:
        self.names[access_key] = short_name(str(session.get("Arn", access_key)).rpartition("/")[2])
        return original(access_key, session)

    def _invocation(self, original: Any, function: Any, config: Mapping[str, Any], *rest: Any) -> Any:
        name = short_name(str(config.get("FunctionName", "unknown")))
        began_s = time.perf_counter()
        try:
            return original(function, config, *rest)
        finally:
            self.tally.add(INVOCATIONS, name, "invoke")
            self.tally.add(BUSY_MS, name, "invoke", 1_000 * (time.perf_counter() - began_s))


def _size(item: Any) -> int:
    return int(dynamodb._item_size_bytes(item)) if item else 0
