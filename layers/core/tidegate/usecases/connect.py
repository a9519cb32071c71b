"""Connect: edges from jobs of earlier submissions to new ones, safe against the upstream ending meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.dependency import DependencyType, Dependent
from tidegate.domain.errors import TransitionRefused
from tidegate.domain.job import Job
from tidegate.domain.submission import ExternalEdge
from tidegate.domain.transitions import NoteDependentsIfOpen
from tidegate.usecases.each import raise_first_failure
from tidegate.usecases.release import settle
from tidegate.usecases.services import Services


def connect_edges(services: Services, edges: Sequence[ExternalEdge], now_ms: int) -> None:
    """Writes the edges, notes them on their upstreams, and settles those whose upstream has ended or started.

    The downstreams must have been written. The order closes the race: an upstream that ends after the note sees the
    edge; one that ended before refuses the note, and then its outcome is carried over here. Both may happen.
    An upstream that is gone is left to the reaper, which skips what waits on it.
    """
    if not edges:
        return
    services.jobs.add_edges(edges)
    by_upstream: dict[str, list[ExternalEdge]] = {}
    for edge in edges:
        by_upstream.setdefault(edge.upstream_id, []).append(edge)
    outcomes = services.jobs.apply_all(
        [
            NoteDependentsIfOpen(upstream_id, any(edge.type is DependencyType.MUST_START for edge in group))
            for upstream_id, group in by_upstream.items()
        ]
    )
    known: list[tuple[Job, Dependent]] = []
    for outcome, group in zip(outcomes, by_upstream.values(), strict=True):
        upstream = outcome.job if isinstance(outcome, TransitionRefused) else outcome
        if isinstance(upstream, Job):
            known.extend((upstream, Dependent(edge.downstream_id, edge.ordinal, edge.type)) for edge in group)
    settle(services, known, now_ms)
    raise_first_failure(outcomes)
