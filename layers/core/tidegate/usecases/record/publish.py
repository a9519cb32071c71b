"""Publishes the events that changes call for, where the stack has an event bus.

A change may come twice, in part, or late, so an event may be published again. It then has the same id.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.domain.changes import Changes, JobChange, WorkflowChange
from tidegate.domain.events import (
    Event,
    job_at_risk,
    job_ended,
    worker_lost,
    workflow_at_risk,
    workflow_ended,
)
from tidegate.domain.progress import WorkflowState
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.usecases.services import Services


def publish(services: Services, changes: Changes) -> int:
    """Publishes the events of these changes, and returns how many they were.

    Does nothing in a stack without an event bus. Asks the bus once for ten events. Raises ServiceUnavailable or
    ServiceRefused where the bus did not take all of them; the same changes may then be published again.
    """
    if not services.settings.event_bus:
        return 0
    # The key leaves out what a batch brings twice. The last one tells the latest attributes.
    events = {event.id: event for event in events_of(changes)}
    if events:
        services.events.publish(list(events.values()))
    return len(events)


def events_of(changes: Changes) -> Iterator[Event]:
    """Yields the event of each change that is one: of jobs, then of workflows, then of workers, oldest first."""
    for job in changes.jobs:
        event = event_of_job(job)
        if event is not None:
            yield event
    for workflow in changes.workflows:
        yield from _events_of_workflow(workflow)
    for worker in changes.lost:
        yield worker_lost(worker)


def event_of_job(change: JobChange) -> Event | None:
    """Returns the event of a job's change: it has ended, or its end was corrected, or its time is not on course.

    Returns None for any other change. Without the job as it was before, the fact counts as new.
    """
    old, new = change.old, change.new
    if new.is_terminal:
        is_new = old is None or (old.state, old.reopened) != (new.state, new.reopened)
        return job_ended(new) if is_new else None
    judgement = _new_warning(None if old is None else old.judgements, new.judgements)
    if judgement is None or new.finish_by_ms is None:
        return None
    return job_at_risk(new, new.finish_by_ms, judgement)


def _events_of_workflow(change: WorkflowChange) -> Iterator[Event]:
    old, new = change.old, change.new
    summary, before = new.summary, None if old is None else old.summary
    # A later summary of the same end is no other end.
    if summary is not None and summary.state is not WorkflowState.RUNNING:
        if before is None or (before.state, before.ended_at_ms) != (summary.state, summary.ended_at_ms):
            yield workflow_ended(new.submission, summary)
        return
    known = None if old is None else old.submission.judgements
    judgement = _new_warning(known, new.submission.judgements)
    if judgement is not None and new.submission.finish_by_ms is not None:
        yield workflow_at_risk(new.submission, new.submission.finish_by_ms, judgement)


def _new_warning(known: tuple[Judgement, ...] | None, kept: tuple[Judgement, ...]) -> Judgement | None:
    """Returns the latest judgement where it is new and the verdict is another one than on course."""
    if not kept or kept[-1].verdict is FinishVerdict.ON_COURSE or (known and known[-1] == kept[-1]):
        return None
    return kept[-1]
