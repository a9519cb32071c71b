"""Protects the streams, loggers and processes of the worker function from job code that runs in its process.

A Lambda runtime may use descriptors 0 to 2 itself, as the one of the local stack does. So job code never gets them:
it reads an empty input, and its output goes into a pipe and, as bounded text, to the function's standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from tidegate.adapters.aws.logs import event_text
from tidegate.adapters.executors.attempt_lines import AttemptLines
from tidegate.adapters.executors.output import JobOutput, OutputReader
from tidegate.adapters.executors.process_tree import descendants_of, end_descendants
from tidegate.domain.logs import LogLine
from tidegate.jobs.logging_state import RECORD_FORMAT, LoggingState
from tidegate.jobs.process_state import ProcessSettings, flush_streams, opened_stream
from tidegate.kernel import adopt_orphans

_LOGGER = logging.getLogger("tidegate.worker")
_OWN_LOGGERS = "tidegate"  # their parent, which Powertools gives a handler of the function's own
_STANDARD = (0, 1, 2)
_NAMES = ("stdin", "stdout", "stderr")
_SWEEP_SECONDS = 5.0


@contextmanager
def settings_kept() -> Iterator[None]:
    """Restores the settings of this process that job code changed.

    They include signal handlers, signal masks and Python's own settings.
    """
    settings = ProcessSettings()
    try:
        yield
    finally:
        try:
            settings.restore()
        except Exception as error:  # noqa: BLE001 - job code may have broken anything that this needs
            _LOGGER.error("the settings that job code changed can't be restored: %s", type(error).__name__)


@dataclass(frozen=True, slots=True)
class _ErrorStream:
    """Writes the lines of an attempt to the function's standard error, each with its job. Lambda logs them from there.

    `descriptor` is that stream's.
    """

    descriptor: int

    def write(self, line: LogLine) -> None:
        """Writes a line."""
        _write(self.descriptor, event_text(line))


@dataclass(frozen=True, slots=True)
class KeptStreams:
    """The streams of a function while job code has others. `errors` is the descriptor of its own standard error."""

    errors: int
    lines: AttemptLines


@contextmanager
def streams_kept(job_id: str, attempt: int) -> Iterator[KeptStreams]:
    """Gives job code its own descriptors 0 to 2, stream objects and loggers, and restores the original ones at the end.

    Records of loggers are printed, as a worker process prints them. Raises OSError or RuntimeError where the system has
    no descriptor or no thread left.
    """
    objects = {name: getattr(sys, name) for name in (*_NAMES, *(f"__{name}__" for name in _NAMES))}
    loggers = LoggingState()
    flush_streams()
    with ExitStack() as opened:
        kept = [_until_end(opened, os.dup(number)) for number in _STANDARD]
        nothing = _until_end(opened, os.open(os.devnull, os.O_RDONLY))
        outputs = OutputReader()
        opened.callback(outputs.close)
        prints, printed = os.pipe()
        lines = AttemptLines(job_id, attempt, _ErrorStream(kept[2]))
        output = JobOutput(prints, _write_nothing, "")
        output.begin("", lines)
        opened.callback(outputs.remove, output)
        try:
            for descriptor, number in zip((nothing, printed, printed), _STANDARD, strict=True):
                os.dup2(descriptor, number)
            os.close(printed)
            outputs.add(output)
            for number, name in enumerate(_NAMES):
                setattr(sys, name, opened_stream(number))
                setattr(sys, f"__{name}__", getattr(sys, name))
            _print_records()
            yield KeptStreams(kept[2], lines)
        finally:
            flush_streams()
            for name, stream in objects.items():
                setattr(sys, name, stream)
            for copy, number in zip(kept, _STANDARD, strict=True):
                os.dup2(copy, number)
            loggers.restore()
            output.finish()


@contextmanager
def processes_ended() -> Iterator[Callable[[], None]]:
    """Ends every process that is started inside the block, also one whose parent has ended.

    Yields a function that ends them at once.
    """
    before = frozenset(descendants_of(os.getpid()))
    _adopt(adopts=True)

    def end() -> None:
        reap = _reap if not before else _reap_nothing  # other code collects the processes that ran before
        end_descendants(os.getpid(), spared=before, seconds=_SWEEP_SECONDS, reap=reap)

    try:
        yield end
    finally:
        end()
        _adopt(adopts=False)


def _adopt(*, adopts: bool) -> None:
    try:
        adopt_orphans(adopts=adopts)
    except OSError as error:  # jobs run without this guarantee, and the log says so
        _LOGGER.warning("%s: daemons that job code starts may outlive it", error)


def _until_end(owner: ExitStack, descriptor: int) -> int:
    owner.callback(os.close, descriptor)
    return descriptor


def _print_records() -> None:
    """Has the root logger print its records to the standard error of job code, and nowhere else.

    The handler of Lambda's runtime would write them past that stream, and so without their job. The handler of the
    function's own log would print those of tidegate a second time, as JSON.
    """
    own = logging.getLogger(_OWN_LOGGERS)
    if own.propagate:
        own.handlers.clear()
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler).__module__.startswith("awslambdaric"):
            root.removeHandler(handler)
    printing = logging.StreamHandler(sys.stderr)
    printing.setFormatter(logging.Formatter(RECORD_FORMAT))
    root.addHandler(printing)
    if root.level == logging.WARNING:  # Python's default
        root.setLevel(logging.INFO)


def _write_nothing(label: str, line: str) -> None:
    """Writes nothing, because the lines of the attempt are written by their own sink."""


def _write(descriptor: int, line: str) -> None:
    left = memoryview(f"{line}\n".encode("utf-8", "backslashreplace"))
    with suppress(OSError):  # the stream has no reader any more
        while left:
            left = left[os.write(descriptor, left) :]


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _reap_nothing() -> None:
    pass
