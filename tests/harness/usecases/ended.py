"""A deployment whose ended jobs are counted, and people who end its jobs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.jobs import new_job
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.states import State
from tidegate.domain.statistics.ended import EndedJob, end_of
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, Counted, Span
from tidegate.usecases.services import Services

POOL = "lambda"
PROCESS_POOL = "ecs"
START_MS = NOW_MS // DAY_MS * DAY_MS + 21 * HOUR_MS  # three hours before a midnight


def deployment() -> tuple[Services, MemoryWorld]:
    return memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=START_MS))


class People:
    """Ends jobs at random times and reopens some; `ends` is every end that there ever was."""

    def __init__(self, services: Services, world: MemoryWorld, seed: int) -> None:
        self.services, self.world, self.chance = services, world, random.Random(seed)
        self.ends: list[EndedJob] = []

    def end(self, at_ms: int, job_id: str | None = None) -> None:
        """Ends a new job, or one that was reopened."""
        state = self.chance.choice([State.SUCCEEDED, State.SUCCEEDED, State.FAILED, State.SKIPPED])
        job = self.world.jobs.get(job_id or "") or new_job(
            f"{len(self.world.jobs):026d}",
            pool=POOL,
            type=self.chance.choice(["a", "b"]),
            created_at_ms=at_ms,
            ready_at_ms=at_ms,
            history=(HistoryEntry(at_ms, State.READY, 0, "submit"),),
        )
        history = (
            *job.history,
            HistoryEntry(at_ms, State.QUEUED, 1, "dispatcher"),
            HistoryEntry(at_ms, State.RUNNING, 1, "w"),
            HistoryEntry(at_ms, state, 1, "w"),
        )
        job = replace(
            job, state=state, finished_at_ms=at_ms, began_at_ms=at_ms - 500, worker_id="w", history=history
        )
        self.world.write(job)
        self.ends.append(end_of(job))

    def reopen(self, at_ms: int) -> str | None:
        """Keeps the end of an ended job and reopens it, unless the reopening is refused; returns its id."""
        ended = [job for job in self.world.jobs.values() if job.finished_at_ms is not None]
        if not ended:
            return None
        job: Job = self.chance.choice(ended)
        self.services.kept_ends.keep([job])
        if self.chance.random() < 0.3:
            return None
        self.world.write(
            replace(
                job,
                state=State.READY,
                finished_at_ms=None,
                ready_at_ms=at_ms,
                reopened=job.reopened + 1,
                history=(*job.history, HistoryEntry(at_ms, State.READY, 0, "caller")),
            )
        )
        return job.job_id


def stored(world: MemoryWorld, span: Span, of: str = POOL) -> list[Counted]:
    return sorted(
        (
            kept.counted(begin, end)
            for (pool, kind, begin, end), kept in world.rollups.items()
            if kind is span and pool == of
        ),
        key=lambda each: each.from_ms,
    )


@contextmanager
def dying_at(world: MemoryWorld, request: int) -> Iterator[None]:
    """Lets the counter die at its request of this number, before or after the request takes effect."""
    seen = 0

    def refuse(_name: str) -> None:
        nonlocal seen
        seen += 1
        if seen == request:
            raise ServiceUnavailable("the run died")

    world.on_request = refuse
    try:
        with suppress(ServiceUnavailable):
            yield
    finally:
        world.on_request = lambda _name: None
