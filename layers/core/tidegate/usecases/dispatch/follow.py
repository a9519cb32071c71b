"""Decides what the dispatcher does about the changes of the tables, and remembers what it need not do again."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.domain.changes import Changes
from tidegate.ports import Stopwatch
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.bounds.run_clock import STILL
from tidegate.usecases.dispatch.dispatch import DispatchReport
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.dispatch.tick import TickWatch, tick
from tidegate.usecases.dispatch.wake import DueWatch
from tidegate.usecases.recall import OwnDispatches
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class DispatcherMemory:
    """The memory of one dispatcher process from one run to the next."""

    due_watch: DueWatch = field(default_factory=DueWatch)
    tick_watch: TickWatch = field(default_factory=TickWatch)
    own_dispatches: OwnDispatches = field(default_factory=OwnDispatches)


def follow(
    services: Services, changes: Changes, memory: DispatcherMemory, *, now_ms: int, until: Deadline = NEVER
) -> tuple[DispatchReport, ...]:
    """Does what the changes of one batch call for; returns a dispatch report for each pool that was served.

    A changed rule calls for a tick, because it may concern every pool. A worker that joins calls for a dispatch in its
    pool. Changed jobs call for `react`, except those that are READY here but that this process has dispatched since.
    Now and then due jobs of every pool are looked for as well. Releasing stops at the deadline `until`.
    Raises ServiceUnavailable or ServiceRefused; the same changes may be followed again.
    """
    if changes.of_rules:
        services.recall.forget()
        return follow_tick(services, memory, now_ms=now_ms, stopwatch=until.clock)
    if changes.joined:
        return serve_pools(services, changes.joined, now_ms, stopwatch=until.clock)
    changed = [change.new for change in changes.jobs if not memory.own_dispatches.is_outdated(change.new)]
    if not changed:
        return ()
    due = services.settings.pools.keys() if memory.due_watch.is_time(now_ms) else frozenset[str]()
    reports = react(services, changed, due=due, now_ms=now_ms, until=until).pools
    for report in reports:
        memory.own_dispatches.note(report.jobs)
    return reports


def follow_tick(
    services: Services, memory: DispatcherMemory, *, now_ms: int, stopwatch: Stopwatch = STILL
) -> tuple[DispatchReport, ...]:
    """Does the work of a tick; returns a dispatch report for each pool. Raises as `tick` does."""
    memory.tick_watch.note(now_ms)  # noted first, so that a tick that fails is not repeated by every run
    return tick(services, now_ms=now_ms, stopwatch=stopwatch)


def tick_if_overdue(
    services: Services, memory: DispatcherMemory, *, now_ms: int, stopwatch: Stopwatch = STILL
) -> tuple[DispatchReport, ...]:
    """Does the work of a tick if no tick came for long; returns a dispatch report for each pool that was served."""
    if not memory.tick_watch.is_overdue(now_ms):
        return ()
    return follow_tick(services, memory, now_ms=now_ms, stopwatch=stopwatch)
