"""The one list of exit codes."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit says."""

    SUCCESS = 0
    ERROR = 1
    USAGE = 2
    JOB_FAILED = 3  # a job FAILED, TIMED_OUT, or was SKIPPED because of something outside its workflow
    WAIT_TIMED_OUT = 4
    CANCELLED = 5  # nothing failed, but a job was cancelled
    WORKER_UNABLE = 6  # a worker process could not run what it was given, and left
    INTERRUPTED = 130  # Ctrl-C
