"""A run that parts at each call: every way in which the call can fail goes on in a process of its own.

The calls before it are the same for each of its failures, so they run once. A copy of this process holds their effects:
the stack, the tables, the queues and the virtual time. In-process emulation and one thread make the copy whole.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import threading
import traceback
from typing import Any, NoReturn

from tests.harness.faults.injection import Fault, kinds_of


class Branches:
    """The branches of one run. `ends` holds what each of them answered, with its failure."""

    def __init__(self) -> None:
        self.ends: list[tuple[Fault, Any]] = []
        self._to_trunk: int | None = None
        self._fault: Fault | None = None

    @property
    def fault(self) -> Fault:
        """The failure of this branch."""
        assert self._fault is not None, "the trunk has no failure"
        return self._fault

    @property
    def is_branch(self) -> bool:
        """Whether this process is a branch. It must end with `answer` or `fail`."""
        return self._to_trunk is not None

    def part(self, number: int, operation: str) -> Fault | None:
        """Runs each failure of this call to its end. Returns a failure to the branch that has it, None to the trunk.

        Raises:
            AssertionError: A branch failed. The message is the traceback that it met.
        """
        if self.is_branch:
            return None
        assert threading.current_thread() is threading.main_thread(), "a copy would lack the other threads"
        for kind in kinds_of(operation):
            fault = Fault(number, kind)
            reading, writing = os.pipe()
            branch = os.fork()
            if branch == 0:
                os.close(reading)
                gc.disable()  # it would copy the memory that trunk and branch share
                self._to_trunk, self._fault = writing, fault
                return fault
            os.close(writing)
            self.ends.append((fault, _end_of(branch, reading)))
        return None

    def answer(self, value: object) -> NoReturn:
        """Ends this branch with what it found."""
        self._send(value)

    def fail(self, error: BaseException) -> NoReturn:
        """Ends this branch with the traceback of an error."""
        self._send(_Failure("".join(traceback.format_exception(error))))

    def _send(self, value: object) -> NoReturn:
        assert self._to_trunk is not None
        try:
            with os.fdopen(self._to_trunk, "wb") as file:
                pickle.dump(value, file)
        finally:
            os._exit(0)  # cleaning up is for the trunk


class _Failure(str):
    """The traceback that a branch met."""

    __slots__ = ()


def _end_of(branch: int, reading: int) -> Any:
    ended = False
    try:
        with os.fdopen(reading, "rb") as file:
            said = file.read()
        ended = True
    finally:
        if not ended:
            os.kill(branch, signal.SIGKILL)
        os.waitpid(branch, 0)
    assert said, "a branch ended without an answer"
    end = pickle.loads(said)  # noqa: S301  # our own copy wrote it
    assert not isinstance(end, _Failure), str(end)
    return end
