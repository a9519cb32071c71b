"""Reads a frame with a bounded number of requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from tidegate.domain.limits import MAX_JOBS_LOOKED_AT, MAX_PAGE_SIZE
from tidegate.domain.progress import WorkflowState
from tidegate.domain.states import State
from tidegate.domain.statistics.spans import HOUR_MS
from tidegate.domain.verdicts import FinishVerdict
from tidegate_cli.api_answers import number_of, object_of, objects_of, text_of
from tidegate_cli.client import Client
from tidegate_cli.errors import ApiProblem, CliError
from tidegate_cli.top.frame import (
    Count,
    EndedJobs,
    Figures,
    Frame,
    OldestReady,
    PoolNow,
    RunningJob,
    TimedWork,
)
from tidegate_cli.views import JobView, format_time, parse_time_ms

HOURS: Final = 12
MAX_OLDEST: Final = 10  # pools of which the oldest READY job is read: one request each
FIGURES_EVERY_SECONDS: Final = 60.0  # ends are counted every ten minutes
AT_RISK_EVERY_SECONDS: Final = 60.0  # the reaper judges once a minute
_AT_RISK: Final = (FinishVerdict.MISSED, FinishVerdict.IMPOSSIBLE, FinishVerdict.AT_RISK)
_OPEN_WORKFLOWS: Final = f"{WorkflowState.RUNNING},{WorkflowState.HELD}"


class FrameReader:
    """Reads frames of a deployment.

    A frame costs four requests, one more for each pool that has READY jobs (at most MAX_OLDEST), two for the figures of
    ended jobs, which are read at most once in FIGURES_EVERY_SECONDS, and six for work at risk, which is read at most
    once in AT_RISK_EVERY_SECONDS: one for each of three verdicts, of jobs and of workflows. `now_ms` is the wall clock
    in milliseconds since the epoch, `monotonic` a clock in seconds; tests replace both.
    """

    def __init__(
        self,
        client: Client,
        *,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1_000),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._figures: Figures | None = None
        self._no_figures = ""
        self._figures_read_s: float | None = None
        self._at_risk: tuple[TimedWork, ...] = ()
        self._at_risk_more = False
        self._at_risk_read_s: float | None = None

    def read(self) -> Frame:
        """Returns the deployment as it is now. Raises ApiProblem, ApiUnreachable or CliError.

        A refusal to give figures of ended jobs raises nothing: the frame then has none, and says why.
        """
        pools = self._pools()
        running, running_more = self._running({})
        overdue, overdue_more = self._running({"overdue": "true"})
        stragglers, stragglers_more = self._stragglers()
        now_s = self._monotonic()
        self._read_figures(now_s)
        self._read_at_risk(now_s)
        return Frame(
            now_ms=self._now_ms(),
            pools=pools,
            figures=self._figures,
            no_figures=self._no_figures,
            longest=tuple(sorted(running, key=lambda each: -each.runs_seconds)),
            running_more=running_more,
            overdue=tuple(sorted(overdue, key=lambda each: -(each.past_seconds or 0))),
            overdue_more=overdue_more,
            stragglers=tuple(sorted(stragglers, key=lambda each: -each.runs_seconds)),
            stragglers_more=stragglers_more,
            at_risk=self._at_risk,
            at_risk_more=self._at_risk_more,
        )

    def _pools(self) -> tuple[PoolNow, ...]:
        pools = [_pool(each) for each in self._client.list_pools()]
        waiting = [pool for pool in pools if pool.waiting.count]
        busiest = sorted(waiting, key=lambda pool: -pool.waiting.count)[:MAX_OLDEST]
        oldest = {pool.name: self._oldest_ready(pool.name) for pool in busiest}
        return tuple(replace(pool, oldest=oldest.get(pool.name)) for pool in pools)

    def _oldest_ready(self, pool: str) -> OldestReady | None:
        filters = {"state": State.READY.value, "pool": pool, "order": "time", "direction": "asc"}
        page = self._client.jobs_page(filters, limit=1)
        if not page.jobs:
            return None
        job = page.jobs[0]
        waits_ms = self._now_ms() - (job.ready_at_ms or self._now_ms())
        return OldestReady(
            job, max(0, waits_ms) / 1_000, number_of(page.raw, "looked_at") < MAX_JOBS_LOOKED_AT
        )

    def _running(self, filters: Mapping[str, str]) -> tuple[list[RunningJob], bool]:
        """Returns the RUNNING jobs that were dispatched first, a page of them, and whether there may be more."""
        page = self._client.jobs_page({"state": State.RUNNING.value, **filters}, limit=MAX_PAGE_SIZE)
        now_ms = self._now_ms()
        return [_running_job(job, now_ms) for job in page.jobs], page.cursor is not None

    def _stragglers(self) -> tuple[list[RunningJob], bool]:
        try:
            return self._running({"straggler": "true"})
        except ApiProblem as problem:
            if _is_unknown("straggler", problem):
                return [], False
            raise

    def _read_at_risk(self, now_s: float) -> None:
        if self._at_risk_read_s is not None and now_s - self._at_risk_read_s < AT_RISK_EVERY_SECONDS:
            return
        try:
            found, self._at_risk_more = self._work_at_risk()
        except ApiProblem as problem:
            if not _is_unknown("verdict", problem):
                raise
            found, self._at_risk_more = {}, False
        # The API writes all times alike, so their texts sort as they do.
        self._at_risk = tuple(sorted(found.values(), key=lambda each: each.finish_by))
        self._at_risk_read_s = now_s

    def _work_at_risk(self) -> tuple[dict[str, TimedWork], bool]:
        """Returns a page of open jobs and one of open workflows of each verdict, and whether there may be more.

        They are by id: work whose verdict changes meanwhile may be found twice.
        """
        found: dict[str, TimedWork] = {}
        more = False
        for verdict in _AT_RISK:
            page = self._client.jobs_page({"verdict": verdict}, limit=MAX_PAGE_SIZE)
            for job in page.jobs:
                found[job.job_id] = _timed_work("job", job.job_id, job.key or job.name, job.raw)
            answer = self._client.workflows_page(
                {"state": _OPEN_WORKFLOWS, "verdict": verdict}, limit=MAX_PAGE_SIZE
            )
            for each in objects_of(answer, "workflows"):
                workflow_id = text_of(each, "workflow_id")
                found[workflow_id] = _timed_work("workflow", workflow_id, each.get("name"), each)
            more = more or page.cursor is not None or answer.get("cursor") is not None
        return found, more

    def _read_figures(self, now_s: float) -> None:
        if self._figures_read_s is not None and now_s - self._figures_read_s < FIGURES_EVERY_SECONDS:
            return
        try:
            self._figures, self._no_figures = self._read_hours(), ""
        except ApiProblem as problem:
            self._figures, self._no_figures = None, problem.detail or problem.title
        self._figures_read_s = now_s

    def _read_hours(self) -> Figures | None:
        first_ms = self._now_ms() // HOUR_MS * HOUR_MS - (HOURS - 1) * HOUR_MS
        by_hour = self._client.get_statistics(by="hour", since=format_time(first_ms))
        until_ms, since_ms = (_time_ms(by_hour, name) for name in ("counted_until", "counted_since"))
        if until_ms is None:
            return None
        until, since = format_time(until_ms), format_time(until_ms - HOUR_MS)
        last = self._client.get_statistics(by="pool", since=since, until=until)
        return Figures(
            last_hour=_ended(object_of(last, "total"), since, until),
            by_pool={str(row.get("pool")): _ended(row, since, until) for row in objects_of(last, "rows")},
            hours=_hours(objects_of(by_hour, "rows"), max(first_ms, since_ms or 0), until_ms),
        )


def _is_unknown(parameter: str, problem: ApiProblem) -> bool:
    """True if the API refused a parameter that an earlier version does not have. Any other refusal is told."""
    named = any(each.field == parameter for each in problem.violations)
    return problem.status == HTTPStatus.UNPROCESSABLE_ENTITY and named


def _timed_work(kind: str, work_id: str, name: str | None, raw: Mapping[str, Any]) -> TimedWork:
    judged = object_of(raw, "judgement")
    probability = judged.get("probability")
    return TimedWork(
        kind=kind,
        work_id=work_id,
        name=name or "",
        finish_by=text_of(raw, "finish_by"),
        verdict=text_of(judged, "verdict"),
        probability=probability if isinstance(probability, int | float) else 0.0,
        judged_at=text_of(judged, "judged_at"),
    )


def _hours(rows: Sequence[Mapping[str, Any]], first_ms: int, until_ms: int) -> tuple[EndedJobs, ...]:
    """Returns each clock hour of the counted time from `first_ms` on.

    The API has no row for an hour without ends and slots.
    """
    by_begin = {(_time_ms(row, "since") or 0) // HOUR_MS: row for row in rows}
    hours = []
    for begin_ms in range(first_ms // HOUR_MS * HOUR_MS, until_ms, HOUR_MS):
        since, until = max(begin_ms, first_ms), min(begin_ms + HOUR_MS, until_ms)
        row = by_begin.get(begin_ms // HOUR_MS, {})
        hours.append(_ended(row, format_time(since), format_time(until)))
    return tuple(hours)


def _time_ms(answer: Mapping[str, Any], name: str) -> int | None:
    try:
        return parse_time_ms(answer.get(name))
    except (TypeError, ValueError) as error:
        raise CliError(f"the API's answer has no time {name}; is --api-url a tidegate API?") from error


def _ended(row: Mapping[str, Any], since: str, until: str) -> EndedJobs:
    failed = number_of(row, "failed") + number_of(row, "timed_out")
    return EndedJobs(since, until, number_of(row, "ended"), failed)


def _count(pool: Mapping[str, Any], name: str) -> Count:
    count = object_of(pool, name)
    return Count(number_of(count, "count"), bool(count.get("more")))


def _pool(pool: Mapping[str, Any]) -> PoolNow:
    return PoolNow(
        name=text_of(pool, "name"),
        is_paused=pool.get("paused") is True,
        capacity=number_of(pool, "capacity"),
        workers=number_of(pool, "workers"),
        ready=_count(pool, "ready"),
        held=_count(pool, "held"),
        active=_count(pool, "active"),
        fault=str(pool.get("fault") or ""),
        oldest=None,
    )


def _running_job(job: JobView, now_ms: int) -> RunningJob:
    return RunningJob(job, max(0, now_ms - (job.started_at_ms or now_ms)) / 1_000)
