"""The shipper of lines is bounded, survives refusals, and costs nothing where jobs print nothing."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.harness.waiting import becomes_true
from tidegate.adapters.aws import log_shipper
from tidegate.adapters.aws.log_shipper import LogShipper
from tidegate.domain.logs import LogLine, LogPlace

PLACE = LogPlace("group", "stream")


class Service:
    """Records calls; each of `refusals` refuses one call of PutLogEvents. `open` lets calls through."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.streams: list[str] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.rejected: dict[str, int] = {}
        self.open = threading.Event()
        self.open.set()

    def create_log_stream(self, **call: Any) -> None:
        if call["logStreamName"] in self.streams:
            raise _error("ResourceAlreadyExistsException")
        self.streams.append(call["logStreamName"])

    def put_log_events(self, **call: Any) -> dict[str, Any]:
        self.open.wait(10)
        if self.refusals:
            raise _error(self.refusals.pop(0))
        self.batches.append(call["logEvents"])
        return {"rejectedLogEventsInfo": self.rejected} if self.rejected else {}

    @property
    def numbers(self) -> list[int]:
        return [json.loads(event["message"])["line"] for batch in self.batches for event in batch]


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "PutLogEvents")


def _shipper(service: Service, **options: Any) -> LogShipper:
    client: Any = service
    return LogShipper(
        lambda: client, PLACE, lambda: 1_000, gather_seconds=0.01, try_again_seconds=0.01, **options
    )


def _line(number: int, text: str = "x") -> LogLine:
    return LogLine("job", 1, number, text)


def test_a_silent_worker_makes_neither_call_nor_client_nor_thread() -> None:
    before = threading.active_count()
    made: list[str] = []

    def make() -> Any:
        made.append("client")

    shipper = LogShipper(make, PLACE, lambda: 0)
    shipper.close()
    assert (made, threading.active_count()) == ([], before)


def test_lines_of_a_moment_share_one_call() -> None:
    service = Service()
    shipper = _shipper(service)
    for number in range(1, 101):
        shipper.write(_line(number))
    shipper.close()
    assert service.numbers == list(range(1, 101))
    assert len(service.batches) <= 3
    assert service.streams == ["stream"]


@pytest.mark.parametrize(
    "refusals",
    [
        ("ThrottlingException",),
        ("ServiceUnavailable", "ThrottlingException"),
        ("ResourceNotFoundException",),
        ("AccessDeniedException",),
    ],
)
def test_a_refused_batch_is_sent_again(refusals: tuple[str, ...]) -> None:
    service = Service(*refusals)
    shipper = _shipper(service)
    shipper.write(_line(1))
    assert becomes_true(lambda: service.numbers == [1])
    shipper.close()
    assert shipper.dropped == 0


def test_a_batch_that_is_refused_for_long_is_dropped_and_counted() -> None:
    service = Service(*["AccessDeniedException"] * 5)
    shipper = _shipper(service)
    shipper.write(_line(1))
    assert becomes_true(lambda: shipper.dropped == 1)
    shipper.write(_line(2))
    shipper.close()
    assert (service.numbers, shipper.dropped) == ([2], 1)


def test_a_full_buffer_drops_the_newest_lines_at_once() -> None:
    service = Service()
    service.open.clear()
    shipper = _shipper(service, buffer_bytes=1_000)
    for number in range(1, 51):
        shipper.write(_line(number, "x" * 100))
    assert shipper.dropped > 0
    service.open.set()
    shipper.close()
    assert len(service.numbers) + shipper.dropped == 50
    assert service.numbers == sorted(service.numbers)


def test_batches_keep_the_bounds_of_the_service() -> None:
    service = Service()
    service.open.clear()
    shipper = _shipper(service)
    for number in range(1, 601):
        shipper.write(_line(number, "x" * 8_000))
    for number in range(601, 12_601):
        shipper.write(_line(number))
    service.open.set()
    shipper.close()
    assert service.numbers == list(range(1, 12_601))
    for batch in service.batches:
        size = sum(len(event["message"].encode()) + log_shipper.EVENT_OVERHEAD_BYTES for event in batch)
        assert size <= log_shipper.MAX_BATCH_BYTES
        assert len(batch) <= log_shipper.MAX_BATCH_EVENTS


def test_times_never_go_back_within_the_stream() -> None:
    service, times = Service(), [2_000, 1_000, 3_000]
    client: Any = service
    shipper = LogShipper(lambda: client, PLACE, lambda: times.pop(0), gather_seconds=0.01)
    for number in (1, 2, 3):
        shipper.write(_line(number))
    shipper.close()
    assert [event["timestamp"] for batch in service.batches for event in batch] == [2_000, 2_000, 3_000]


def test_lines_that_the_service_finds_too_old_or_too_new_count_as_dropped() -> None:
    service = Service()
    service.rejected = {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}
    shipper = _shipper(service)
    for number in range(1, 6):
        shipper.write(_line(number))
    shipper.close()
    assert (len(service.batches), shipper.dropped) == (1, 3)
