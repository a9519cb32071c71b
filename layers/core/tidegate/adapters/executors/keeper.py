"""The keeper of a process for job code: `python -m tidegate.adapters.executors.keeper LINE CONTROL PACKAGE ...`.

The keeper forks the process that runs job code, and runs no job code itself. Every process that job code starts stays
a descendant of the keeper, even if it left its session or its parent ended. So the keeper can end all of them: after
each attempt, when the worker asks for it; when job code's process ends; and when the worker is gone for any reason.

Job code may kill or stop its keeper, because the keeper is its parent. So there are two keepers, and the outer one is
the parent of the inner one. If one of them is gone, the other ends everything.

The worker talks to the inner keeper over CONTROL, which ends with the worker. The keeper first sends the id of job
code's process and a line break. `s` asks it to end all processes that an attempt left; the answer is CLEAN, ENDED or
LEFT. A keeper that has ended everything sends DONE last.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from tidegate.adapters.executors.process_tree import end_descendants, is_alone
from tidegate.kernel import adopt_orphans, die_with_parent, hide_process

SWEEP = b"s"
CLEAN = b"c"  # there was nothing to end
ENDED = b"e"  # processes were left, and are gone now
LEFT = b"l"  # processes are left that can't be ended, or that start faster than they are ended
DONE = b"d"  # the last message: all descendants of this keeper are gone
SWEEP_SECONDS = 5.0
_PAUSE_SECONDS = 0.001
_BLOCK_BYTES = 512
INNER_SECONDS = 2.0  # the outer keeper takes over after this time if the inner one has not ended everything
# With this event the outer keeper notices the end of the connection without reading from it.
_LINE_ENDED = getattr(select, "POLLRDHUP", select.POLLHUP)


class _Keeper:
    """Watches one process, `child`, and ends all descendants of this process when the child is gone.

    The worker is at the other end of `control`. The keeper keeps it open to the end, because the worker waits for
    that.
    """

    def __init__(self, child: int, control: socket.socket) -> None:
        self._child = child
        self._control = control
        self._status: int | None = None
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _hear)

    def _reap(self) -> None:
        """Collects dead processes: the child, and orphans that this process has adopted."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid != self._child:
                continue
            if os.WIFSTOPPED(status):
                self._child_stopped()
            else:
                self._status = status

    def _child_stopped(self) -> None:
        """Does nothing, because job code's process may stop itself."""

    def _clear_wake(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake, _BLOCK_BYTES)

    def _end_everything(self) -> None:
        """Ends all descendants of this process, then this process in the way in which the child ended."""
        if self._status is None:
            os.kill(self._child, signal.SIGKILL)  # first of all, so that it starts nothing more
        with suppress(ProcessLookupError, PermissionError):  # it may have no group of its own
            os.killpg(self._child, signal.SIGKILL)  # without Linux's /proc, no more than this can be done
        _, all_gone = end_descendants(os.getpid(), spared=(), seconds=SWEEP_SECONDS, reap=self._reap)
        self._wait_for_child()
        if all_gone:
            with suppress(OSError):  # the worker may be gone
                self._control.send(DONE, socket.MSG_DONTWAIT)
        code = 0 if self._status is None else os.waitstatus_to_exitcode(self._status)
        if code < 0:  # the worker's outcome names this signal
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [-code])
            if -code != signal.SIGKILL:
                signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        os._exit(abs(code))

    def _wait_for_child(self) -> None:
        """Waits up to 5 seconds for the child; a killed process can be collected only once all its threads are dead."""
        until_s = time.monotonic() + SWEEP_SECONDS
        self._reap()
        while self._status is None and time.monotonic() < until_s:
            time.sleep(_PAUSE_SECONDS)
            self._reap()


