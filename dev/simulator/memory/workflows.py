"""Workflows by the time of their creation, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.changes import WorkflowChange
from tidegate.domain.months import month_of
from tidegate.domain.progress import Summary, WorkflowState
from tidegate.ports import WorkflowEntry, WorkflowRecord


class MemoryWorkflowStore:
    """Reads the submissions of a `MemoryWorld`, and notes summaries; see ports.WorkflowStore."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def page(
        self, month: str, *, limit: int, from_ms: int, to_ms: int, after: WorkflowEntry | None = None
    ) -> tuple[WorkflowEntry, ...]:
        """Returns at most `limit` workflows of a month, newest first, created from `from_ms` to `to_ms`."""
        self._world.charge("page_of_workflows")
        with self._world.lock:
            found = [
                WorkflowEntry(each.created_at_ms, each.submission_id)
                for each in self._world.submissions.values()
                if month_of(each.created_at_ms) == month and from_ms <= each.created_at_ms <= to_ms
            ]
        behind = (each for each in found if after is None or each < after)
        return tuple(sorted(behind, reverse=True)[:limit])

    def get_many(self, workflow_ids: Sequence[str], *, consistent: bool = False) -> dict[str, WorkflowRecord]:
        """Returns the workflows that exist, by id."""
        del consistent
        self._world.charge("get_workflows")
        with self._world.lock:
            return {
                each: self._world.workflow(each) for each in workflow_ids if each in self._world.submissions
            }

    def note_if_newer(self, workflow_id: str, summary: Summary) -> bool:
        """Stores the summary, unless one of the same or a later version is stored. Returns whether it did.

        The summary of a workflow that has ended also takes the mark of `mark_hold_if_present` away.
        """
        self._world.charge("note_summary")
        with self._world.lock:
            noted = self._world.summaries.get(workflow_id)
            if workflow_id not in self._world.submissions or (noted and noted.version >= summary.version):
                return False
            old = self._world.workflow(workflow_id)
            self._world.summaries[workflow_id] = summary
            if summary.state is not WorkflowState.RUNNING:
                self._mark(workflow_id, on_hold=False)
            self._world.workflow_changes.append(WorkflowChange(old, self._world.workflow(workflow_id)))
            return True

    def mark_hold_if_present(self, workflow_id: str, *, on_hold: bool) -> bool:
        """Marks that the whole workflow is on hold, or no longer. Returns False if the workflow is gone."""
        self._world.charge("mark_hold")
        with self._world.lock:
            if workflow_id not in self._world.submissions:
                return False
            self._mark(workflow_id, on_hold=on_hold)
            return True

    def _mark(self, workflow_id: str, *, on_hold: bool) -> None:
        submissions = self._world.submissions
        submissions[workflow_id] = replace(submissions[workflow_id], on_hold=on_hold)
