"""The port for the workflows of a deployment, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tidegate.domain.progress import Summary
from tidegate.domain.workflow_record import WorkflowRecord


class WorkflowEntry(NamedTuple):
    """A workflow in the order of the listing. `created_at_ms` is in milliseconds since the epoch."""

    created_at_ms: int
    workflow_id: str


class WorkflowStore(Protocol):
    """Submissions by the time of their creation, with what the recorder has noted about each."""

    def page(
        self, month: str, *, limit: int, from_ms: int, to_ms: int, after: WorkflowEntry | None = None
    ) -> tuple[WorkflowEntry, ...]:
        """Returns at most `limit` workflows of a month, newest first.

        `month` is like `2026-11`, in UTC. The workflows were created at `from_ms` or later and at `to_ms` or earlier,
        in milliseconds since the epoch. With `after` the list begins behind that workflow. The index may lag.
        """

    def get_many(self, workflow_ids: Sequence[str], *, consistent: bool = False) -> dict[str, WorkflowRecord]:
        """Returns the workflows that exist, in any phase, by id. Reads in bounded batches."""

    def note_if_newer(self, workflow_id: str, summary: Summary) -> bool:
        """Stores the summary, unless a summary of the same or a later version is stored. Returns whether it did.

        The summary of a workflow that has ended also takes the mark of `mark_hold_if_present` away.
        """

    def mark_hold_if_present(self, workflow_id: str, *, on_hold: bool) -> bool:
        """Marks that the whole workflow is on hold, or no longer. Returns False if the workflow is gone."""
