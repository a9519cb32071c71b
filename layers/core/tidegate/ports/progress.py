"""The port for the progress of workflows: their segments, and their graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidegate.domain.progress import Segment
from tidegate.domain.workflow_graph import WorkflowGraph


class ProgressStore(Protocol):
    """The store of what the recorder keeps of each workflow, and of the graph that the submission stores once."""

    def load(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Segment]:
        """Returns the segments that exist, by workflow id and number, from consistent reads in bounded batches."""

    def load_all(self, workflow_id: str, *, consistent: bool = False) -> tuple[Segment, ...]:
        """Returns the stored segments of a workflow by number. Without `consistent` they may be a little old."""

    def save(self, segments: Sequence[Segment]) -> list[bool]:
        """Writes each segment if the stored version is the one before it. Returns where that was so, in order."""

    def save_graph(self, workflow_id: str, graph: WorkflowGraph, expires_at_s: int | None) -> None:
        """Stores a workflow's graph. It overwrites the graph of an earlier call.

        `expires_at_s` is when it may be removed, in seconds since the epoch; None keeps it.
        """

    def load_graph(self, workflow_id: str) -> WorkflowGraph | None:
        """Returns the graph that was stored, None without one."""
