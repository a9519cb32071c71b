"""One long-lived child process that runs job code, as its parent process sees it.

Parent and child exchange JSON messages over a connection. A keeper process (`keeper.py`) stands between the two.
"""

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

from tidegate.adapters.executors import keeper
from tidegate.adapters.executors.output import JobOutput, OutputReader
from tidegate.domain.errors import TidegateError

_OUTPUT = logging.getLogger("tidegate.output")
MAX_MESSAGE_BYTES = 8_000_000  # the largest allowed result takes at most a quarter of that as ASCII JSON
_MESSAGE_SECONDS = 10.0  # from the first byte of a message to its last; heartbeats wait for it
_SEND_SECONDS = 120.0  # a new child may hold the interpreter while it loads job code
_READ_BYTES = 262_144  # about as much as the connection buffers
_WORD_BYTES = 64
_LENGTH = struct.Struct("!i")  # multiprocessing's connections put a message's length before it
_REAP_SECONDS = 10.0  # a killed process is gone at once unless the kernel itself hangs
_KEEPER_SECONDS = 2 * keeper.SWEEP_SECONDS  # the keeper itself gives up after half of this


class JobProcessError(TidegateError):
    """The error for a child that is gone or that broke the protocol: no more messages come from it."""


class JobProcess:
    """One child process, in a session of its own, so that signals to the terminal's foreground group do not reach it.

    A keeper (`keeper.py`) between this process and the child ends all processes that job code started. `outputs`
    reads what job code prints and passes it to the log. The child gets `environment` in place of this process's own
    environment. `has_keys` marks a child that runs code which asked for AWS credentials. Raises OSError, MemoryError
    or RuntimeError where the child can't be started.
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
            # Only the child and its keeper may hold these ends: the end of the connections tells of their deaths.
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
        """The id of the process that runs job code. Raises JobProcessError where its keeper is gone."""
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
        """Ends every process that job code started and left behind; returns True if there was none.

        Call it only between two attempts. Raises JobProcessError where the keeper is gone, or a process can't be
        ended.
        """
        _ = self.pid  # reads the keeper's first message, so that the next one is the answer
        try:
            self._control.settimeout(_KEEPER_SECONDS)
            self._control.sendall(keeper.SWEEP)
            answer = self._control.recv(1)
        except OSError as error:
            raise JobProcessError("the keeper of job code's process does not answer") from error
        if answer not in (keeper.CLEAN, keeper.ENDED):
            raise JobProcessError("a process that job code started can't be ended")
        return answer == keeper.CLEAN

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends one message as JSON.

        Raises JobProcessError if the child is gone or does not read the message within 120 seconds.
        """
        _ = self.pid  # remembers the id now, so that the process group can be killed even without its keeper
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
        """Waits without limit for the first byte of the next message; returns the message.

        Raises JobProcessError if the child is gone, if the message takes longer than 10 seconds from its first byte
        to its last, or if it is malformed, because job code itself can write to the connection.
        """
        try:
            self.connection.poll(None)
            deadline_s = time.monotonic() + _MESSAGE_SECONDS
            (size_bytes,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline_s))
            if not 0 <= size_bytes <= MAX_MESSAGE_BYTES:
                raise JobProcessError(f"job code announced a message of {size_bytes:,} bytes")
            message = json.loads(self._read(size_bytes, deadline_s))
        except (EOFError, OSError, ValueError, RecursionError) as error:
            raise JobProcessError("the connection to job code's process is broken") from error
        if not isinstance(message, dict):
            raise JobProcessError("job code's process sent something that is no message")
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
        """Returns True if the child is gone, even while a process that it forked still holds its end of the connection.

        The child is left unreaped, so that `kill` can still end its process group. On macOS before Python 3.13 there
        is no call for this, so it returns False there until the child was reaped.
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
        """Kills the child and every process that job code started; returns a text that says how the child had ended."""
        with self._killing:
            if self._control.fileno() >= 0:
                self._end_keepers()
        return self._how_it_ended()

    def close(self) -> None:
        """Kills the child and closes the connection; only the thread that uses the child may call it."""
        self.kill()
        self.output.finish()
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
            self._kill_group()  # job code may have killed both of its keepers

    def _wait_for_keepers(self) -> None:
        """Waits up to 10 seconds until both keepers are gone; the end of the second one ends the control connection."""
        until_s = time.monotonic() + _REAP_SECONDS
        ended = select.poll()
        ended.register(self._control, select.POLLHUP)
        ended.poll(_REAP_SECONDS * 1_000)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, until_s - time.monotonic()))

    def _all_is_gone(self) -> bool:
        """Returns True if a keeper said that all is ended: the id of the process group may then already be reused."""
        with contextlib.suppress(OSError):
            while said := self._control.recv(_WORD_BYTES, socket.MSG_DONTWAIT):
                self._is_done = self._is_done or keeper.DONE in said
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
