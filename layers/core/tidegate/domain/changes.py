"""The changes of a deployment's tables, as their streams bring them."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.workers import Worker
from tidegate.domain.workflow_record import WorkflowRecord

# The states that a job may come from to concern the dispatcher. READY is not among them, because a change of lane does
# not. A retry that becomes SCHEDULED does, because it frees a slot.
_LEAVES = {
    State.READY: (State.PENDING, State.SCHEDULED, State.QUEUED, State.RUNNING),
    State.SCHEDULED: (State.RUNNING,),
}


@dataclass(frozen=True, slots=True)
class JobChange:
    """One record of the stream of Jobs: a job before and after a write. `old` is None if the job was inserted."""

    old: Job | None
    new: Job

    @property
    def has_ended(self) -> bool:
        """True if this change ended the job. A later change of an ended job does not end it again."""
        return self.new.state in TERMINAL and (self.old is None or self.old.state not in TERMINAL)

    @property
    def concerns_dispatcher(self) -> bool:
        """True if the job became READY, ended, freed its slot, or its code began and others wait for that.

        A hand-over frees a slot.

        On AWS the filter of the dispatcher's stream decides this, and lets through a few changes more.
        """
        if self.new.state in TERMINAL:
            # A job that had ended before is only kept longer, which does not concern the dispatcher.
            return self.has_ended
        if self.new.state in (State.READY, State.SCHEDULED) and self.old is not None:
            return self.old.state in _LEAVES[self.new.state]
        if self.new.state is State.READY:
            return True
        if self.new.is_outside and self.old is not None and not self.old.is_outside:
            return True
        began = self.old is not None and not self.old.was_started and self.new.was_started
        return began and self.new.state is State.RUNNING and self.new.watch_start

    @property
    def concerns_recorder(self) -> bool:
        """True if the job belongs to a workflow and changed its state.

        A job that was submitted PENDING does not count, because the recorder takes every unknown job for
        one. On AWS
        the filter of the recorder's stream decides this, and lets through a few changes more.
        """
        if self.new.workflow_id is None:
            return False
        return self.new.state is not (State.PENDING if self.old is None else self.old.state)

    @property
    def keeps_its_state(self) -> bool:
        """True if the write left a job that has not ended in its state, as a heartbeat or a judgement does."""
        return self.old is not None and self.old.state is self.new.state and self.new.state not in TERMINAL


@dataclass(frozen=True, slots=True)
class WorkflowChange:
    """One record of the stream of Submissions: a workflow before and after a write. `old` is None if it is new."""

    old: WorkflowRecord | None
    new: WorkflowRecord


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record of a stream that can't be read: its id, and the type of the error that reading it raised."""

    event_id: str | None
    error: str


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of one batch of a stream, which is the stream of one table.

    `jobs` are the changes of jobs, oldest first, and `workflows` those of workflows. `joined` names the pools that a
    worker has joined or come back to. `lost` are the workers that the reaper has marked LOST. `of_rules` is True if a
    rule was changed. `oldest_at_ms` is when the oldest change of the batch was made, in
    milliseconds since the epoch and by the whole second, as AWS states it; None where no record says it.
    """

    jobs: tuple[JobChange, ...] = ()
    joined: frozenset[str] = frozenset()
    of_rules: bool = False
    unreadable: tuple[UnreadableRecord, ...] = ()
    oldest_at_ms: int | None = None
    workflows: tuple[WorkflowChange, ...] = ()
    lost: tuple[Worker, ...] = ()
