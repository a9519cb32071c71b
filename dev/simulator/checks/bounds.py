"""The limits on dispatch that hold at every write of a run, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dev.simulator.system.simulator import Simulator
from tidegate.domain.callers import namespace_of
from tidegate.domain.changes import JobChange
from tidegate.domain.job import Job
from tidegate.domain.keys import plain_key
from tidegate.domain.lanes import MAIN
from tidegate.domain.rules import RuleKey, RuleKind, rules_from
from tidegate.domain.states import Group, State

_ACTIVE = frozenset({State.QUEUED, State.RUNNING})


@dataclass(slots=True)
class Bounds:
    """An observer. `most_dispatched` bounds the dispatched jobs of each pool, or is None without a bound.

    A rule binds the dispatcher runs that began after it was set. Earlier runs may have read the rules before.
    """

    most_dispatched: int | None = None
    dispatched: dict[str, Job] = field(default_factory=dict)
    _run_began_ms: dict[str, int] = field(default_factory=dict)  # by job: of the run that dispatched it
    _set_at_ms: dict[RuleKey, tuple[int, int]] = field(default_factory=dict)  # the value, and since when

    def __call__(self, simulator: Simulator, changes: list[JobChange]) -> None:
        """Replays the changes one by one, and then checks the whole."""
        for change in changes:
            self._replay(change, simulator.event_began_ms)
        self._note_rules(simulator)
        self._check_lanes(simulator)

    def _replay(self, change: JobChange, run_began_ms: int) -> None:
        job = change.new
        if job.state not in _ACTIVE:
            self.dispatched.pop(job.job_id, None)
            return
        is_new = change.old is None or change.old.state not in _ACTIVE
        self.dispatched[job.job_id] = job
        if not is_new:
            return
        # A job takes the time of its dispatch. Its run may have begun, and read the rules, long before.
        self._run_began_ms[job.job_id] = run_began_ms
        self._check_key(job)
        self._check_pauses(job, run_began_ms)
        self._check_type_limit(job)
        in_pool = sum(other.pool == job.pool for other in self.dispatched.values())
        assert self.most_dispatched is None or in_pool <= self.most_dispatched, job

    def _check_key(self, job: Job) -> None:
        if job.concurrency_key is not None:
            of_key = [other for other in self.dispatched.values() if _same_key(other, job)]
            assert len(of_key) <= min(other.concurrency_limit for other in of_key), of_key
            stored = [
                other for other in self.dispatched.values() if other.concurrency_key == job.concurrency_key
            ]
            assert stored == of_key, (
                "keys of two namespaces met, or one key of one namespace is stored in two ways"
            )

    def _check_pauses(self, job: Job, began_at_ms: int) -> None:
        for key in ((RuleKind.POOL_PAUSED, job.pool), (RuleKind.TYPE_PAUSED, job.type)):
            value, since_ms = self._set_at_ms.get(key, (0, 0))
            assert not (value and since_ms < began_at_ms), f"{key} since {since_ms}: {job}"

    def _check_type_limit(self, job: Job) -> None:
        limit, since_ms = self._set_at_ms.get((RuleKind.TYPE_LIMIT, job.type), (0, 0))
        of_type = [
            other
            for other in self.dispatched.values()
            if other.type == job.type and self._run_began_ms[other.job_id] > since_ms
        ]
        assert not limit or len(of_type) <= limit, of_type

    def _note_rules(self, simulator: Simulator) -> None:
        for key, entry in simulator.world.rules.items():
            if self._set_at_ms.get(key, (0, 0))[0] != entry.value:
                self._set_at_ms[key] = (entry.value, simulator.now_ms)

    def _check_lanes(self, simulator: Simulator) -> None:
        """Checks that each READY job is in one lane, which its pool's registry knows."""
        world = simulator.world
        shown = sorted(_shown_ready(simulator))
        ready = sorted(
            (job.job_id, job.pool, job.lane) for job in world.jobs.values() if job.state is State.READY
        )
        assert shown == ready
        lost = [each for each in ready if each[2] != MAIN and (each[1], each[2]) not in world.lanes]
        assert not lost, rules_from(world.rules)


def _same_key(one: Job, other: Job) -> bool:
    """Tells whether two jobs have the same concurrency key, as their callers wrote it, in one namespace."""
    keys = [
        (namespace_of(job.submitted_by or ""), plain_key(job.concurrency_key or "", job.submitted_by))
        for job in (one, other)
    ]
    return one.concurrency_key is not None and keys[0] == keys[1]


def _shown_ready(simulator: Simulator) -> Iterator[tuple[str, str, str]]:
    for (pool, group, _, lane), entries in simulator.world.index.items():
        if group is Group.READY:
            yield from ((job_id, pool, lane) for _, job_id in entries)
