"""The answers about forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.forecast.finish_by import FinishBy
from tidegate.domain.forecast.forecast import COVERAGE, Interval, JobForecast
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.verdicts import FinishVerdict


class IntervalOut(TypedDict):
    """A forecast time: the median, and the bounds between which it lies with the `coverage` of the answer."""

    median: Time
    low: Time
    high: Time


class NoteOut(TypedDict):
    """One thing that a forecast takes for granted, or that keeps jobs from a forecast."""

    code: str
    message: str


class HelpOut(TypedDict):
    """A change that makes an end in time more probable, with the probability after it.

    It is `priority` for the jobs that still wait and have a lower one, or `add_slots`, more slots by pool. The other
    one is null.
    """

    probability: float
    priority: int | None
    add_slots: Mapping[str, int] | None


class FinishByOut(TypedDict):
    """The judgement about the time `at`. `probability` (0-1) is that of an end in time, as things stand.

    `earliest` is the median of the ends without any wait, null unless the verdict is `impossible`.
    """

    at: Time
    verdict: FinishVerdict
    probability: float
    earliest: Time | None
    helps: list[HelpOut]


class ForecastRowOut(TypedDict):
    """A job of a workflow with its forecast."""

    job_id: str
    key: str | None
    state: State
    start: IntervalOut | None
    end: IntervalOut | None


class ForecastOut(TypedDict):
    """When a workflow ends. `end` is null where it has ended, or does not end as things stand.

    `jobs` are the first of the `jobs_left` that have not ended, in the order of their starts.
    """

    workflow_id: str
    asked_at: Time | None
    jobs_left: int
    end: IntervalOut | None
    jobs: list[ForecastRowOut]
    coverage: float
    draws: int
    notes: list[NoteOut]
    finish_by: FinishByOut | None


class JobForecastOut(TypedDict):
    """When a job starts and ends. A time is null where it has come, or does not come as things stand."""

    job_id: str
    state: State
    asked_at: Time | None
    start: IntervalOut | None
    end: IntervalOut | None
    coverage: float
    draws: int
    notes: list[NoteOut]
    finish_by: FinishByOut | None


Rows = Sequence[tuple[Job, JobForecast]]
Notes = Sequence[tuple[str, str]]
"""The code and the message of each note."""


def forecast_out(
    workflow_id: str,
    now_ms: int,
    left: int,
    end: Interval | None,
    rows: Rows,
    draws: int,
    notes: Notes,
    finish_by: FinishBy | None,
) -> ForecastOut:
    """Makes the answer about a workflow's forecast at `now_ms`, in milliseconds since the epoch."""
    return {
        "workflow_id": workflow_id,
        "asked_at": to_wire(now_ms),
        "jobs_left": left,
        "end": interval_out(end),
        "jobs": [
            {
                "job_id": job.job_id,
                "key": job.key,
                "state": job.state,
                "start": interval_out(each.start),
                "end": interval_out(each.end),
            }
            for job, each in rows
        ],
        "coverage": COVERAGE,
        "draws": draws,
        "notes": notes_out(notes),
        "finish_by": finish_by_out(finish_by),
    }


def job_forecast_out(
    job: Job, now_ms: int, found: JobForecast, draws: int, notes: Notes, finish_by: FinishBy | None
) -> JobForecastOut:
    """Makes the answer about a job's forecast at `now_ms`, in milliseconds since the epoch."""
    return {
        "job_id": job.job_id,
        "state": job.state,
        "asked_at": to_wire(now_ms),
        "start": interval_out(found.start),
        "end": interval_out(found.end),
        "coverage": COVERAGE,
        "draws": draws,
        "notes": notes_out(notes),
        "finish_by": finish_by_out(finish_by),
    }


def finish_by_out(judged: FinishBy | None) -> FinishByOut | None:
    """Makes the judgement of an answer; None stays None."""
    if judged is None:
        return None
    return {
        "at": to_wire(judged.at_ms) or "",
        "verdict": judged.verdict,
        "probability": round(judged.probability, 3),
        "earliest": to_wire(judged.earliest_ms),
        "helps": [
            {
                "probability": round(each.probability, 3),
                "priority": each.priority,
                "add_slots": each.add_slots,
            }
            for each in judged.helps
        ],
    }


def interval_out(interval: Interval | None) -> IntervalOut | None:
    """Makes an interval of an answer; None stays None."""
    if interval is None:
        return None
    return {
        "median": to_wire(interval.p50_ms) or "",
        "low": to_wire(interval.low_ms) or "",
        "high": to_wire(interval.high_ms) or "",
    }


def notes_out(notes: Notes) -> list[NoteOut]:
    """Makes the notes of an answer."""
    return [{"code": code, "message": message} for code, message in notes]
