"""A step of a job takes the time of its latest step if its own clock is behind, and the retention of an end follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import NOW_MS, RUNNING
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    Ending,
    FinishIfAttemptHolds,
    HandBackIfAttemptHolds,
    PassOverIfReady,
    Stamp,
    after_latest,
)

LATEST = HistoryEntry(NOW_MS, State.RUNNING, RUNNING.attempt, "worker")
JOB = replace(RUNNING, history=(LATEST,), cancel_requested_at_ms=None, ready_at_ms=NOW_MS - 9)


@pytest.mark.parametrize(("said_ms", "dated_ms"), [(-5_000, 0), (-1, 0), (0, 0), (1, 1)])
def test_no_step_is_dated_before_the_latest(said_ms: int, dated_ms: int) -> None:
    stamp = Stamp(NOW_MS + said_ms, "worker")
    assert after_latest(JOB, stamp) == Stamp(NOW_MS + dated_ms, "worker")
    assert after_latest(replace(JOB, history=()), stamp) == stamp
    ending = Ending(State.SUCCEEDED, expires_at_s=stamp.now_ms // 1_000 + 60)
    done = FinishIfAttemptHolds(JOB, JOB.attempt, ending, stamp).apply(JOB)
    assert done.finished_at_ms == done.history[-1].at_ms == NOW_MS + dated_ms
    assert done.expires_at_s == (NOW_MS + dated_ms) // 1_000 + 60
    kept = FinishIfAttemptHolds(JOB, JOB.attempt, Ending(State.SUCCEEDED), stamp).apply(JOB)
    assert kept.expires_at_s is None


def test_a_job_that_is_passed_over_tells_how_often_until_it_is_ten_times() -> None:
    job = HandBackIfAttemptHolds(JOB, JOB.attempt, Stamp(NOW_MS - 7, "worker")).apply(JOB)
    assert (job.ready_at_ms, job.history[-1].at_ms, job.passes) == (NOW_MS, NOW_MS, 0)
    seen = []
    for _ in range(11):
        job = PassOverIfReady(job).apply(job)
        seen.append(job.passes)
    assert seen == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0]
    assert replace(job, history=()).passes == 0
