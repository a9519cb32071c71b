"""The work of the recorder, each part with a world that needs it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from tests.harness.determined import StandingClock
from tests.harness.e2e.permissions.states import submit_flow
from tests.harness.e2e.permissions.world import World, now_ms
from tidegate.bootstrap import Services
from tidegate.domain.changes import Changes, JobChange
from tidegate.domain.job import HistoryEntry
from tidegate.domain.pulses import Part
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import CancelIfInState, Ending, Stamp
from tidegate.entry.pulse import leave_pulse
from tidegate.ports import Reminder
from tidegate.usecases.bounds.pulse import PulseMemory
from tidegate.usecases.record.publish import publish
from tidegate.usecases.record.record import record
from tidegate.usecases.record.remind_freed import remind_of_freed
from tidegate.usecases.release.decisions import ACTOR
from tidegate.usecases.release.free_skipped import REASON


def records_a_workflow_to_its_end(world: World, services: Services) -> None:
    (job_id,) = submit_flow(
        world, WorkflowRequest(jobs=(JobRequest(key="a", type="tidegate.noop"),))
    ).values()
    job = world.admin.jobs.get(job_id, consistent=True)
    assert job is not None
    ended = CancelIfInState(job, Ending(State.CANCELLED, expires_at_s=now_ms()), Stamp(now_ms(), "ann"))
    for seen in (job, world.admin.jobs.apply(ended)):
        record(services, [seen])
    workflow_id = str(job.workflow_id)
    (segment,) = world.admin.progress.load_all(workflow_id, consistent=True)
    assert segment.states == (State.CANCELLED,)
    noted = world.admin.workflows.get_many([workflow_id], consistent=True)[workflow_id].summary
    assert noted is not None
    assert noted.state == "CANCELLED"


def leaves_the_reminder_of_a_freed_job(world: World, services: Services) -> None:
    by_ms = now_ms() + 3_600_000
    flow = WorkflowRequest(jobs=(JobRequest(key="a", type="tidegate.noop"),))
    (job_id,) = submit_flow(world, flow).values()
    job = world.admin.jobs.get(job_id, consistent=True)
    assert job is not None
    freed = HistoryEntry(now_ms(), State.PENDING, 0, ACTOR, REASON)
    for each_ms in (by_ms, by_ms + 1):  # the second finds an earlier time
        remind_of_freed(services, [replace(job, history=(freed,), finish_by_ms=each_ms)], now_ms())
    assert Reminder(by_ms, str(job.workflow_id)) in world.admin.submissions.list_reminders(limit=100)


def leaves_its_pulse(world: World, services: Services) -> None:
    leave_pulse(services, PulseMemory(), Part.RECORD, StandingClock(now_ms()))
    assert world.admin.pulses.load().keys() == {Part.RECORD}


def publishes_an_event(world: World, services: Services) -> None:
    bus = world.client("events")
    name = world.settings.event_bus
    with suppress(bus.exceptions.ResourceAlreadyExistsException):
        bus.create_archive(ArchiveName="told", EventSourceArn=bus.describe_event_bus(Name=name)["Arn"])
    before = bus.describe_archive(ArchiveName="told")["EventCount"]
    (job_id,) = submit_flow(
        world, WorkflowRequest(jobs=(JobRequest(key="a", type="tidegate.noop"),))
    ).values()
    job = world.job(job_id)
    changes = Changes((JobChange(job, replace(job, state=State.CANCELLED, finished_at_ms=now_ms())),))
    assert publish(services, changes) == 1
    assert bus.describe_archive(ArchiveName="told")["EventCount"] == before + 1


RECORDER_PROBES = (
    records_a_workflow_to_its_end,
    leaves_the_reminder_of_a_freed_job,
    leaves_its_pulse,
    publishes_an_event,
)
