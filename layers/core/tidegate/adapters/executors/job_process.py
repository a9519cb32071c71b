"""A long-lived child process that runs job code, and the parent's end of the line to it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from tidegate.adapters.executors import keeper as job_keeper
from tidegate.adapters.executors.output import (
    JobOutput,
    OutputReader,
)
from tidegate.domain.errors import TidegateError

_OUTPUT = logging.getLogger("tidegate.output")
MAX_MESSAGE_BYTES = 8_000_000  # a result at its limit is at most a quarter of that as ASCII JSON
_MESSAGE_SECONDS = 10.0  # from a message's first byte to its last; heartbeats wait meanwhile
_SEND_SECONDS = 120.0  # a new child may hold the interpreter while it loads job code
_READ_BYTES = 262_144  # about what the line holds
_WORD_BYTES = 64
_LENGTH = struct.Struct("!i")  # what multiprocessing's connections put before a message
_REAP_SECONDS = 10.0  # a killed process is gone at once unless the kernel itself hangs
_KEEPER_SECONDS = 2 * job_keeper.SWEEP_SECONDS  # it gives up after the half of that


class JobProcessError(TidegateError):
    """The child is gone; nothing more comes from it."""


class JobProcess:
    """One child in a session of its own: signals to the terminal's foreground group do not reach it.

    A keeper (`job_keeper`) stands between it and this process, and ends what job code started. Job code's output is
    read by `outputs` and goes to the log. It gets `environment` and not this process's own; `has_keys` says that it
    runs code which asked for AWS credentials. Raises OSError, MemoryError or RuntimeError where it can't be started.
    """

    def __init__(
        self,
        packages: Sequence[str],
        environment: Mapping[str, str],
        outputs: OutputReader,
        *,
        has_keys: bool = False,
    ) -> None:
        self.has_keys = has_keys
        self.attempts = 0
        self._killing = threading.Lock()
        self._pid: int | None = None
        self._is_done = False
        parent, child = Pipe(duplex=True)
        self.connection: Connection[Any, Any] = parent
        self._line = socket.socket(fileno=os.dup(parent.fileno()))
        self._control, control = socket.socketpair()
        self._outputs = outputs
        prints, printed = os.pipe()
        self.output = JobOutput(prints, _log, "job code, between jobs")
        self._control.settimeout(_SEND_SECONDS)
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-u", "-P", "-m", "tidegate.adapters.executors.keeper"),
                    *(str(child.fileno()), str(control.fileno()), *packages),
                ],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                pass_fds=[child.fileno(), control.fileno()],
                start_new_session=True,
                env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except BaseException:
            self._close_lines()
            raise
        finally:
            # Only the child and its keeper may hold their ends, or their deaths would not end the lines.
            child.close()
            control.close()
            os.close(printed)
        try:
            outputs.add(self.output)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The number of the process that runs job code. Raises JobProcessError where its keeper is gone."""
        if self._pid is None:
            said = b""
            try:
                while not said.endswith(b"\n"):
                    part = self._control.recv(1)
                    if not part:
                        raise JobProcessError("the keeper of job code's process is gone")
                    said += part
            except OSError as error:
                raise JobProcessError("the keeper of job code's process does not answer") from error
            self._pid = int(said)
        return self._pid

    def end_leftovers(self) -> bool:
        """Ends every process that job code started and left; True where it had left none.

        Only between two attempts. Raises JobProcessError where the keeper is gone, or something can't be ended.
        """
        _ = self.pid  # what the keeper says first
        try:
            self._control.settimeout(_KEEPER_SECONDS)
            self._control.sendall(job_keeper.SWEEP)
            answer = self._control.recv(1)
        except OSError as error:
            raise JobProcessError("the keeper of job code's process does not answer") from error
        if answer not in (job_keeper.CLEAN, job_keeper.ENDED):
            raise JobProcessError("what job code started can't be ended")
        return answer == job_keeper.CLEAN

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends one message; raises JobProcessError, also where the child does not read it in time."""
        _ = self.pid  # known from here on, so that its group can be ended even without its keeper
        data = json.dumps(message).encode()
        left = memoryview(_LENGTH.pack(len(data)) + data)
        deadline_s = time.monotonic() + _SEND_SECONDS
        room = select.poll()
        room.register(self._line, select.POLLOUT)
        try:
            while left:
                if not room.poll(max(0.0, deadline_s - time.monotonic()) * 1_000):
                    raise JobProcessError(f"job code's process read no message for {_SEND_SECONDS:g} s")
                left = left[self._line.send(left[:_READ_BYTES], socket.MSG_DONTWAIT) :]
        except OSError as error:
            raise JobProcessError from error

    def receive(self) -> Mapping[str, Any]:
        """The next message, waiting for its first byte.

        Raises JobProcessError, also where what came is no message of the child's, or no whole one in time: job code
        can write to the line.
        """
        try:
            self.connection.poll(None)
            deadline_s = time.monotonic() + _MESSAGE_SECONDS
            (size_bytes,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline_s))
            if not 0 <= size_bytes <= MAX_MESSAGE_BYTES:
                raise JobProcessError(f"job code announced a message of {size_bytes:,} bytes")
            message = json.loads(self._read(size_bytes, deadline_s))
        except (EOFError, OSError, ValueError, RecursionError) as error:
            raise JobProcessError("the line to job code is broken") from error
        if not isinstance(message, dict):
            raise JobProcessError("what came over the line to job code is no message")
        return message

    def _read(self, size_bytes: int, deadline_s: float) -> bytes:
        data = bytearray()
        while len(data) < size_bytes:
            if not self.connection.poll(max(0.0, deadline_s - time.monotonic())):
                raise JobProcessError(f"a message of job code did not end within {_MESSAGE_SECONDS:g} s")
            part = os.read(self.connection.fileno(), min(size_bytes - len(data), _READ_BYTES))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def has_ended(self) -> bool:
        """Whether the child is gone, though a process that it forked may hold its end of the line still.

        It is left unreaped, so that `kill` can still end its group. Never known on macOS before Python 3.13, which has
        no call for that.
        """
        if self._process.returncode is not None:
            return True
        if not hasattr(os, "waitid"):
            return False
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def kill(self) -> str:
        """Ends the child and every process that job code started; returns how the child had ended."""
        with self._killing:
            if self._control.fileno() >= 0:
                self._end_keepers()
        return self._how_it_ended()

    def close(self) -> None:
        """Ends the child and the line to it; only for the thread that uses it."""
        self.kill()
        self._close_lines()

    def _close_lines(self) -> None:
        self._line.close()
        with self._killing:
            self._control.close()
        self.connection.close()
        self._outputs.remove(self.output)

    def _end_keepers(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)  # job code may have stopped it
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        self._wait_for_keepers()
        if self._process.poll() is None:
            self._process.kill()  # then the inner keeper ends everything
            self._wait_for_keepers()
        if not self._all_is_gone():
            self._kill_group()  # job code may have ended both of its keepers

    def _wait_for_keepers(self) -> None:
        """Waits until both keepers are gone, for a bounded time: the line to them ends with the second."""
        until_s = time.monotonic() + _REAP_SECONDS
        ended = select.poll()
        ended.register(self._control, select.POLLHUP)
        ended.poll(_REAP_SECONDS * 1_000)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, until_s - time.monotonic()))

    def _all_is_gone(self) -> bool:
        """Whether a keeper said so: then the number of the group may be another's by now."""
        with contextlib.suppress(OSError):
            while said := self._control.recv(_WORD_BYTES, socket.MSG_DONTWAIT):
                self._is_done = self._is_done or job_keeper.DONE in said
        return self._is_done

    def _kill_group(self) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)

    def _how_it_ended(self) -> str:
        code = self._process.returncode
        if code is None:
            return "it does not react"
        if code >= 0:
            return f"it exited with status {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:  # most real-time signals have none
            name = str(-code)
        return f"signal {name} ended it"


def _log(label: str, line: str) -> None:
    _OUTPUT.info("%s: %s", label, line)
