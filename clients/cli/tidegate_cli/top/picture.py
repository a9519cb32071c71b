"""Draws a frame for people: as many rows as fit a terminal, or a stated number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.text import Text

from tidegate.domain.statistics.spans import HOUR_MS
from tidegate.domain.verdicts import FinishVerdict
from tidegate_cli.following.live import duration_text
from tidegate_cli.plots import sparkline
from tidegate_cli.tables import Cell, Column, TextTable, lines_of
from tidegate_cli.top.frame import EndedJobs, Frame, PoolNow, RunningJob, TimedWork
from tidegate_cli.top.steps import next_steps, not_counted
from tidegate_cli.views import parse_time_ms, printable

POOL_COLUMNS: Final = (
    Column("pool", fixed=True),
    Column("ready", 100, right=True),
    Column("oldest ready", 80, right=True),
    Column("held", 40, right=True),
    Column("active", 95, right=True),
    Column("capacity", 90, right=True),
    Column("paused", 70),
    Column("ended", 60, right=True),
    Column("failed", 65, right=True),
)
RUNNING_COLUMNS: Final = (
    Column("job", fixed=True),
    Column("key or name", 60),
    Column("type", 70),
    Column("pool", 50),
    Column("worker", 20),
    Column("runs", 100, right=True),
    Column("estimate", 80, right=True),
    Column("past by", 90, right=True),
)
AT_RISK_COLUMNS: Final = (
    Column("job or workflow", fixed=True),
    Column("key or name", 80),
    Column("finish by", 90),
    Column("verdict", 100),
    Column("probability", 95, right=True),
)
_WARN, _BAD, _DIM = "yellow", "bold red", "dim"
_LIST_HEAD_LINES: Final = 4  # a blank line, the title, the heads, and the line that names columns left out
_HINT: Final = "a wider terminal shows them"
_NOT_ALL: Final = "among those that the API looked at, and it did not look at all of them"


def lines_of_frame(
    frame: Frame, title: str, *, rows: int, width: int | None, height: int | None = None, told: str = ""
) -> list[Text]:
    """Returns the lines of a frame of the deployment called `title`.

    No line is wider than `width` cells (None: no bound), unless the name of a row is. Each list below the pools has at
    most `rows` rows, and fewer if the lines would be more than `height` (None: no bound), but at least one. `told` is a
    message about the frame itself, such as that it is old.
    """
    head = [_head(frame, title), *([Text(printable(told), style=_BAD)] if told else ())]
    above = [*head, *_figures(frame), Text(), *lines_of(_pools(frame), width)]
    below = _steps(frame)
    if height is not None:
        left = height - _height(above, width) - _height(below, width)
        lists = 2 + bool(frame.stragglers) + bool(frame.at_risk)
        rows = max(1, min(rows, left // lists - _LIST_HEAD_LINES))
    all_lists = [
        *_longest(frame, rows, width),
        *_overdue(frame, rows, width),
        *_stragglers(frame, rows, width),
        *_at_risk(frame, rows, width),
    ]
    return [*above, *all_lists, *below]


def _height(lines: Sequence[Text], width: int | None) -> int:
    """Returns how many lines of a terminal these take; a line that is too wide goes on in the next one."""
    return sum(1 if width is None else max(1, -(-line.cell_len // width)) for line in lines)


def _head(frame: Frame, title: str) -> Text:
    at = datetime.fromtimestamp(frame.now_ms / 1_000).astimezone().strftime("%H:%M:%S")
    return Text.assemble((printable(title), "bold"), f"  at {at}")


def _figures(frame: Frame) -> list[Text]:
    if frame.no_figures:
        return [Text(f"no figures of ended jobs: {printable(frame.no_figures)}", style=_WARN)]
    figures = frame.figures
    if figures is None:
        return [Text("no ended jobs are counted yet", style=_DIM)]
    lines = [_late_hour(figures.last_hour) if frame.is_count_late else _last_hour(figures.last_hour)]
    lines += [
        _plot(name, style, figures.hours[0].since, values)
        for name, style, values in (
            ("ended ", "green", [_rate(each, each.ended) for each in figures.hours]),
            ("failed", "red", [_rate(each, each.failed) for each in figures.hours]),
        )
        if any(values)
    ]
    return lines


def _last_hour(hour: EndedJobs) -> Text:
    said = f"{_clock(hour.since)} to {_clock(hour.until)}: {hour.ended} ended, "
    return Text.assemble(said, (f"{hour.failed} failed", _BAD if hour.failed else ""))


def _late_hour(hour: EndedJobs) -> Text:
    counts = f"in the hour before, {hour.ended} ended and {hour.failed} failed"
    return Text(f"{not_counted(hour)}; {counts}", style=_WARN)


def _plot(name: str, style: str, since: str, values: Sequence[float | None]) -> Text:
    most = max(value or 0 for value in values)
    scale = f"  by hour since {_clock(since)}, at most {most:.0f} an hour"
    return Text.assemble(f"{name}  ", (sparkline(values), style), (scale, _DIM))


def _rate(hour: EndedJobs, count: int) -> float | None:
    """Returns how many jobs an hour these are: the first and the last hour are counted in part."""
    since_ms, until_ms = parse_time_ms(hour.since), parse_time_ms(hour.until)
    if since_ms is None or until_ms is None or since_ms >= until_ms:
        return None
    return count * HOUR_MS / (until_ms - since_ms)


def _clock(time_text: str) -> str:
    at_ms = parse_time_ms(time_text) or 0
    return datetime.fromtimestamp(at_ms / 1_000).astimezone().strftime("%H:%M")


def _pools(frame: Frame) -> TextTable:
    return TextTable(POOL_COLUMNS, [_pool_row(frame, pool) for pool in frame.pools], _HINT)


def _pool_row(frame: Frame, pool: PoolNow) -> Sequence[Cell]:
    ended = None if frame.is_count_late else frame.ended_in(pool.name)
    oldest = pool.oldest
    waits = "-" if oldest is None else duration_text(oldest.waits_seconds)
    if oldest is not None and not oldest.is_exact:
        waits = f"over {waits}"
    return (
        printable(pool.name),
        str(pool.ready),
        waits,
        str(pool.held),
        str(pool.active),
        Text(str(pool.capacity), style=_BAD if pool.waiting.count and not pool.capacity else ""),
        Text("paused", style=_WARN) if pool.is_paused else "-",
        "-" if ended is None else str(ended.ended),
        "-" if ended is None else Text(str(ended.failed), style=_BAD if ended.failed else ""),
    )


def _longest(frame: Frame, rows: int, width: int | None) -> list[Text]:
    if not frame.longest:
        said = f"no RUNNING job {_NOT_ALL}" if frame.running_more else "nothing runs"
        return [Text(), Text(said, style=_DIM)]
    title = f"{_part(frame.longest, frame.running_more, rows)} RUNNING jobs, the longest first"
    return [Text(), Text(title, style="bold"), *_jobs(frame.longest[:rows], width)]


def _overdue(frame: Frame, rows: int, width: int | None) -> list[Text]:
    if not frame.overdue:
        said = f"no overdue job {_NOT_ALL}" if frame.overdue_more else "no job is overdue"
        return [Text(), Text(said, style=_DIM)]
    title = f"{_part(frame.overdue, frame.overdue_more, rows)} overdue jobs, the most overdue first"
    return [Text(), Text(title, style="bold"), *_jobs(frame.overdue[:rows], width)]


def _stragglers(frame: Frame, rows: int, width: int | None) -> list[Text]:
    """Returns the list of stragglers, and nothing where there are none: few types have enough runs for any."""
    if not frame.stragglers:
        return []
    part = _part(frame.stragglers, frame.stragglers_more, rows)
    title = f"{part} stragglers, longer than 99 % of their type, the longest first"
    return [Text(), Text(title, style="bold"), *_jobs(frame.stragglers[:rows], width)]


def _at_risk(frame: Frame, rows: int, width: int | None) -> list[Text]:
    """Returns the list of work that will hardly end in time, and nothing where there is none."""
    if not frame.at_risk:
        return []
    part = _part(frame.at_risk, frame.at_risk_more, rows)
    table = TextTable(AT_RISK_COLUMNS, [_at_risk_row(each) for each in frame.at_risk[:rows]], _HINT)
    title = f"{part} jobs and workflows at risk, impossible or missed, the earliest time first"
    return [Text(), Text(title, style="bold"), *lines_of(table, width)]


def _at_risk_row(work: TimedWork) -> Sequence[Cell]:
    is_lost = work.verdict != FinishVerdict.AT_RISK
    return (
        printable(work.work_id),
        printable(work.name) or "-",
        printable(work.finish_by),
        Text(printable(work.verdict), style=_BAD if is_lost else _WARN),
        f"{work.probability:.0%}",
    )


def _part(found: Sequence[object], more: bool, rows: int) -> str:
    number = f"{len(found)}{'+' if more else ''}"
    return number if len(found) <= rows and not more else f"{min(rows, len(found))} of {number}"


def _jobs(found: Sequence[RunningJob], width: int | None) -> list[Text]:
    return lines_of(TextTable(RUNNING_COLUMNS, [_job_row(each) for each in found], _HINT), width)


def _job_row(each: RunningJob) -> Sequence[Cell]:
    job, past = each.job, each.past_seconds
    is_past = past is not None and past > 0
    by = f"{duration_text(past)} ({each.overrun:.1f}x)" if is_past and each.overrun else duration_text(past)
    return (
        job.job_id,
        job.label if job.label != job.job_id else "-",
        job.type,
        job.pool,
        job.worker or "-",
        duration_text(each.runs_seconds),
        duration_text(job.estimated_seconds),
        Text(by, style=_WARN) if is_past else "-",
    )


def _steps(frame: Frame) -> list[Text]:
    steps = next_steps(frame)
    if not steps:
        return []
    shown = [Text.assemble(f"{step.what}: ", (step.do, "bold")) for step in steps]
    return [Text(), *shown]
