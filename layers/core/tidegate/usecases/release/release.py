"""Releases or skips PENDING jobs when an upstream begins or ends.

An edge is one dependency, seen from the upstream. Each edge is judged: satisfied, unsatisfiable, or not decided yet. A
job becomes READY once all of its edges are satisfied, and is SKIPPED as soon as one is unsatisfiable. Edges are judged
in portions, cheap ones first, because one upstream may have very many dependents and conditions may be costly.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from tidegate.domain import limits
from tidegate.domain.dependency import Dependency, DependencyType, Dependent, Verdict, judge
from tidegate.domain.errors import ConditionTooDear
from tidegate.domain.job import Job, JobFailure, lean, submission_of
from tidegate.domain.states import State
from tidegate.ports import Stopwatch
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.bounds.portions import portions, read_lean
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.release.conditions import (
    CHEAP_STEPS,
    ConditionAnswers,
    Question,
    question_of,
    questions_in_turn,
    unsatisfiable,
)
from tidegate.usecases.release.decisions import Decision, carry_out
from tidegate.usecases.services import Services

_Edge: TypeAlias = tuple[Job, Dependent]
_Asked: TypeAlias = Mapping[tuple[str, int], Dependency]  # by a downstream's id and the dependency's ordinal
_Judged: TypeAlias = tuple[Job, Dependent, Verdict]
# The time that one call spends on cheap evaluations, at most 6 ms each with compiling. The reaper does the others.
TRIES_MS = 5_000
COSTLY_PER_CALL = 40  # costly evaluations, two seconds at most; the reaper does the others
_PORTION_EDGES = 200
_PORTION_RESULTS = 20  # upstreams' results, each up to 256 KB, which takes tens of milliseconds to read
_COSTLY_AT_ONCE = 10


def release(
    services: Services, changed: Iterable[Job], now_ms: int, *, until: Deadline = NEVER
) -> tuple[Job, ...]:
    """Releases or skips the dependents of changed upstreams; safe to repeat and to run twice at once.

    `changed` are jobs whose code began, or that ended. Returns the jobs that left PENDING through this call. Stops at
    the deadline `until`; the reaper does the rest. Raises ServiceUnavailable or ServiceRefused for a job that could
    not be written, after the others have been.
    """
    return settle(services, edges_of(services, changed), now_ms, until=until)


def edges_of(services: Services, changed: Iterable[Job]) -> list[_Edge]:
    """Returns the edges from the changed jobs to their dependents, each with the latest given version of the upstream.

    Raises ServiceUnavailable.
    """
    latest = list({job.job_id: job for job in changed}.values())
    leaving = zip(latest, services.jobs.list_dependents_of(latest), strict=True)
    return [(upstream, dependent) for upstream, dependents in leaving for dependent in dependents]


def settle(
    services: Services,
    edges: Sequence[_Edge],
    now_ms: int,
    *,
    until: Deadline = NEVER,
    costly: int = COSTLY_PER_CALL,
) -> tuple[Job, ...]:
    """Judges edges, and releases or skips the downstream jobs that are decided.

    Evaluates at most `costly` of the conditions that need many steps, and stops at the deadline `until`; the reaper
    does the rest. Returns the jobs that left PENDING through this call. Raises as `release` does.
    """
    settling = Settling(services, edges, now_ms)
    moved: list[Job] = []
    errors = FirstError()
    with errors.isolated():
        moved.extend(settling.settle_cheap(until))
    with errors.isolated():
        moved.extend(settling.settle_costly(until, costly))
    errors.raise_first()
    return tuple(moved)


class Settling:
    """Judges edges in portions. The decisions of each portion are written before the next portion begins.

    Cheap edges come first: those without a condition, and those whose condition needs few steps. Costly conditions are
    put off, so that they do not delay other jobs. Portions take edges from the upstreams round-robin.
    """

    def __init__(self, services: Services, edges: Sequence[_Edge], now_ms: int) -> None:
        self._services = services
        self._now_ms = now_ms
        self._conditions = ConditionAnswers(services)
        self._cheap = deque(_in_turn(_decided(edges)))
        self._costly: dict[Question, list[_Edge]] = {}
        self._tried_ms = 0

    @property
    def has_cheap(self) -> bool:
        """True while there are edges that were not judged once."""
        return bool(self._cheap)

    def settle_cheap(self, until: Deadline) -> tuple[Job, ...]:
        """Settles cheap edges: one portion, and further ones until the deadline. Returns the jobs that left PENDING."""
        return self._settle(while_time(_edge_portions(self._cheap), until), CHEAP_STEPS, until.clock)

    def settle_costly(self, until: Deadline, at_most: int = COSTLY_PER_CALL) -> tuple[Job, ...]:
        """Settles `at_most` of the costly conditions that were put off, and drops the others.

        Returns the jobs that left PENDING.
        """
        questions = questions_in_turn(self._costly)[:at_most]
        costly, self._costly = self._costly, {}
        asked = while_time(portions(questions, _COSTLY_AT_ONCE), until)
        edges = (deque(edge for question in some for edge in costly[question]) for some in asked)
        cut = (portion for some in edges for portion in _edge_portions(some))
        return self._settle(cut, limits.MAX_CONDITION_STEPS, until.clock)

    def _settle(self, cut: Iterable[Sequence[_Edge]], max_steps: int, clock: Stopwatch) -> tuple[Job, ...]:
        moved: list[Job] = []
        errors = FirstError()
        for portion in cut:
            with errors.isolated():
                moved.extend(self._settle_portion(portion, max_steps, clock))
        errors.raise_first()
        return tuple(moved)

    def _settle_portion(self, edges: Sequence[_Edge], max_steps: int, clock: Stopwatch) -> tuple[Job, ...]:
        services = self._services
        downstreams = _load_pending(services, {edge.job_id for _, edge in edges})
        decided = _confirmed(services, edges, downstreams)
        asked = services.jobs.load_dependencies(
            [
                (downstreams[edge.job_id], edge.ordinal)
                for _, edge, verdict in decided
                if verdict is Verdict.EVALUATE and _waits(edge, downstreams)
            ]
        )
        open_edges = [
            (upstream, edge, verdict)
            for upstream, edge, verdict in decided
            if _waits(edge, downstreams) and verdict is not Verdict.UNDECIDED
        ]  # the others were settled before, because the event came twice, or their upstreams were reopened
        if max_steps == CHEAP_STEPS and self._tried_ms >= TRIES_MS:
            open_edges = [each for each in open_edges if each[2] is not Verdict.EVALUATE]
        started_ms = clock.now_ms()
        answers = self._answers(open_edges, asked, max_steps)
        self._tried_ms += clock.now_ms() - started_ms
        decisions: dict[str, Decision] = {}
        for _, edge, _ in open_edges:
            if (edge.job_id, edge.ordinal) not in answers:
                continue
            decision = decisions.setdefault(edge.job_id, Decision())
            failure = answers[edge.job_id, edge.ordinal]
            if failure is None:
                decision.satisfied.add(edge.ordinal)
            else:
                decision.failed[edge.ordinal] = failure
        return carry_out(services, downstreams, decisions, self._now_ms)

    def _answers(
        self, edges: Sequence[_Judged], asked: _Asked, max_steps: int
    ) -> dict[tuple[str, int], JobFailure | None]:
        """Returns by edge why it fails, None if it is satisfied; leaves out edges whose condition is put off."""
        answers: dict[tuple[str, int], JobFailure | None] = {}
        # Ordered by upstream, so that each upstream's result is read once in a portion.
        for upstream, edge, verdict in sorted(edges, key=lambda each: each[0].job_id):
            try:
                answers[edge.job_id, edge.ordinal] = self._judge(upstream, edge, verdict, asked, max_steps)
            except ConditionTooDear:
                question = question_of(upstream, asked[edge.job_id, edge.ordinal])
                self._costly.setdefault(question, []).append((upstream, edge))
        return answers

    def _judge(
        self, upstream: Job, edge: Dependent, verdict: Verdict, asked: _Asked, max_steps: int
    ) -> JobFailure | None:
        if verdict is Verdict.EVALUATE:
            return self._conditions.failure(
                upstream, edge, asked[edge.job_id, edge.ordinal], max_steps=max_steps
            )
        return unsatisfiable(upstream, edge) if verdict is Verdict.UNSATISFIABLE else None


def _decided(edges: Iterable[_Edge]) -> list[_Edge]:
    return [
        (upstream, edge)
        for upstream, edge in edges
        if judge(edge.type, upstream.state, upstream.was_started) is not Verdict.UNDECIDED
    ]


def _in_turn(edges: Iterable[_Edge]) -> list[_Edge]:
    """Orders edges round-robin over the upstreams: the first dependent of each, then the second of each, and so on.

    Dependents without a condition come before the others. The edges of one dependent stay together.
    """
    counts: Counter[str] = Counter()
    places: dict[str, int] = {}
    kept = list(edges)
    asking = {edge.job_id for _, edge in kept if edge.type is DependencyType.CONDITIONAL}
    for upstream, edge in kept:
        if edge.job_id not in places:
            places[edge.job_id] = counts[upstream.job_id]
            counts[upstream.job_id] += 1
    return sorted(kept, key=lambda each: (each[1].job_id in asking, places[each[1].job_id], each[1].job_id))


def _edge_portions(waiting: deque[_Edge]) -> Iterator[list[_Edge]]:
    """Yields portions, taking edges off the front: a bounded number that needs a bounded number of results."""
    while waiting:
        portion: list[_Edge] = []
        asked: set[str] = set()
        while waiting and len(portion) < _PORTION_EDGES and len(asked) < _PORTION_RESULTS:
            upstream, edge = waiting.popleft()
            portion.append((upstream, edge))
            if edge.type is DependencyType.CONDITIONAL:
                asked.add(upstream.job_id)
        yield portion


def _waits(edge: Dependent, downstreams: Mapping[str, Job]) -> bool:
    downstream = downstreams.get(edge.job_id)
    return downstream is not None and edge.ordinal in downstream.waiting_on


def _confirmed(services: Services, edges: Sequence[_Edge], downstreams: Mapping[str, Job]) -> list[_Judged]:
    """Judges the edges, by a fresh read of every upstream that may have been reopened since its event.

    An event may come late. SUCCEEDED is final unless a caller reruns the upstream, and a rerun begins a new life of all
    jobs downstream too. A job of a later submission may have come after the rerun, though. The upstreams are read after
    the downstream jobs, because a downstream job is reopened after its upstream.
    """
    doubted = {
        upstream.job_id: upstream
        for upstream, edge in edges
        if _waits(edge, downstreams)
        and (
            upstream.state is not State.SUCCEEDED
            or downstreams[edge.job_id].reopened
            or submission_of(edge.job_id) != submission_of(upstream.job_id)
        )
    }
    fresh = doubted | (services.jobs.get_many(list(doubted), consistent=True) if doubted else {})
    latest = [(fresh.get(upstream.job_id, upstream), edge) for upstream, edge in edges]
    return [
        (upstream, edge, judge(edge.type, upstream.state, upstream.was_started)) for upstream, edge in latest
    ]


def _load_pending(services: Services, job_ids: set[str]) -> dict[str, Job]:
    """Loads the downstream jobs that are PENDING, lean, by id.

    The read may be old: a job may have left PENDING since, or wait on less by now. The conditional write decides.
    """
    jobs = read_lean(services, sorted(job_ids), consistent=False)
    for job_id in sorted(job_ids - jobs.keys()):
        fresh = services.jobs.get(job_id, consistent=True)  # it may have been written a moment ago
        if fresh is not None:
            jobs[job_id] = lean(fresh)
    return {job_id: job for job_id, job in jobs.items() if job.state is State.PENDING}
