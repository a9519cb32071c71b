"""Huey's jobs and settings. Runs in the peers' environment."""

from __future__ import annotations

import os
from collections.abc import Callable

from huey import RedisHuey, chord

huey = RedisHuey("bench", url=os.environ["BENCH_BROKER"], results=True, store_none=True)


def _noop(*_ignored: object) -> int:
    """Does nothing."""
    return 0


noop = huey.task(name="noop")(_noop)


class Jobs:
    """What the driver asks for. Every call enqueues and returns at once, with a look at whether all has ended."""

    last = ""

    def burst(self, count: int) -> Callable[[], bool]:
        """Jobs without dependencies, one call each."""
        return self._ended(count, lambda: [noop() for _ in range(count)])

    def chain(self, count: int) -> Callable[[], bool]:
        """A pipeline: each job enqueues the next."""

        def enqueue() -> None:
            pipeline = noop.s()
            for _ in range(count - 1):
                pipeline = pipeline.then(noop)
            huey.enqueue(pipeline)

        return self._ended(count, enqueue)

    def join(self, count: int) -> Callable[[], bool]:
        """A chord; its members' results are taken away by the callback, so only that is waited for."""
        handle = huey.enqueue(chord([noop.s() for _ in range(count)], noop.s()))
        task_id = handle.callback.id
        return lambda: huey.get(task_id, peek=True) is not None

    def _ended(self, count: int, enqueue: Callable[[], object]) -> Callable[[], bool]:
        before = huey.result_count()
        enqueue()
        return lambda: huey.result_count() >= before + count
