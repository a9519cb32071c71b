"""Every log of jobs keeps and finds lines in the same way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dev.simulator.memory.logs import MemoryLogSink
from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.stores import Stores
from tidegate.adapters.aws.log_shipper import LogShipper
from tidegate.domain.logs import DatedLine, LogLine, LogPlace
from tidegate.ports import LogReader, LogSink

NOW_MS = int(time.time() * 1_000)  # the service refuses lines whose time is far from its own
PLACE = LogPlace("jobs-log", "01KBC7RV8M5B6W2Y3Q7RVXN4C1")
JOB = "01KBC7RV8M5B6W2Y3Q7RVXN4C1.1"


@dataclass
class Logs:
    """A log of jobs: `sink` takes lines, dated by `now_ms`; `settle` waits until they can be read."""

    reader: LogReader
    now_ms: int = NOW_MS
    sink: LogSink | None = None

    def write(self, *lines: LogLine) -> None:
        assert self.sink is not None
        for line in lines:
            self.sink.write(line)

    def settle(self) -> None:
        if isinstance(self.sink, LogShipper):
            self.sink.close()
            assert self.sink.dropped == 0

    def all_lines(
        self, job_id: str, attempt: int, *, from_ms: int = 0, to_ms: int = 2 * NOW_MS
    ) -> list[DatedLine]:
        lines: list[DatedLine] = []
        position = None
        for _ in range(20):
            portion = self.reader.read(
                PLACE, job_id, attempt, from_ms=from_ms, to_ms=to_ms, position=position
            )
            lines += portion.lines
            position = portion.position
            if position is None:
                return lines
        raise AssertionError("the reading never ends")


@pytest.fixture
def logs(stores: Stores) -> Iterator[Logs]:
    logs = Logs(stores.logs)
    if stores.clients is None:
        world: MemoryWorld = stores.logs._world  # type: ignore[attr-defined]
        logs.sink = MemoryLogSink(world, PLACE, lambda: logs.now_ms)
        yield logs
        return
    client = stores.clients.logs
    client.create_log_group(logGroupName=PLACE.group)
    logs.sink = LogShipper(lambda: client, PLACE, lambda: logs.now_ms, gather_seconds=0.01)
    yield logs
    client.delete_log_group(logGroupName=PLACE.group)


def test_nothing_is_found_where_nothing_was_printed(logs: Logs) -> None:
    assert logs.all_lines(JOB, 1) == []


def test_lines_are_found_by_exactly_their_job_and_attempt(logs: Logs) -> None:
    mine = [LogLine(JOB, 1, number, f"line {number}") for number in (1, 2, 3)]
    others = [
        LogLine(f"{JOB}0", 1, 1, "of …10"),
        LogLine(JOB, 2, 1, "of attempt 2"),
        LogLine(JOB, 11, 1, "of 11"),
    ]
    logs.write(mine[0], others[0], mine[1], others[1], others[2], mine[2])
    logs.settle()
    assert [one.line for one in logs.all_lines(JOB, 1)] == mine
    assert [one.line for one in logs.all_lines(f"{JOB}0", 1)] == others[:1]


def test_a_line_is_kept_as_it_was_printed(logs: Logs) -> None:
    texts = ['{"job_id": "x"}', "", "  two  spaces\tand a tab", "grüße 😀", '"quoted" \\ slash', "x" * 8_192]
    lines = [LogLine(JOB, 1, number, text) for number, text in enumerate(texts, 1)]
    logs.write(*lines)
    logs.settle()
    assert [one.line for one in logs.all_lines(JOB, 1)] == lines


def test_the_time_bounds_what_is_read(logs: Logs) -> None:
    for number in range(1, 5):
        logs.now_ms = NOW_MS + number * 1_000
        logs.write(LogLine(JOB, 1, number, "x"))
    logs.settle()
    found = logs.all_lines(JOB, 1, from_ms=NOW_MS + 2_000, to_ms=NOW_MS + 3_500)
    assert [(one.at_ms - NOW_MS, one.line.number) for one in found] == [(2_000, 2), (3_000, 3)]
