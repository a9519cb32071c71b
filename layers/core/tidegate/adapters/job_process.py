"""A long-lived child process that runs job code, and the parent's end of the line to it."""

from __future__ import annotations

import contextlib
import json
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

from tidegate.domain.errors import TidegateError

MAX_MESSAGE_BYTES = 8_000_000  # a result at its limit is at most a quarter of that as ASCII JSON
_MESSAGE_SECONDS = 10.0  # from a message's first byte to its last; heartbeats wait meanwhile
_SEND_SECONDS = 120.0  # a new child may hold the interpreter while it loads job code
_READ_BYTES = 262_144  # about what the line holds
_LENGTH = struct.Struct("!i")  # what multiprocessing's connections put before a message
_REAP_SECONDS = 10.0  # a killed process is gone at once unless the kernel itself hangs


class JobProcessError(TidegateError):
    """The child is gone; nothing more comes from it."""


class JobProcess:
    """One child in a session of its own: signals to the terminal's foreground group do not reach it.

    What job code prints goes to this process's standard error. It gets `environment` and not this process's own;
    `has_keys` says that it runs code which asked for AWS credentials.
    """

    def __init__(
        self, packages: Sequence[str], environment: Mapping[str, str], *, has_keys: bool = False
    ) -> None:
        self.has_keys = has_keys
        self._killing = threading.Lock()
        parent, child = Pipe(duplex=True)
        self.connection: Connection[Any, Any] = parent
        self._line = socket.socket(fileno=os.dup(parent.fileno()))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-P", "-m", "tidegate.handlers.child", str(child.fileno()), *packages],
                stdin=subprocess.DEVNULL,
                stdout=2,
                stderr=2,
                pass_fds=[child.fileno()],
                start_new_session=True,
                env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        finally:
            # Only the child may hold its end, or its death would not end the line.
            child.close()

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends one message; raises JobProcessError, also where the child does not read it in time."""
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
        """Ends the child and every process that job code started in its group; returns how it had ended."""
        with self._killing:
            # The group goes first: until the child is reaped, its number can't be another's.
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_REAP_SECONDS)
        return self._how_it_ended()

    def close(self) -> None:
        """Ends the child and the line to it; only for the thread that uses it."""
        self.kill()
        self._line.close()
        self.connection.close()

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
