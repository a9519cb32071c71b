"""The child processes of an executor: started ahead, lent to one attempt at a time, used again, killed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from tidegate.adapters.executors.environment import JobEnvironment
from tidegate.adapters.executors.job_process import JobProcess
from tidegate.adapters.executors.output import OutputReader

_LOGGER = logging.getLogger("tidegate.worker")


class JobProcesses:
    """Lends processes that run job code of `packages`. Threads may share it.

    A process that was given keys is lent again only where keys are asked for. None is lent for more than `attempts`
    attempts.
    """

    def __init__(self, packages: Sequence[str], environment: JobEnvironment, *, attempts: int) -> None:
        self._packages = packages
        self._environment = environment
        self._attempts = attempts
        self._outputs = OutputReader()
        self._lock = threading.Lock()
        self._idle: dict[bool, list[JobProcess]] = {False: [], True: []}
        self._busy: set[JobProcess] = set()
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def idle(self) -> list[JobProcess]:
        """Those that nobody has now."""
        return [child for children in self._idle.values() for child in children]

    @property
    def busy(self) -> set[JobProcess]:
        """Those that are lent."""
        return set(self._busy)

    def warm(self, count: int) -> None:
        """Starts `count` processes without keys; does not wait for them.

        One that can't be started is left for when a job needs it.
        """
        for _ in range(count):
            try:
                started = self._start(with_keys=False)
            except OSError as error:
                _LOGGER.warning("no process was started ahead of the first jobs: %s", error)
                return
            with self._lock:
                self._idle[False].append(started)

    def borrow(self, *, with_keys: bool, new: bool = False) -> JobProcess | None:
        """A process that runs nothing, with `new` one that never ran anything, None once they are closed.

        One that is about to end may be lent still: the kernel tells of a death only when every thread is gone. Raises
        OSError where none can be started.
        """
        with self._lock:
            if self._closed:
                return None
            idle = None if new else self._idle_one(with_keys)
            child = idle or self._start(with_keys=with_keys)
            self._busy.add(child)
            return child

    def give_back(self, child: JobProcess) -> None:
        """Takes back one whose attempt ended by itself, or that only described itself."""
        with self._lock:
            self._busy.discard(child)
            if child.attempts < self._attempts and not self._closed:
                self._idle[child.has_keys].append(child)
                return
        child.close()

    def discard(self, child: JobProcess) -> str:
        """Ends one that was lent; returns how it had ended."""
        with self._lock:
            self._busy.discard(child)
        how = child.kill()
        child.close()
        return how

    def close(self) -> None:
        """Kills all of them; none is lent any more."""
        with self._lock:
            self._closed = True
            idle = self.idle
            self._idle = {False: [], True: []}
            busy = list(self._busy)
        for child in idle:
            child.close()
        for child in busy:
            child.kill()  # its thread closes the line
        self._outputs.close()

    def _idle_one(self, with_keys: bool) -> JobProcess | None:
        while self._idle[with_keys]:
            child = self._idle[with_keys].pop()
            if not child.has_ended():
                return child
            child.close()  # ended by what an earlier job had left running in it
        return None

    def _start(self, *, with_keys: bool) -> JobProcess:
        environment = self._environment.at_start(with_keys=with_keys)
        try:
            return JobProcess(self._packages, environment, self._outputs, has_keys=with_keys)
        except (MemoryError, RuntimeError) as error:
            # So Python says that the system has no memory or no thread left: no job is to blame for that.
            raise OSError(f"no process can be started: {str(error) or type(error).__name__}") from error
