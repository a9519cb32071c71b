"""Finds the dependencies that still hold jobs back, and the jobs that are going to be skipped."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.domain.dependency import Verdict, judge
from tidegate.domain.forecast.scene import Wait
from tidegate.domain.states import State

# The code of a job that ended otherwise did not begin, as a rule.
_BEGAN = frozenset({State.SUCCEEDED, State.FAILED, State.TIMED_OUT})


@dataclass(frozen=True, slots=True)
class Waiting:
    """The dependencies that hold jobs back: for each job those whose upstreams have not ended.

    `skipped` are the jobs that can't run any more, because an upstream did not end as they need.
    """

    waits: Mapping[str, tuple[Wait, ...]]
    skipped: frozenset[str]


def waiting(edges: Mapping[str, Sequence[Wait]], ends: Mapping[str, State]) -> Waiting:
    """Judges the dependencies of jobs that are PENDING.

    `edges` holds the unmet dependencies of each such job, by its id. `ends` holds the state of upstreams that have
    ended. Every other upstream is taken to succeed, unless it is skipped itself. A condition is taken to be true.
    """
    below: dict[str, list[str]] = {}
    for job_id, needed in edges.items():
        for wait in needed:
            below.setdefault(wait.upstream_id, []).append(job_id)
    skipped: dict[str, State] = {}
    found: dict[str, tuple[Wait, ...]] = {}
    open_ids = deque(edges)
    while open_ids:
        job_id = open_ids.popleft()
        if job_id in skipped:
            continue
        left: list[Wait] = []
        for wait in edges[job_id]:
            state = skipped.get(wait.upstream_id) or ends.get(wait.upstream_id)
            began = state in _BEGAN
            verdict = Verdict.UNDECIDED if state is None else judge(wait.type, state, started=began)
            if verdict is Verdict.UNSATISFIABLE:
                skipped[job_id] = State.SKIPPED
                open_ids.extend(each for each in below.get(job_id, ()) if each not in skipped)
                break
            if verdict is Verdict.UNDECIDED:
                left.append(wait)
        found[job_id] = tuple(left)
    return Waiting(
        {job_id: waits for job_id, waits in found.items() if job_id not in skipped}, frozenset(skipped)
    )
