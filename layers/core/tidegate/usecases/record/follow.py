"""Decides what the changes of a batch call for in the recorder, and does it."""

from __future__ import annotations

from dataclasses import replace

from tidegate.domain.changes import Changes
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.record.publish import publish
from tidegate.usecases.record.record import RecordReport, record
from tidegate.usecases.record.remind_freed import remind_of_freed
from tidegate.usecases.services import Services


def follow_changes(services: Services, changes: Changes, *, now_ms: int) -> RecordReport:
    """Records the changes of workflows' jobs, leaves reminders of jobs that were freed, and publishes events.

    A failure of the stores does not keep the events back, nor does one of the bus keep the progress back, because a
    batch comes a limited number of times. Safe to repeat. Raises the first error, ServiceUnavailable or ServiceRefused,
    after both.
    """
    # A heartbeat or a judgement leaves the job in its state, so the progress knows it.
    changed = [change.new for change in changes.jobs if not change.keeps_its_state]
    report, published, errors = RecordReport(), 0, FirstError()
    with errors.isolated():
        report = record(services, changed)
        remind_of_freed(services, [change.new for change in changes.jobs], now_ms)
    with errors.isolated():
        published = publish(services, changes)
    errors.raise_first()
    return replace(report, events=published)
