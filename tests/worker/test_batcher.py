from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from tests.harness.waiting import PATIENCE_SECONDS
from tidegate_worker.batcher import Batcher

NEVER_SECONDS = 3_600.0


class Calls:
    """The calls of a batcher. A call ends when `release` allows it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._allowed = 0
        self.batches: list[list[int]] = []

    def __call__(self, items: Sequence[int]) -> None:
        with self._changed:
            self.batches.append(list(items))
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._allowed > 0, PATIENCE_SECONDS)
            self._allowed -= 1

    def release(self, calls: int = 1) -> None:
        with self._changed:
            self._allowed += calls
            self._changed.notify_all()

    def wait_for(self, calls: int) -> list[list[int]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.batches) >= calls, PATIENCE_SECONDS)
            return list(self.batches)


@pytest.fixture
def calls() -> Iterator[Calls]:
    made = Calls()
    yield made
    made.release(1_000)


def _started(
    calls: Calls,
    *,
    most: int = 3,
    threads: int = 2,
    linger_seconds: float = 0.0,
    behind_seconds: float = NEVER_SECONDS,
) -> Batcher[int]:
    made: Batcher[int] = Batcher(
        "test",
        calls,
        most=most,
        threads=threads,
        linger_seconds=linger_seconds,
        behind_seconds=behind_seconds,
    )
    made.start()
    return made


def test_a_lone_item_goes_at_once_and_more_go_together_when_it_is_done(calls: Calls) -> None:
    batcher = _started(calls)
    batcher.put([1])
    assert calls.wait_for(1) == [[1]]
    batcher.put([2])
    batcher.put([3])
    assert calls.batches == [[1]]
    calls.release()
    assert calls.wait_for(2) == [[1], [2, 3]]
    calls.release()
    batcher.close()


def test_a_full_batch_does_not_wait_for_the_one_under_way(calls: Calls) -> None:
    batcher = _started(calls)
    batcher.put([1])
    calls.wait_for(1)
    batcher.put([2, 3, 4, 5])
    assert calls.wait_for(2) == [[1], [2, 3, 4]]
    calls.release(3)
    batcher.close()
    assert calls.batches == [[1], [2, 3, 4], [5]]


def test_a_call_that_hangs_does_not_hold_up_the_next(calls: Calls) -> None:
    batcher = _started(calls, behind_seconds=0.01)
    batcher.put([1])
    calls.wait_for(1)
    batcher.put([2])
    assert calls.wait_for(2) == [[1], [2]]
    calls.release(2)
    batcher.close()


def test_a_batch_that_lingers_goes_when_it_is_full(calls: Calls) -> None:
    batcher = _started(calls, linger_seconds=NEVER_SECONDS)
    batcher.put([1, 2])
    batcher.put([3])
    assert calls.wait_for(1) == [[1, 2, 3]]
    calls.release()
    batcher.close()


def test_a_batch_that_lingers_goes_when_its_time_is_over(calls: Calls) -> None:
    batcher = _started(calls, linger_seconds=0.01)
    batcher.put([1])
    assert calls.wait_for(1) == [[1]]
    calls.release()
    batcher.close()


def test_closing_hands_on_what_is_left(calls: Calls) -> None:
    batcher = _started(calls, linger_seconds=NEVER_SECONDS)
    batcher.put([1, 2])
    calls.release(1)
    batcher.close()
    assert calls.batches == [[1, 2]]


def test_who_puts_waits_while_ten_batches_are_there(calls: Calls) -> None:
    batcher = _started(calls, most=1, threads=1)
    batcher.put([0])
    calls.wait_for(1)
    batcher.put(list(range(1, 11)))
    put = threading.Thread(target=batcher.put, args=([11],))
    put.start()
    put.join(0.05)
    assert put.is_alive()
    calls.release()
    put.join(PATIENCE_SECONDS)
    assert not put.is_alive()
    calls.release(20)
    batcher.close()
    assert [item for batch in calls.batches for item in batch] == list(range(12))
