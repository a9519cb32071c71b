"""Connect: edges from jobs of earlier submissions to new ones, safe against the upstream ending meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.dependency import DependencyType, Dependent
from tidegate.domain.job import Job
from tidegate.domain.submission import ExternalEdge
from tidegate.domain.transitions import NoteDependents
from tidegate.ports import MoveOutcome
from tidegate.usecases.bounds.deadline import (
    NEVER,
    Deadline,
)
from tidegate.usecases.bounds.portions import portions
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.release.keep_needed import keep_for_open
from tidegate.usecases.release.release import (
    COSTLY_PER_CALL,
    settle,
)
from tidegate.usecases.services import Services

_UPSTREAMS_AT_ONCE = 200  # each comes with its result; a submission may name 100,000


def connect_edges(
    services: Services, edges: Sequence[ExternalEdge], now_ms: int, *, until: Deadline = NEVER
) -> None:
    """Writes the edges, notes them on their upstreams, and settles those whose upstream has ended or started.

    The downstreams must have been written. The order closes the race: an upstream that ends after the note sees the
    edge; one that ended before is brought back by the note, and then its outcome is carried over here. Both may
    happen. An upstream that has ended and would go soon is kept.
    An upstream that is gone is left to the reaper, which skips what waits on it. So is what can't be settled `until`
    then, and all but some of the costly conditions: the edges stand, and their downstreams are PENDING.
    """
    if not edges:
        return
    services.jobs.add_edges(edges)
    by_upstream: dict[str, list[ExternalEdge]] = {}
    for edge in edges:
        by_upstream.setdefault(edge.upstream_id, []).append(edge)
    failures: list[MoveOutcome] = []
    costly = COSTLY_PER_CALL  # of the whole call: somebody may wait for its answer
    for portion in portions(list(by_upstream.items()), _UPSTREAMS_AT_ONCE):
        failures += _connect(services, portion, now_ms, until, costly)
        costly = 0
    raise_first_failure(failures)


def _connect(
    services: Services,
    by_upstream: Sequence[tuple[str, Sequence[ExternalEdge]]],
    now_ms: int,
    until: Deadline,
    costly: int,
) -> list[MoveOutcome]:
    """Notes the edges on some upstreams and settles them; returns the outcomes that are no job."""
    outcomes = services.jobs.apply_all(
        [
            NoteDependents(upstream_id, any(edge.type is DependencyType.MUST_START for edge in group))
            for upstream_id, group in by_upstream
        ]
    )
    known: list[tuple[Job, Dependent]] = []
    for outcome, (_, group) in zip(outcomes, by_upstream, strict=True):
        if isinstance(outcome, Job):
            known.extend((outcome, Dependent(edge.downstream_id, edge.ordinal, edge.type)) for edge in group)
    keep_for_open(services, [outcome for outcome in outcomes if isinstance(outcome, Job)], now_ms)
    settle(services, known, now_ms, until=until, costly=costly)
    return [outcome for outcome in outcomes if not isinstance(outcome, Job)]
