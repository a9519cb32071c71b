"""Runs the command of a target: a program without a shell, in a process group that ends with the attempt.

The command reads the parameters as JSON from standard input. Its output is the job's log. A request to stop reaches its
whole group as SIGTERM, and as SIGKILL if it has not ended `GRACE_SECONDS` later. The executor's own grace may be
shorter, and then the executor ends everything.
"""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from tidegate.domain import limits
from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.domain.meanings import Meaning
from tidegate.domain.targets import HERE, Command
from tidegate.jobs.context import JobContext, Upstreams
from tidegate.jobs.targets.bounds import Bounds
from tidegate.jobs.targets.last_line import LastLine

MAX_VARIABLE_BYTES = 100_000
"""The most that TIDEGATE_PARAMETERS holds; Linux refuses a variable of 128 KiB (execve(2), MAX_ARG_STRLEN)."""
GRACE_SECONDS = 30.0
_LOOK_SECONDS = 0.05  # interval of the checks for the command's end and for a request to stop
_READ_BYTES = 65_536  # the capacity of a pipe
_LAST_READS = 16  # the largest pipe of a user without privileges holds 1 MiB
_REAP_SECONDS = 10.0  # a killed process is gone at once unless the kernel itself hangs
_STANDARD_OUTPUT = 1


def run_command(
    command: Command, folder: Path, parameters: Mapping[str, Json], context: JobContext, bounds: Bounds
) -> Json:
    """Runs a command in the working directory to its end; returns its result, None where it gave none.

    `folder` is the folder of targets.yaml, which an argument names by `{here}/`. Raises JobError for another exit code
    than 0 and for a result that is too large or missing, JobCancelled, and JobTimedOut.
    """
    with _upstreams_file(context.upstreams) as upstreams, tempfile.TemporaryFile() as given:
        given.write(json.dumps(parameters, default=dict).encode() + b"\n")
        given.seek(0)
        variables = _variables(folder, parameters, context)
        if upstreams is not None:
            variables["TIDEGATE_UPSTREAMS_FILE"] = upstreams
        last_line = LastLine(limits.MAX_RESULT_BYTES)
        code = _run(
            [_argument(each, folder) for each in command.arguments],
            given.fileno(),
            variables,
            last_line,
            bounds,
        )
    if code != 0:
        raise failure_of(command.exit_codes, code, "command")
    if command.result_file is not None:
        return _result_in(command.result_file)
    return result_of_line(last_line.value())


def _argument(text: str, folder: Path) -> str:
    return str(folder / text.removeprefix(HERE)) if text.startswith(HERE) else text


def attempt_variables(context: JobContext) -> dict[str, str]:
    """Returns the variables by which a program knows its job and attempt, by their names."""
    variables = {"TIDEGATE_JOB_ID": context.job_id, "TIDEGATE_ATTEMPT": str(context.attempt)}
    if context.key is not None:
        variables["TIDEGATE_JOB_KEY"] = context.key
    return variables


def _variables(folder: Path, parameters: Mapping[str, Json], context: JobContext) -> dict[str, str]:
    variables = {**attempt_variables(context), "TIDEGATE_TARGETS_FOLDER": str(folder)}
    # ASCII alone, so that the text is the same in every locale. JSON writes the character NUL, which no variable can
    # hold, as an escape.
    text = json.dumps(parameters, default=dict)
    if len(text) <= MAX_VARIABLE_BYTES:
        variables["TIDEGATE_PARAMETERS"] = text
    return variables


@contextmanager
def _upstreams_file(upstreams: Upstreams) -> Iterator[str | None]:
    """Writes the upstreams with their results into a file for the block; gives its path, None without upstreams."""
    if not upstreams:
        yield None
        return
    value = {
        name: {"job_id": one.job_id, "key": one.key, "state": one.state.value, "result": one.result}
        for name, one in upstreams.items()
    }
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="upstreams-", suffix=".json") as file:
        json.dump(value, file)
        file.flush()
        yield file.name


def _run(
    arguments: list[str], given: int, variables: Mapping[str, str], last_line: LastLine, bounds: Bounds
) -> int:
    """Runs a program to its end; returns its exit code, or less than 0 where a signal ended it."""
    bounds.check()
    try:
        process = subprocess.Popen(
            arguments,
            stdin=given,
            stdout=subprocess.PIPE,
            env={**os.environ, **variables},
            process_group=0,
        )
    except OSError as error:
        raise JobError(
            f"the command {arguments[0]!r} can't be started: {error.strerror}; install it where the worker runs, or "
            "correct targets.yaml",
            code="command-not-started",
        ) from error
    running = _Running(process, last_line)
    try:
        was_stopped = running.watch(bounds)
    finally:
        running.end()
    if was_stopped:
        bounds.check()
    return process.returncode


