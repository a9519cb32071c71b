"""Connects new jobs to upstreams of earlier submissions, safely even if an upstream ends at the same moment."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.dependency import DependencyType, Dependent
from tidegate.domain.job import Job
from tidegate.domain.submission import ExternalEdge
from tidegate.domain.transitions import NoteDependents
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.bounds.portions import portions
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.release.keep_needed import keep_for_open
from tidegate.usecases.release.release import COSTLY_PER_CALL, settle
from tidegate.usecases.services import Services

_UPSTREAMS_AT_ONCE = 200  # each is read with its result, and a submission may name 100,000


def connect_edges(
    services: Services, edges: Sequence[ExternalEdge], now_ms: int, *, until: Deadline = NEVER
) -> None:
    """Writes the edges, notes them on their upstreams, and settles those whose upstream has ended or started.

    The downstream jobs must have been written before. This order closes the race with an upstream that ends: if it
    ends after the note, its own release sees the edge. If it ended before, the note returns the ended job, and this
    call applies its outcome to the edge. Both may happen, which is harmless.
    An ended upstream that is near the end of its retention is kept longer.

    Some work is left to the reaper, with the edges written and their downstream jobs PENDING: upstreams that no longer
    exist, edges that can't be settled before the deadline `until`, and costly conditions beyond `COSTLY_PER_CALL`.
    Raises ServiceUnavailable or ServiceRefused for an upstream that could not be written, after the others have
    been.
    """
    if not edges:
        return
    services.jobs.add_edges(edges)
    by_upstream: dict[str, list[ExternalEdge]] = {}
    for edge in edges:
        by_upstream.setdefault(edge.upstream_id, []).append(edge)
    failures: list[TransitionOutcome] = []
    costly = COSTLY_PER_CALL  # for the whole call, not for each portion: a client may wait for the answer
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
) -> list[TransitionOutcome]:
    """Notes the edges on some upstreams and settles them; returns the failed outcomes."""
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
