"""The one list of exit codes."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    SUCCESS = 0
    ERROR = 1
    USAGE = 2
    # A job FAILED or TIMED_OUT, or was SKIPPED because a condition could not be evaluated, because its upstream
    # no longer exists, or because of how a job outside its workflow ended.
    JOB_FAILED = 3
    WAIT_TIMED_OUT = 4
    CANCELLED = 5  # no job failed, but a job was cancelled
    WORKER_UNABLE = 6  # a worker process could not run the jobs that it claimed, and ended
    UNHEALTHY = 7  # the doctor found something wrong, or could not make a check
    INTERRUPTED = 130  # Ctrl-C
