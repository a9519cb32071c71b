"""A table that AWS throttles because it is young: its index takes a number of writes a second, and no more.

The table answers a batch of statements one by one, and refuses those beyond the remaining writes as `ThrottlingError`.
It returns the excess of a batch write as unprocessed, and refuses a batch of which it could write nothing. It stores
nothing. Source: AWS API reference of both operations. The numbers are a test's own.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


@dataclass
class YoungTable:
    """Answers a client's batches. Units are writes, and an answer takes `latency_seconds`."""

    units_per_second: float
    burst_units: float
    latency_seconds: float = 0.01
    written: int = 0
    refused: int = 0
    calls: int = 0
    _left: float = field(init=False)
    _at_seconds: float = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._left, self._at_seconds = self.burst_units, time.monotonic()

    def attach(self, client: Any) -> None:
        """Makes the table answer this client instead of AWS."""
        client.meta.events.register("before-call.dynamodb.BatchExecuteStatement", self._statements)
        client.meta.events.register("before-call.dynamodb.BatchWriteItem", self._writes)

    def _take(self, wanted: int) -> int:
        """Returns how many of these writes the table takes now."""
        time.sleep(self.latency_seconds)
        with self._lock:
            now_seconds = time.monotonic()
            self._left = min(
                self.burst_units, self._left + (now_seconds - self._at_seconds) * self.units_per_second
            )
            self._at_seconds = now_seconds
            taken = min(wanted, int(self._left))
            self._left -= taken
            self.calls += 1
            self.written += taken
            self.refused += wanted - taken
            return taken

    def _statements(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        statements = json.loads(params["body"])["Statements"]
        taken = self._take(len(statements))
        refusal = {
            "Error": {"Code": "ThrottlingError", "Message": "The request was denied due to throttling."}
        }
        return _answer({"Responses": [{}] * taken + [refusal] * (len(statements) - taken)})

    def _writes(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        ((table, requests),) = json.loads(params["body"])["RequestItems"].items()
        taken = self._take(len(requests))
        if not taken:
            error = {"Code": "ProvisionedThroughputExceededException", "Message": "exceeded"}
            return _answer({"Error": error}, status=400)
        left = requests[taken:]
        return _answer({"UnprocessedItems": {table: left} if left else {}})


def _answer(body: dict[str, Any], status: int = 200) -> tuple[Any, dict[str, Any]]:
    metadata = {"HTTPStatusCode": status, "RetryAttempts": 0}
    return SimpleNamespace(status_code=status), {**body, "ResponseMetadata": metadata}
