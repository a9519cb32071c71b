"""The figures of an end are those of the life that it ended, as the job's history tells them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.harness.domain.job_samples import NOW_MS, PENDING, RUNNING
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.lives import UNBEGUN
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd
from tidegate.domain.states import State
from tidegate.domain.statistics.ended import EndFigures, end_of, figures_of
from tidegate.domain.transitions import (
    CancelIfInState,
    Ending,
    FinishIfAttemptHolds,
    MarkUnlessDispatched,
    ReopenIfEnded,
    Stamp,
)

W, V = "worker-1", "worker-2"
Step = tuple[int, str, str] | tuple[int, str, str, str]  # time, state, actor, reason


def job_of(*steps: Step, **changes: object) -> Job:
    """Makes a job that has ended, with these steps at milliseconds after `NOW_MS`."""
    entries, attempt = [], 0
    for at_ms, state, actor, *reason in steps:
        attempt += state == State.RUNNING
        entries.append(HistoryEntry(NOW_MS + at_ms, State(state), attempt, actor, "".join(reason)))
    last = entries[-1]
    changes = {"worker_id": W, "worker_name": "", "began_at_ms": None, **changes}
    ended = replace(RUNNING, state=last.state, history=tuple(entries), finished_at_ms=last.at_ms)
    return replace(ended, **changes)  # type: ignore[arg-type]  # fields of several types


def beside(attempt: int, claimed_at_ms: int | None, **changes: Any) -> SecondAttempt:
    """Makes a second attempt of the first life, claimed so many milliseconds after `NOW_MS`."""
    at_ms = None if claimed_at_ms is None else NOW_MS + claimed_at_ms
    return SecondAttempt(beside=attempt, life=0, offered_at_ms=NOW_MS + 200, claimed_at_ms=at_ms, **changes)


PLAIN = ((0, "READY", "submit"), (100, "QUEUED", "dispatcher"), (150, "RUNNING", W))
SECOND = ((900, "READY", "d"), (910, "QUEUED", "d"), (950, "RUNNING", V))
CASES: dict[str, tuple[Job, EndFigures]] = {
    "it succeeded": (
        job_of(*PLAIN, (700, "SUCCEEDED", W), began_at_ms=NOW_MS + 200),
        EndFigures(waited_ms=150, ran_ms=500, worker=W),
    ),
    "its worker has a name": (
        job_of(*PLAIN, (700, "SUCCEEDED", W), began_at_ms=NOW_MS + 200, worker_name="one"),
        EndFigures(waited_ms=150, ran_ms=500, worker="one"),
    ),
    "its last attempt failed": (
        job_of(
            *PLAIN,
            (350, "SCHEDULED", W, "broken"),
            *SECOND,
            (1_000, "FAILED", V),
            began_at_ms=NOW_MS + 960,
            tries=2,
        ),
        EndFigures(waited_ms=50, ran_ms=40, wasted_ms=200, tries=2, worker=W),
    ),
    "its code did not begin, but that of an earlier attempt did": (
        job_of(
            *PLAIN,
            (350, "SCHEDULED", W, "broken"),
            *SECOND,
            (1_000, "CANCELLED", V),
            began_at_ms=NOW_MS + 160,
            tries=1,
        ),
        EndFigures(waited_ms=50, ran_ms=None, wasted_ms=200, tries=1, worker=W),
    ),
    "the dispatcher's clock was ahead": (
        job_of(*PLAIN, (700, "SUCCEEDED", W), began_at_ms=NOW_MS + 90),
        EndFigures(waited_ms=150, ran_ms=610, worker=W),
    ),
    "a worker handed it back unbegun": (
        job_of(
            *PLAIN,
            (250, "READY", W, f"{UNBEGUN}: x"),
            *SECOND[1:],
            (1_000, "SUCCEEDED", V),
            began_at_ms=NOW_MS + 990,
        ),
        EndFigures(waited_ms=700, ran_ms=10, hand_backs=1, worker=W),
    ),
    "its worker was lost": (
        job_of(
            *PLAIN,
            (800, "READY", "reaper"),
            *SECOND[1:],
            (1_000, "SUCCEEDED", V),
            began_at_ms=NOW_MS + 990,
            worker_losses=1,
        ),
        EndFigures(waited_ms=150, ran_ms=10, wasted_ms=650, losses=1, worker=W),
    ),
    "its lost claim was claimed again": (
        job_of(*PLAIN, (800, "RUNNING", V), (900, "SUCCEEDED", V), began_at_ms=NOW_MS + 810, worker_losses=1),
        EndFigures(waited_ms=150, ran_ms=90, wasted_ms=650, losses=1, worker=W),
    ),
    "no worker claimed its first dispatch": (
        job_of(
            *PLAIN[:2],
            (300, "READY", "reaper"),
            *SECOND[1:],
            (1_000, "SUCCEEDED", V),
            began_at_ms=NOW_MS + 960,
        ),
        EndFigures(waited_ms=950, ran_ms=40, worker=W),
    ),
    "it was cancelled while it waited for its turn": (
        job_of(*PLAIN[:2], (400, "CANCELLED", "ann"), worker_id=None),
        EndFigures(waited_ms=400),
    ),
    "it was cancelled in its backoff": (
        job_of(*PLAIN, (350, "SCHEDULED", W), (400, "CANCELLED", "ann"), began_at_ms=NOW_MS + 200, tries=1),
        EndFigures(waited_ms=150, ran_ms=150, tries=1, worker=W),
    ),
    "it was skipped": (
        job_of((0, "PENDING", "submit"), (400, "SKIPPED", "dispatcher"), worker_id=None),
        EndFigures(),
    ),
    "it ended in its second life": (
        job_of(
            *PLAIN,
            (350, "FAILED", W),
            (400, "PENDING", "ann"),
            *SECOND,
            (1_000, "SUCCEEDED", V),
            began_at_ms=NOW_MS + 960,
            reopened=1,
        ),
        EndFigures(waited_ms=50, ran_ms=40, life=1, worker=W),
    ),
    "its second attempt lost": (
        job_of(*PLAIN, (700, "SUCCEEDED", W), second=beside(1, 400)),
        EndFigures(waited_ms=150, wasted_ms=300, worker=W),
    ),
    "its second attempt failed before": (
        job_of(
            *PLAIN,
            (700, "SUCCEEDED", W),
            second=beside(1, 400, end=SecondEnd.FAILED, ended_at_ms=NOW_MS + 450),
        ),
        EndFigures(waited_ms=150, wasted_ms=50, worker=W),
    ),
    "an earlier version ended its second attempt": (
        job_of(*PLAIN, (700, "SUCCEEDED", W), second=beside(1, 400, end=SecondEnd.STOPPED)),
        EndFigures(waited_ms=150, worker=W),
    ),
    "its second attempt won": (
        job_of(*PLAIN, (700, "SUCCEEDED", V), second=beside(1, 400, end=SecondEnd.WON)),
        EndFigures(waited_ms=150, wasted_ms=550, worker=W),
    ),
    "nobody claimed its second attempt": (
        job_of(*PLAIN, (700, "SUCCEEDED", W), second=beside(1, None)),
        EndFigures(waited_ms=150, worker=W),
    ),
    "its second attempt ended with an earlier attempt": (
        job_of(
            *PLAIN, (350, "SCHEDULED", W), *SECOND, (1_000, "SUCCEEDED", V), tries=1, second=beside(1, 250)
        ),
        EndFigures(waited_ms=50, wasted_ms=200 + 100, tries=1, worker=W),
    ),
    "an earlier life had a second attempt": (
        job_of(
            *PLAIN,
            (350, "FAILED", W),
            (400, "PENDING", "ann"),
            *SECOND,
            (1_000, "SUCCEEDED", V),
            reopened=1,
            second=beside(1, 250),
        ),
        EndFigures(waited_ms=50, life=1, worker=W),
    ),
    "a caller marked its end": (
        job_of(*PLAIN, (350, "FAILED", W), (400, "SUCCEEDED", "ann"), began_at_ms=NOW_MS + 200, tries=1),
        EndFigures(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_end_tells_how_its_life_went(case: str) -> None:
    job, expected = CASES[case]
    assert figures_of(job) == expected
    assert EndFigures.unpacked(expected.packed()) == expected
    assert len(expected.packed()) <= 60


def test_a_text_of_another_version_tells_nothing() -> None:
    assert [EndFigures.unpacked(text) for text in ("2|1|1||||||w", "1|a|||||||", "1|1", "")] == [None] * 4
    assert EndFigures.unpacked("1|5||||||2|a|b") == EndFigures(waited_ms=5, life=2, worker="a|b")


def test_the_ends_of_a_job_have_different_times_whatever_the_clocks_say() -> None:
    stamp, late = Stamp(NOW_MS, "ann"), Stamp(NOW_MS - 9_000, "ann")
    job = FinishIfAttemptHolds(RUNNING, 2, Ending(State.FAILED, expires_at_s=7), stamp).apply(RUNNING)
    marked = MarkUnlessDispatched(job, Ending(State.SKIPPED), late).apply(job)
    again = ReopenIfEnded(marked, late).apply(marked)
    ended = CancelIfInState(again, Ending(State.CANCELLED), late).apply(again)
    assert [each.finished_at_ms for each in (job, marked, ended)] == [NOW_MS, NOW_MS + 1, NOW_MS + 2]


def test_an_end_shows_its_job() -> None:
    waiting = replace(PENDING, share="data", estimated_duration_seconds=2.5)
    job = CancelIfInState(waiting, Ending(State.CANCELLED), Stamp(NOW_MS, "ann")).apply(waiting)
    end = end_of(job)
    assert (end.job_id, end.pool, end.type, end.state) == ("S.1", "p", "t", State.CANCELLED)
    assert (end.ended_at_ms, end.submitted_at_ms, end.priority) == (NOW_MS, NOW_MS - 9_000, 100)
    assert (end.share, end.error_code, end.estimated_seconds) == ("data", None, 2.5)
    assert end_of(replace(job, share="")).share is None
