"""Passes on what job code prints, line by line, labelled with its job and bounded in size.

Job code prints into a pipe. The reader always reads it to its end, so that no print blocks for long; output beyond
the limits is read and dropped. Bytes that are not UTF-8 and control characters of terminals are replaced.
"""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable

from tidegate.adapters.executors.attempt_lines import AttemptLines
from tidegate.domain.texts import plain_message

MAX_LINE_BYTES = 8_192  # the rest of a longer line is dropped
MAX_ATTEMPT_BYTES = 1_048_576  # output of one attempt beyond this is dropped
CUT = " [the rest of this line is left out]"
FULL = f"[printed more than {MAX_ATTEMPT_BYTES:,} bytes; the rest of this attempt is left out]"
_READ_BYTES = 65_536  # the capacity of a pipe
_LAST_READS = 2 * MAX_ATTEMPT_BYTES // _READ_BYTES  # far more than the capacity of a pipe
_READS = 4  # reads in a row, so that no job's output delays another's

WriteLine = Callable[[str, str], None]
"""Writes one line; its arguments are a label and the line."""


class JobOutput:
    """Reads `descriptor`, the reading end of a pipe, and passes its lines to `write`. Threads may share it.

    `label` names the source of lines that are printed outside of attempts.
    """

    def __init__(self, descriptor: int, write: WriteLine, label: str) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._write = write
        self._lock = threading.Lock()
        self._own_label = label
        self._label = label
        self._lines: AttemptLines | None = None
        self._line = bytearray()
        self._is_cut = False
        self._left_bytes = MAX_ATTEMPT_BYTES
        self._is_full = False
        self._closed = False

    @property
    def descriptor(self) -> int:
        """The descriptor of the reading end of the pipe."""
        return self._descriptor

    def begin(self, label: str, lines: AttemptLines) -> None:
        """Labels all lines from now on with `label`, which names an attempt, and passes them to its `lines` too."""
        with self._lock:
            self._label = label
            self._lines = lines

    def finish(self) -> None:
        """Passes on what the attempt has printed last; later lines get the executor's own label again.

        Call it only once nothing but the idle process can still print.
        """
        with self._lock:
            for _ in range(_LAST_READS):
                if not self._read():
                    break
            self._end_attempt()

    def read(self) -> bool:
        """Passes on some of the output that is there; returns False at the end of the pipe."""
        with self._lock:
            for _ in range(_READS):
                part = self._read()
                if part is None:
                    return True
                if not part:
                    self._end_attempt()
                    return False
        return True

    def close(self) -> None:
        """Passes on the last line and closes the pipe. A second call does nothing."""
        with self._lock:
            if not self._closed:
                self._end_attempt()
                self._closed = True
                os.close(self._descriptor)

    def _read(self) -> bytes | None:
        """Returns the bytes that were read, empty at the end of the pipe; None if nothing is there yet."""
        if self._closed:
            return None
        try:
            part = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        if not self._is_full:
            self._take(part)
        return part

    def _take(self, part: bytes) -> None:
        first, *others = part.split(b"\n")
        self._add(first)
        for piece in others:
            self._end_line()
            if self._is_full:
                return
            self._add(piece)

    def _add(self, piece: bytes) -> None:
        room = MAX_LINE_BYTES - len(self._line)
        self._line += piece[:room]
        self._is_cut = self._is_cut or len(piece) > room

    def _end_line(self) -> None:
        line, cut = bytes(self._line), CUT if self._is_cut else ""
        self._line.clear()
        self._is_cut = False
        self._left_bytes -= len(line) + 1
        if self._left_bytes < 0:
            self._is_full = True
            self._pass_on(FULL)
            return
        self._pass_on(plain_message(line.decode("utf-8", "backslashreplace")) + cut)

    def _pass_on(self, text: str) -> None:
        self._write(self._label, text)
        if self._lines is not None:
            self._lines.add(text)

    def _end_attempt(self) -> None:
        if self._line and not self._is_full:
            self._end_line()
        self._line.clear()
        self._label = self._own_label
        self._lines = None
        self._left_bytes = MAX_ATTEMPT_BYTES
        self._is_full = self._is_cut = False


class OutputReader:
    """Reads the outputs of many processes in one thread; raises OSError if the system has no descriptor left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outputs = selectors.DefaultSelector()
        try:
            self._wake, self._woken = os.pipe()
        except OSError:
            self._outputs.close()
            raise
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        self._outputs.register(self._wake, selectors.EVENT_READ)
        self._thread: threading.Thread | None = None
        self._gone: list[JobOutput] = []
        self._closed = False

    def add(self, output: JobOutput) -> None:
        """Reads `output` from now on, until it ends or is removed.

        Raises RuntimeError if the system has no thread left.
        """
        with self._lock:
            if self._closed:
                return
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="output", daemon=True)
                thread.start()
                self._thread = thread
            self._outputs.register(output.descriptor, selectors.EVENT_READ, output)

    def remove(self, output: JobOutput) -> None:
        """Stops reading `output` and closes it."""
        with self._lock:
            self._forget(output)
        output.close()

    def close(self) -> None:
        """Ends the thread, so outputs are no longer read. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
        os.write(self._woken, b"\0")
        if thread is not None:
            thread.join()
        with self._lock:
            self._outputs.close()
            os.close(self._wake)
            os.close(self._woken)

    def _run(self) -> None:
        while not self._closed:
            for key, _ in self._outputs.select():
                output: JobOutput | None = key.data
                if output is not None and not output.read():
                    with self._lock:
                        self._forget(output)

    def _forget(self, output: JobOutput) -> None:
        # The number of the descriptor may already belong to another output.
        known = self._outputs.get_map()  # None once the selector is closed
        key = known.get(output.descriptor) if known else None
        if key is not None and key.data is output:
            self._outputs.unregister(output.descriptor)