class _Running:
    """One command that runs: its output is passed on, and its group is stopped or ended."""

    def __init__(self, process: subprocess.Popen[bytes], last_line: LastLine) -> None:
        self._process = process
        self._output = cast("IO[bytes]", process.stdout)  # it was started with a pipe
        self._last_line = last_line
        os.set_blocking(self._output.fileno(), False)

    def watch(self, bounds: Bounds) -> bool:
        """Waits until the command has ended by itself or was stopped; returns True if it was asked to stop."""
        readable = select.poll()
        readable.register(self._output, select.POLLIN)
        is_open = True
        kill_at_s: float | None = None
        while not self._has_ended():
            if not is_open:
                time.sleep(_LOOK_SECONDS / 2)
            elif readable.poll(_LOOK_SECONDS * 1_000):
                is_open = self._pass_on() != b""
            if kill_at_s is None and bounds.reached:
                kill_at_s = time.monotonic() + GRACE_SECONDS
                self._signal(signal.SIGTERM)
            elif kill_at_s is not None and time.monotonic() >= kill_at_s:
                self._signal(signal.SIGKILL)
        return kill_at_s is not None

    def end(self) -> None:
        """Ends every process of the command's group, and passes on what the command has printed last."""
        # The group is ended before its first process is collected, because its number could be given to another then.
        self._signal(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_REAP_SECONDS)
        with self._output:
            for _ in range(_LAST_READS):
                if not self._pass_on():
                    break

    def _has_ended(self) -> bool:
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is not None
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _pass_on(self) -> bytes | None:
        """Passes some of the output on to the job's log and returns it; empty at its end, None where none is there."""
        try:
            part = os.read(self._output.fileno(), _READ_BYTES)
        except BlockingIOError:
            return None
        self._last_line.take(part)
        print_bytes(part)
        return part


def print_bytes(part: bytes) -> None:
    """Writes to standard output, which is the job's log."""
    left = memoryview(part)
    while left:
        left = left[os.write(_STANDARD_OUTPUT, left) :]


def failure_of(exit_codes: Mapping[int, Meaning], code: int, program: str) -> JobError:
    """Returns the error for a program that ended with `code`, which is less than 0 where a signal ended it."""
    if code < 0:
        name = _signal_name(-code)
        return JobError(
            f"the signal {name} ended the {program}; its output is in the job's log", code=f"signal-{name}"
        )
    meaning = exit_codes.get(code, Meaning(f"exit-code-{code}", retryable=True))
    return JobError(
        f"the {program} ended with exit code {code}; its output is in the job's log",
        code=meaning.code,
        retryable=meaning.retryable,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have none
        return str(number)


def result_of_line(line: bytes) -> Json:
    """Returns the value of the last line of output, None if it is no JSON. Raises JobError if it is too long."""
    if len(line) > limits.MAX_RESULT_BYTES:
        raise _too_large("the last line of standard output", "print a short last line")
    try:
        return _parsed(line)
    except (ValueError, RecursionError):
        return None


def _result_in(name: str) -> Json:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        with os.fdopen(os.open(name, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            text = file.read(limits.MAX_RESULT_BYTES + 1) if is_file else None
    except OSError as error:
        raise JobError(
            f"the command left no result in {name!r}: {error.strerror}; it must write that file in its working folder",
            code="result-missing",
            retryable=False,
        ) from error
    if text is None:
        raise JobError(f"the result {name!r} is no regular file", code="result-missing", retryable=False)
    if len(text) > limits.MAX_RESULT_BYTES:
        raise _too_large(f"the result in {name!r}", "store it elsewhere and write its address")
    try:
        return _parsed(text)
    except (ValueError, RecursionError) as error:
        raise JobError(
            f"the result in {name!r} is no JSON", code="result-not-json", retryable=False
        ) from error


def _parsed(text: bytes) -> Json:
    """Returns the value of a text; raises ValueError or RecursionError for one that no result can hold."""
    value: Json = json.loads(text.decode(), parse_constant=_refuse_constant)
    # Python reads infinity from 1e400, and half a character from an escape.
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _too_large(what: str, fix: str) -> JobError:
    return JobError(
        f"{what} is longer than {limits.MAX_RESULT_BYTES:,} bytes; {fix}, or give the result as a file",
        code="result-too-large",
        retryable=False,
    )
