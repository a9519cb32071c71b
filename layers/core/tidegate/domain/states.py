"""The states of a job and the one table of the transitions between them.

`docs/reference/states.md` draws this table; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a job stands."""

    PENDING = "PENDING"  # unsatisfied dependencies
    SCHEDULED = "SCHEDULED"  # not before a time: a delay or a retry's backoff
    READY = "READY"  # could run now; waits for capacity
    QUEUED = "QUEUED"  # dispatched into its pool's queue
    RUNNING = "RUNNING"  # claimed by a worker that holds a lease
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"  # a dependency can never be satisfied


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.SKIPPED})

# A run that ends so by itself was a try, whether another follows or not.
FAILURES = frozenset({State.FAILED, State.TIMED_OUT})

# What ended so is tried again where somebody asks for that; what has succeeded stays so.
REOPENABLE = TERMINAL - {State.SUCCEEDED}

TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.PENDING: frozenset({State.READY, State.SCHEDULED, State.SKIPPED, State.CANCELLED}),
        State.SCHEDULED: frozenset({State.READY, State.CANCELLED}),
        State.READY: frozenset({State.QUEUED, State.CANCELLED}),
        State.QUEUED: frozenset(
            {
                State.RUNNING,
                State.READY,  # no worker claimed it: it is dispatched anew
                State.FAILED,
                State.CANCELLED,
            }
        ),
        State.RUNNING: frozenset(
            {
                State.RUNNING,  # claimed again after its lease ended
                State.READY,  # its worker was lost
                State.SCHEDULED,  # a retry waits for its backoff
                State.SUCCEEDED,
                State.FAILED,
                State.TIMED_OUT,
                State.CANCELLED,
            }
        ),
        State.SUCCEEDED: frozenset[State](),
        **{state: frozenset({State.PENDING}) for state in sorted(REOPENABLE)},  # reopened
    }
)


class Group(StrEnum):
    """The groups of the one index. QUEUED and RUNNING share ACTIVE, so that a claim leaves the index alone."""

    PENDING = "PENDING"
    SCHEDULED = "SCHEDULED"
    READY = "READY"
    ACTIVE = "ACTIVE"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


def group_of(state: State) -> Group:
    """The index group that holds jobs of `state`."""
    return Group.ACTIVE if state in (State.QUEUED, State.RUNNING) else Group(state.value)
