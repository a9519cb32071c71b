"""The progress of workflows in memory."""

from __future__ import annotations

from collections.abc import Sequence

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.progress import Segment
from tidegate.domain.workflow_graph import WorkflowGraph


class MemoryProgressStore:
    """Keeps segments and graphs in a `MemoryWorld`; see ports.ProgressStore."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def load(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Segment]:
        """Returns the segments that exist, by workflow id and number."""
        self._world.charge("load_segments")
        with self._world.lock:
            return {place: self._world.segments[place] for place in places if place in self._world.segments}

    def load_all(self, workflow_id: str, *, consistent: bool = False) -> tuple[Segment, ...]:
        """Returns the stored segments of a workflow, by number."""
        del consistent
        self._world.charge("load_all_segments")
        with self._world.lock:
            found = [
                each for (stored_id, _), each in self._world.segments.items() if stored_id == workflow_id
            ]
        return tuple(sorted(found, key=lambda each: each.number))

    def save(self, segments: Sequence[Segment]) -> list[bool]:
        """Writes each segment if the stored version is the one before it. Returns where that was so, in order."""
        return [self._save(segment) for segment in segments]

    def _save(self, segment: Segment) -> bool:
        self._world.charge("save_segment")
        place = segment.workflow_id, segment.number
        with self._world.lock:
            stored = self._world.segments.get(place)
            if (stored.version if stored else 0) != segment.version - 1:
                return False
            self._world.segments[place] = segment
            return True

    def save_graph(self, workflow_id: str, graph: WorkflowGraph, expires_at_s: int | None) -> None:
        """Stores a workflow's graph, over the graph of an earlier call."""
        del expires_at_s
        self._world.charge("save_graph")
        self._world.graphs[workflow_id] = graph

    def load_graph(self, workflow_id: str) -> WorkflowGraph | None:
        """Returns the graph that was stored, None without one."""
        self._world.charge("load_graph")
        return self._world.graphs.get(workflow_id)
