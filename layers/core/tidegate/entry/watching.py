"""Publishes what the runs of functions did, as metrics. Callers do so only where the deployment wants every metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tidegate.bootstrap import Usage
from tidegate.domain.changes import JobChange
from tidegate.domain.states import FAILURES, State
from tidegate.entry.metrics import (
    DEAD_LETTERS,
    JOBS_DISPATCHED,
    JOBS_FAILED,
    JOBS_SUCCEEDED,
    LAG,
    READ_UNITS,
    WORKERS_LOST,
    WRITE_UNITS,
    Publisher,
    publish,
)
from tidegate.settings import Settings
from tidegate.usecases.dispatch.dispatch import DispatchReport


def publish_run(
    settings: Settings, publisher: Publisher, used: Usage, *, now_ms: int, done_since_ms: int | None = None
) -> None:
    """Publishes the units that one run used, and the lag if it has done a batch of a stream.

    `done_since_ms` is when the oldest change of that batch was made, None for a run without a batch or one that failed.
    Both times are in milliseconds since the epoch.
    """
    values = {WRITE_UNITS: used.write_units_total, READ_UNITS: used.read_units}
    if done_since_ms is not None:
        values[LAG] = max(0, now_ms - done_since_ms) / 1_000
    publish(values, settings.stack, publisher)


def publish_ended(settings: Settings, changes: Iterable[JobChange]) -> None:
    """Publishes how many jobs of each pool these changes ended, with success and by failure.

    Both numbers of a pool come together, so that their quotient always has both. Jobs that were cancelled or skipped
    tell nothing about job code, and do not count.
    """
    ended = Counter((change.new.pool, change.new.state) for change in changes if change.has_ended)
    for pool in sorted({pool for pool, state in ended if state is State.SUCCEEDED or state in FAILURES}):
        failed = sum(ended[pool, state] for state in FAILURES)
        values = {JOBS_SUCCEEDED: ended[pool, State.SUCCEEDED], JOBS_FAILED: failed}
        publish(values, settings.stack, pool)


def publish_dispatched(settings: Settings, reports: Iterable[DispatchReport]) -> None:
    """Publishes how many jobs of each pool were dispatched."""
    for report in reports:
        if report.dispatched:
            publish({JOBS_DISPATCHED: report.dispatched}, settings.stack, report.pool)


def publish_repairs(settings: Settings, *, workers_lost: int, dead_letters: int) -> None:
    """Publishes how many workers were lost and how many dead letters were read, where there were any."""
    if workers_lost:
        publish({WORKERS_LOST: workers_lost}, settings.stack)
    if dead_letters:
        publish({DEAD_LETTERS: dead_letters}, settings.stack)
