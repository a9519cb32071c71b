"""An item that expires in the emulator reaches the stream as it does on AWS."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from ministack.services import dynamodb

from tests.harness.faults.emulated import emulated_aws


class Ended(BaseException):
    """The error that ends the emulator's sweeps."""


class OneSweep:
    """The emulator's clock for one sweep: it raises where the emulator would wait for the second sweep."""

    def __init__(self) -> None:
        self.waits = 0

    def sleep(self, _seconds: float) -> None:
        self.waits += 1
        if self.waits > 1:
            raise Ended

    def time(self) -> float:
        return time.time()


def sweep_once() -> None:
    with suppress(Ended):
        dynamodb._ttl_reaper()


def test_an_expired_item_is_removed_by_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    with emulated_aws() as aws:
        tables = aws.empty(0)
        client: Any = aws.clients.dynamodb
        specification = {"Enabled": True, "AttributeName": "expires_at"}
        client.update_time_to_live(TableName=tables.jobs, TimeToLiveSpecification=specification)
        item = {"job_id": {"S": "a"}, "expires_at": {"N": "7"}}
        client.put_item(TableName=tables.jobs, Item=item)
        client.put_item(TableName=tables.jobs, Item={"job_id": {"S": "b"}})
        monkeypatch.setattr(dynamodb, "time", OneSweep())
        sweep = threading.Thread(target=sweep_once, name="dynamodb-ttl-reaper")
        sweep.start()
        sweep.join(timeout=10)
        monkeypatch.undo()
        (removed,) = aws.records(tables.jobs, 2)
        assert (removed["eventName"], removed["dynamodb"]["OldImage"]) == ("REMOVE", item)
        assert removed["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        client.delete_item(TableName=tables.jobs, Key={"job_id": {"S": "b"}})
        assert "userIdentity" not in aws.records(tables.jobs, 3)[0]
