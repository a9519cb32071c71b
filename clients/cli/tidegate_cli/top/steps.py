"""Says what an operator would do next about a frame."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from tidegate.domain.verdicts import FinishVerdict
from tidegate_cli.following.live import duration_text
from tidegate_cli.top.frame import EndedJobs, Frame, PoolNow
from tidegate_cli.views import parse_time_ms, printable

MAX_STEPS: Final = 6
LONG_WAIT_SECONDS: Final = 300.0
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something that asks for an operator: `what` it is, and the command to run (`do`)."""

    what: str
    do: str


def next_steps(frame: Frame) -> tuple[NextStep, ...]:
    """Returns at most MAX_STEPS steps: those about pools first, then about times to finish by, late and ended jobs."""
    return tuple(islice(_steps(frame), MAX_STEPS))


def not_counted(hour: EndedJobs) -> str:
    """Says since when, in local time, ended jobs are not counted; `hour` is the last that is counted."""
    until = datetime.fromtimestamp((parse_time_ms(hour.until) or 0) / 1_000).astimezone()
    return f"jobs that ended after {until:%Y-%m-%d %H:%M} are not counted yet"


def _steps(frame: Frame) -> Iterator[NextStep]:
    for pool in frame.pools:
        step = _step_of(pool)
        if step is not None:
            yield step
    timed = next((work for work in frame.at_risk if work.verdict != FinishVerdict.MISSED), None)
    if timed is not None:
        name = printable(timed.name or timed.work_id)
        yield NextStep(
            f"{timed.kind} {name} is not likely to end by {printable(timed.finish_by)}",
            f"tidegate forecast {_word(timed.work_id)}",
        )
    if frame.overdue:
        first = frame.overdue[0]
        past = duration_text(first.past_seconds)
        yield NextStep(
            f"job {printable(first.job.label)} runs {past} past its estimate",
            f"tidegate jobs logs {_word(first.job.job_id)} --follow",
        )
    elif frame.stragglers:
        longest = frame.stragglers[0].job
        yield NextStep(
            f"job {printable(longest.label)} runs longer than 99 % of its type did",
            f"tidegate jobs logs {_word(longest.job_id)} --follow",
        )
    hour = None if frame.figures is None else frame.figures.last_hour
    if hour is not None and frame.is_count_late:
        yield NextStep(not_counted(hour), "tidegate doctor")
    elif hour is not None and hour.failed:
        hours_ago = -(((parse_time_ms(hour.since) or frame.now_ms) - frame.now_ms) // _HOUR_MS)
        what = f"{hour.failed} of {hour.ended} jobs failed in the last hour that is counted"
        yield NextStep(what, f"tidegate failures list --since {hours_ago}h")


def _step_of(pool: PoolNow) -> NextStep | None:
    name, word = printable(pool.name), _word(pool.name)
    if not pool.waiting.count:
        return None
    if pool.is_paused:
        return NextStep(
            f"pool {name} is paused, and {pool.waiting} READY jobs wait in it",
            f"tidegate pools resume {word}",
        )
    if pool.capacity == 0 and pool.fault:
        what = f"the workers of pool {name} can start no job: {printable(pool.fault)}"
        return NextStep(what, f"tidegate workers list --pool {word}")
    if pool.capacity == 0:
        return NextStep(
            f"pool {name} has no live worker, and {pool.waiting} READY jobs wait in it",
            f"tidegate workers list --pool {word}",
        )
    oldest = pool.oldest
    if oldest is None or oldest.waits_seconds < LONG_WAIT_SECONDS:
        return None
    waits = duration_text(oldest.waits_seconds)
    return NextStep(
        f"job {printable(oldest.job.label)} is READY in pool {name} for {waits}",
        f"tidegate why {_word(oldest.job.job_id)}",
    )


def _word(text: str) -> str:
    return shlex.quote(printable(text))
