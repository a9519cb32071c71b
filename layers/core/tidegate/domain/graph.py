"""The dependency graph of one submission: its cycles, its order and its longest chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter


@dataclass(frozen=True, slots=True)
class Chains:
    """The chains of an acyclic graph. Durations are in seconds.

    `critical_path` is the longest chain by duration, first job first. `depth` is the number of jobs on the chain with
    the most jobs. `remaining_seconds` holds, for each node, its own duration plus the longest chain after it.
    """

    critical_path: tuple[int, ...]
    critical_path_seconds: float
    depth: int
    remaining_seconds: tuple[float, ...]


def find_cycle(upstreams: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """Returns the nodes of one cycle, each an upstream of the next, the first one again at the end; None without one.

    `upstreams[i]` lists the nodes that node i depends on.
    """
    try:
        TopologicalSorter(dict(enumerate(upstreams))).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return None


def topological_order(upstreams: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Returns all nodes, each after the nodes that it depends on. The graph must be acyclic."""
    return tuple(TopologicalSorter(dict(enumerate(upstreams))).static_order())


def latest_starts(
    upstreams: Sequence[Sequence[int]],
    durations_ms: Mapping[int, int],
    ends_by_ms: Mapping[int, int],
    all_end_by_ms: int | None = None,
) -> tuple[int | None, ...]:
    """Computes when every node of an acyclic graph has to start at the latest, by the durations.

    `upstreams[i]` lists the nodes that node i depends on. A node that `durations_ms` lacks takes no time. `ends_by_ms`
    holds the times by which some nodes are to end, `all_end_by_ms` that of all nodes, in milliseconds since the epoch.
    A node ends before the nodes after it start (the backward pass of the critical path method: Kelley and Walker,
    "Critical-Path Planning and Scheduling", 1959). Returns a time for each node, 0 or more, or None where neither the
    node nor one after it is to end by a time.
    """
    ends = [_earlier(ends_by_ms.get(node), all_end_by_ms) for node in range(len(upstreams))]
    starts: list[int | None] = [None] * len(upstreams)
    for node in reversed(topological_order(upstreams)):
        end_ms = ends[node]
        if end_ms is None:
            continue
        start_ms = starts[node] = max(0, end_ms - durations_ms.get(node, 0))
        for upstream in upstreams[node]:
            ends[upstream] = _earlier(ends[upstream], start_ms)
    return tuple(starts)


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def analyse_chains(upstreams: Sequence[Sequence[int]], durations_seconds: Mapping[int, float]) -> Chains:
    """Computes the critical path, the depth and the remaining path of every node of an acyclic graph.

    `upstreams[i]` lists the nodes that node i depends on. A node that `durations_seconds` lacks counts as 0 seconds.
    """
    order = topological_order(upstreams)
    downstreams: list[list[int]] = [[] for _ in upstreams]
    depth = [1] * len(upstreams)
    for node in order:
        for upstream in upstreams[node]:
            downstreams[upstream].append(node)
            depth[node] = max(depth[node], depth[upstream] + 1)
    remaining = [0.0] * len(upstreams)
    following: list[int | None] = [None] * len(upstreams)
    for node in reversed(order):
        longest = 0.0
        for downstream in downstreams[node]:
            if following[node] is None or remaining[downstream] > longest:
                longest, following[node] = remaining[downstream], downstream
        remaining[node] = durations_seconds.get(node, 0.0) + longest
    path: list[int] = []
    current = max(range(len(remaining)), key=remaining.__getitem__) if remaining else None
    while current is not None:
        path.append(current)
        current = following[current]
    return Chains(
        critical_path=tuple(path),
        critical_path_seconds=remaining[path[0]] if path else 0.0,
        depth=max(depth, default=0),
        remaining_seconds=tuple(remaining),
    )
