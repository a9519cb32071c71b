"""Lends child processes to the attempts of one executor: starts them ahead, takes them back, reuses and kills them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from tidegate.adapters.executors.environment import JobEnvironment
from tidegate.adapters.executors.job_process import JobProcess
from tidegate.adapters.executors.output import OutputReader

_LOGGER = logging.getLogger("tidegate.worker")


class ProcessLender:
    """Lends child processes that can run the job code of `packages`. Threads may share it.

    A process that was started with AWS keys is lent again only to attempts that ask for keys. Each process runs at
    most `attempts` attempts; then it is ended.
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
        """True after `close` was called."""
        return self._closed

    @property
    def idle(self) -> list[JobProcess]:
        """The processes that are not lent at the moment."""
        return [child for children in self._idle.values() for child in children]

    @property
    def busy(self) -> set[JobProcess]:
        """The processes that are lent at the moment."""
        return set(self._busy)

    def warm(self, count: int) -> None:
        """Starts `count` processes without AWS keys and returns before they have loaded job code.

        When the system can't start a process, a warning is logged and `borrow` tries again once a job needs one.
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
        """Lends a process that runs nothing; returns None after `close`.

        `with_keys` asks for a process with AWS keys, `new` for one that never ran anything. The process may already
        be about to end, because the kernel reports a death only after every thread is gone. Raises OSError where no
        process can be started.
        """
        with self._lock:
            if self._closed:
                return None
            idle = None if new else self._idle_one(with_keys)
            child = idle or self._start(with_keys=with_keys)
            self._busy.add(child)
            return child

    def take_back(self, child: JobProcess) -> None:
        """Takes back a process whose attempt ended by itself, or that only described its job types.

        It is kept for the next attempt, or ended once it has run its last allowed attempt.
        """
        with self._lock:
            self._busy.discard(child)
            if child.attempts < self._attempts and not self._closed:
                self._idle[child.has_keys].append(child)
                return
        child.close()

    def discard(self, child: JobProcess) -> str:
        """Kills a lent process and returns a text that says how it had ended."""
        with self._lock:
            self._busy.discard(child)
        how = child.kill()
        child.close()
        return how

    def close(self) -> None:
        """Kills all processes; afterwards `borrow` returns None."""
        with self._lock:
            self._closed = True
            idle = self.idle
            self._idle = {False: [], True: []}
            busy = list(self._busy)
        for child in idle:
            child.close()
        for child in busy:
            child.kill()  # the thread that borrowed it closes its connection
        self._outputs.close()

    def _idle_one(self, with_keys: bool) -> JobProcess | None:
        while self._idle[with_keys]:
            child = self._idle[with_keys].pop()
            if not child.has_ended():
                return child
            child.close()  # something that an earlier job left running ended it
        return None

    def _start(self, *, with_keys: bool) -> JobProcess:
        environment = self._environment.at_start(with_keys=with_keys)
        try:
            return JobProcess(self._packages, environment, self._outputs, has_keys=with_keys)
        except (MemoryError, RuntimeError) as error:
            # Python raises these when the system has no memory or thread left, which is not the fault of a job.
            raise OSError(f"no process can be started: {str(error) or type(error).__name__}") from error