class InnerKeeper(_Keeper):
    """Watches job code's process and serves the worker's requests.

    `outer` is a pipe that ends with the outer keeper.
    """

    def __init__(self, child: int, control: socket.socket, outer: int) -> None:
        super().__init__(child, control)
        self._outer = outer

    def run(self) -> None:
        """Serves until the child, the worker or the outer keeper is gone; then ends everything."""
        with suppress(OSError):  # the worker is gone, which the loop below notices
            self._control.sendall(b"%d\n" % self._child)
        while True:
            self._reap()
            if self._status is not None:
                break
            ready, _, _ = select.select([self._control.fileno(), self._wake, self._outer], [], [])
            self._clear_wake()
            if self._outer in ready or (self._control.fileno() in ready and not self._answer()):
                break
        self._end_everything()

    def _answer(self) -> bool:
        """Serves one request of the worker; returns False if the worker is gone."""
        try:
            asked = self._control.recv(1)
            if asked != SWEEP:
                return False
            self._control.sendall(self._sweep())
        except OSError:
            return False
        return True

    def _sweep(self) -> bytes:
        if is_alone(self._child, os.getpid()):
            return CLEAN  # the usual case
        killed, all_gone = end_descendants(
            os.getpid(), spared={self._child}, seconds=SWEEP_SECONDS, reap=self._reap
        )
        if not all_gone:
            return LEFT
        return ENDED if killed else CLEAN


class OuterKeeper(_Keeper):
    """Watches the inner keeper: continues it if job code stopped it, and does its work if it is gone."""

    def __init__(self, inner: int, control: socket.socket) -> None:
        super().__init__(inner, control)
        self._ended = select.poll()
        self._ended.register(self._wake, select.POLLIN)
        self._ended.register(control.fileno(), _LINE_ENDED)

    def run(self) -> None:
        """Waits until the inner keeper is gone, or the worker is; then ends everything that is left.

        If the worker is gone, the inner keeper gets 2 seconds to do so first.
        """
        until_s: float | None = None
        while self._status is None and (until_s is None or time.monotonic() < until_s):
            if until_s is None:
                for descriptor, _ in self._ended.poll():
                    if descriptor != self._wake:
                        until_s = time.monotonic() + INNER_SECONDS
            else:
                select.select([self._wake], [], [], max(0.0, until_s - time.monotonic()))
            self._clear_wake()
            self._reap()
        self._end_everything()

    def _child_stopped(self) -> None:
        os.kill(self._child, signal.SIGCONT)


def _hear(number: int, frame: object) -> None:
    """Does nothing; without a handler the signal would not wake the keeper."""


def _heed_nothing() -> None:
    """Ignores every signal that can be ignored, because job code may send any signal to its parent."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)


def _adopt_orphans() -> None:
    try:
        adopt_orphans()
    except OSError as error:  # jobs run without this guarantee, and the log says so
        sys.stderr.write(f"{error}: daemons that job code starts may outlive it\n")


def main(arguments: Sequence[str]) -> None:
    """Splits into three processes, of which the last runs job code; `arguments` are LINE, CONTROL and packages."""
    line, control = int(arguments[0]), int(arguments[1])
    hide_process()
    _adopt_orphans()
    outer, held = os.pipe()
    inner = os.fork()
    if inner != 0:
        os.close(outer)
        os.close(line)  # only job code's process may hold it, so that its death ends the connection
        _heed_nothing()
        OuterKeeper(inner, socket.socket(fileno=control)).run()
        return
    os.close(held)
    os.setpgid(0, 0)
    _adopt_orphans()  # a fork does not inherit it
    keeper = os.getpid()
    child = os.fork()
    if child != 0:
        os.close(line)
        _heed_nothing()
        InnerKeeper(child, socket.socket(fileno=control), outer).run()
        return
    os.close(control)
    os.close(outer)
    os.setsid()  # signals that job code sends to its own group do not reach the keeper
    die_with_parent(keeper)
    # imported only here, so that the keepers stay small
    from tidegate.adapters.executors.json_schema import compile_schema
    from tidegate.adapters.executors.targets import SERVICES
    from tidegate.jobs import child as job_code
    from tidegate.jobs.targets.support import TargetSupport

    job_code.main(line, arguments[2:], TargetSupport(compile_schema, SERVICES))


if __name__ == "__main__":
    main(sys.argv[1:])
