"""The states of a job and the one table of the transitions between them.

A test compares this table with the drawing in `docs/reference/states.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """The state of a job."""

    PENDING = "PENDING"  # waits for its dependencies
    SCHEDULED = "SCHEDULED"  # waits for a time (`not_before`, or the backoff of a retry), or is on hold
    READY = "READY"  # could run now; waits for a slot of a worker
    QUEUED = "QUEUED"  # dispatched into its pool's queue
    RUNNING = "RUNNING"  # claimed by a worker that holds a lease
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"  # a dependency can never be satisfied


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.SKIPPED})

# An attempt that ends in one of these states has failed, also where a retry follows.
FAILURES = frozenset({State.FAILED, State.TIMED_OUT})

# A caller may end a job by hand in one of these states.
MARKABLE = frozenset({State.SUCCEEDED, State.SKIPPED})

# A caller may retry a job that ended in one of these states. A job that succeeded is reopened by a rerun alone.
REOPENABLE = TERMINAL - {State.SUCCEEDED}

TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.PENDING: frozenset(
            {
                State.PENDING,  # an upstream is rerun
                State.READY,
                State.SCHEDULED,
                State.SUCCEEDED,  # marked by a caller
                State.SKIPPED,
                State.CANCELLED,
            }
        ),
        State.SCHEDULED: frozenset(
            {
                State.PENDING,  # an upstream is rerun
                State.READY,
                State.SUCCEEDED,  # marked by a caller
                State.SKIPPED,  # marked by a caller
                State.CANCELLED,
            }
        ),
        State.READY: frozenset(
            {
                State.PENDING,  # an upstream is rerun
                State.QUEUED,
                State.SCHEDULED,  # amended: it has another pool, waits for a later time or is on hold
                State.SUCCEEDED,  # marked by a caller
                State.SKIPPED,  # marked by a caller
                State.CANCELLED,
            }
        ),
        State.QUEUED: frozenset(
            {
                State.RUNNING,
                State.READY,  # no worker claimed it, so it is dispatched again
                State.FAILED,
                State.CANCELLED,
            }
        ),
        State.RUNNING: frozenset(
            {
                State.RUNNING,  # claimed again after its lease ended, or handed over
                State.READY,  # its worker was lost
                State.SCHEDULED,  # a retry waits for its backoff
                State.SUCCEEDED,
                State.FAILED,
                State.TIMED_OUT,
                State.CANCELLED,
            }
        ),
        State.SUCCEEDED: frozenset({State.PENDING}),  # rerun
        State.SKIPPED: frozenset({State.PENDING, State.SUCCEEDED}),  # reopened, or marked by a caller
        **{
            state: frozenset({State.PENDING}) | MARKABLE  # reopened, or marked by a caller
            for state in (State.FAILED, State.TIMED_OUT, State.CANCELLED)
        },
    }
)


class Group(StrEnum):
    """The groups of the job index.

    QUEUED and RUNNING share the group ACTIVE, so that a claim needs no write to the index. A RUNNING job that was
    handed over takes no slot, and is in the group OUTSIDE.
    """

    PENDING = "PENDING"
    SCHEDULED = "SCHEDULED"
    READY = "READY"
    ACTIVE = "ACTIVE"
    OUTSIDE = "OUTSIDE"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


def group_of(state: State) -> Group:
    """Returns the index group that holds the jobs in `state`, except for those outside (`Job.group`)."""
    return Group.ACTIVE if state in (State.QUEUED, State.RUNNING) else Group(state.value)


def groups_of(state: State) -> tuple[Group, ...]:
    """Returns every index group that may hold jobs in `state`."""
    return (Group.ACTIVE, Group.OUTSIDE) if state is State.RUNNING else (group_of(state),)
