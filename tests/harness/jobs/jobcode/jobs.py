from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from pydantic import BaseModel

from tidegate.domain.job import Json
from tidegate.jobs import JobCancelled, JobContext, JobError, Parameters, job

# Longer than any test waits, but finite, so that no process stays for good if a test breaks.
LONG_SECONDS = 120.0


class Nothing(Parameters):
    pass


class Rows(Parameters):
    rows: int


class Sum(BaseModel):
    total: int
    ratio: float = 0.5


class Size(Parameters):
    size_bytes: int


class Depth(Parameters):
    depth: int


class Marker(Parameters):
    marker: Path


class Status(Parameters):
    status: int


class SecretError(Exception):
    pass


class MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("a secret")


def _spin(seconds: float = LONG_SECONDS) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


@job("sample.add", reads_upstreams=True)
def add(parameters: Rows, context: JobContext) -> Sum:
    total = parameters.rows
    for upstream in context.upstreams.values():
        assert isinstance(upstream.result, int)
        total += upstream.result
    return Sum(total=total)


@job("sample.describe")
def describe(parameters: Nothing, context: JobContext) -> Json:
    context.progress(0.25, "described")
    return {
        "job_id": context.job_id,
        "attempt": context.attempt,
        "key": context.key,
        "has_time": context.remaining_seconds > 1,
        "process": os.getpid(),
    }


@job("sample.refuse")
def refuse(parameters: Nothing, context: JobContext) -> None:
    raise JobError("the input is gone", retryable=False)


@job("sample.crash")
def crash(parameters: Rows, context: JobContext) -> None:
    raise SecretError(f"cannot work with {parameters.rows} rows")


@job("sample.leave")
def leave(parameters: Nothing, context: JobContext) -> None:
    sys.exit(3)


@job("sample.large")
def large(parameters: Size, context: JobContext) -> Json:
    return "x" * parameters.size_bytes


@job("sample.not-a-number")
def not_a_number(parameters: Nothing, context: JobContext) -> Json:
    return {"mean": float("nan")}


@job("sample.object")
def an_object(parameters: Nothing, context: JobContext) -> object:
    return {"when": object()}


@job("sample.spin")
def spin(parameters: Nothing, context: JobContext) -> None:
    context.progress(0.5, "spinning")
    _spin()


@job("sample.hold-interpreter")
def hold_interpreter(parameters: Nothing, context: JobContext) -> None:
    re.match(r"(a|a)+$", "a" * 200 + "b")


@job("sample.swallow-once")
def swallow_once(parameters: Nothing, context: JobContext) -> None:
    try:
        _spin()
    except BaseException:  # noqa: BLE001 - this job ignores errors on purpose
        _spin()


@job("sample.clean-up")
def clean_up(parameters: Marker, context: JobContext) -> None:
    try:
        _spin()
    finally:
        time.sleep(0.1)
        parameters.marker.write_text("cleaned up", encoding="utf-8")


@job("sample.wait-for-stop")
def wait_for_stop(parameters: Nothing, context: JobContext) -> None:
    context.sleep(LONG_SECONDS)


@job("sample.finish-when-cancelled")
def finish_when_cancelled(parameters: Nothing, context: JobContext) -> Json:
    until = time.monotonic() + LONG_SECONDS
    while not context.cancelled and time.monotonic() < until:
        time.sleep(0.01)
    return "finished"


@job("sample.stop-unasked")
def stop_unasked(parameters: Nothing, context: JobContext) -> None:
    raise JobCancelled("I do not feel like it")


@job("sample.exit-process")
def exit_process(parameters: Nothing, context: JobContext) -> None:
    os._exit(7)


@job("sample.print")
def print_much(parameters: Nothing, context: JobContext) -> Json:
    sys.stdout.write('{"kind": "ended"}\n')
    sys.stdout.flush()
    return "printed"


@job("sample.start-grandchild")
def start_grandchild(parameters: Nothing, context: JobContext) -> None:
    grandchild = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG_SECONDS})"])
    context.progress(0.1, str(grandchild.pid))
    context.sleep(LONG_SECONDS)


@job("sample.throttled")
def throttled(parameters: Nothing, context: JobContext) -> None:
    raise JobError("the service asks for patience", code="Throttled", retry_after_seconds=120)


@job("sample.impatient")
def impatient(parameters: Nothing, context: JobContext) -> None:
    raise JobError("this is nonsense", code="N" * 100, retry_after_seconds=float("nan"))


@job("sample.mute")
def mute(parameters: Nothing, context: JobContext) -> None:
    raise MuteError


@job("sample.cancel-itself")
def cancel_itself(parameters: Nothing, context: JobContext) -> None:
    raise asyncio.CancelledError("a secret")


@job("sample.mistyped")
def mistyped(parameters: Nothing, context: JobContext) -> None:
    raise JobError("try later", code=429, retry_after_seconds="60")  # type: ignore[arg-type]


@job("sample.deep")
def deep(parameters: Depth, context: JobContext) -> Json:
    nested: list[Json] = []
    for _ in range(parameters.depth - 1):
        nested = [nested]
    return nested


@job("sample.translate-interrupt")
def translate_interrupt(parameters: Nothing, context: JobContext) -> None:
    try:
        _spin()
    except BaseException as error:
        raise RuntimeError("the loop was broken") from error


@job("sample.block-signals")
def block_signals(parameters: Nothing, context: JobContext) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        _spin()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@job("sample.raise-signal")
def raise_signal(parameters: Status, context: JobContext) -> None:
    os.kill(os.getpid(), parameters.status)
    _spin()


@job("sample.leave-a-trap")
def leave_a_trap(parameters: Nothing, context: JobContext) -> Json:
    threading.Timer(0.05, os._exit, (3,)).start()
    return os.getpid()


@job("sample.fork-and-return")
def fork_and_return(parameters: Nothing, context: JobContext) -> Json:
    """Forks, and returns in both the process and its copy, in the copy first."""
    copy = os.fork()
    if copy:
        time.sleep(0.2)
    return "original" if copy else "copy"


@job("sample.fork-and-die")
def fork_and_die(parameters: Nothing, context: JobContext) -> None:
    if os.fork() == 0:
        time.sleep(LONG_SECONDS)
    os._exit(9)


@job("sample.rude")
def rude(parameters: Nothing, context: JobContext) -> None:
    context.progress(0.5, "\x07ringing")
    raise JobError("\x1b[31mred\x00\r\n\tnext \x9b2J \udc80", code="two\nlines")
