"""The arguments of a worker process, and the options that give them.

Two command lines have these options: `tidegate worker`, and `python -m tidegate_worker` in the worker image, which has
no Typer. Each option's name, help and bounds are stated here once, for both.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain import limits

DEFAULT_DRAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class WorkerArguments:
    """The options of a worker process.

    - `worker_id`: without it the process makes an id of its own that no other process has.
    - `capabilities`: must include all that its pool offers to jobs; by default they are exactly that.
    - `slots` (1-256): the number of jobs that it runs at once.
    - `drain_seconds` (0-43,200): running jobs may go on for this long after the worker was told to stop.
    - `take_over`: fences another process that works under the same id.
    - `jobs_per_process` (1-1,000,000): a process for job code is replaced after this many jobs.
    - `process_growth_mb` (1-1,048,576): it is also replaced once it keeps more MiB than this beyond its start.
    """

    pool: str
    slots: int
    worker_id: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    drain_seconds: float = DEFAULT_DRAIN_SECONDS
    take_over: bool = False
    jobs_per_process: int = limits.DEFAULT_JOBS_PER_PROCESS
    process_growth_mb: int = limits.DEFAULT_PROCESS_GROWTH_MB


@dataclass(frozen=True, slots=True)
class PlainOption:
    """An option that takes text, or no value. `metavar` stands for the text in the help."""

    flag: str
    help: str
    metavar: str | None = None


@dataclass(frozen=True, slots=True)
class NumberOption:
    """An option that takes a number from `least` to `most`."""

    flag: str
    help: str
    least: float
    most: float


POOL = PlainOption("--pool", "The pool to take jobs from.")
SLOTS = NumberOption("--slots", "Jobs to run at once.", 1, limits.MAX_WORKER_SLOTS)
WORKER_ID = PlainOption(
    "--worker-id", "Unique in its pool. Default: made from the host name and the process id."
)
NAME = PlainOption("--name", "A name for people to read.")
TAG = PlainOption("--tag", "A tag; may be repeated.", "NAME=VALUE")
CAPABILITY = PlainOption(
    "--capability",
    "A capability of this worker; may be repeated. All capabilities that its pool offers must be named. "
    "Default: those of its pool.",
    "NAME",
)
DRAIN_SECONDS = NumberOption(
    "--drain-seconds",
    "How long running jobs may go on after the worker is told to end. Then it hands them back.",
    0.0,
    limits.MAX_DRAIN_SECONDS,
)
TAKE_OVER = PlainOption("--take-over", "Stop another process that works under the same worker id.")
JOBS_PER_PROCESS = NumberOption(
    "--jobs-per-process",
    "The most jobs that one process for job code runs before it is replaced.",
    1,
    limits.MAX_JOBS_PER_PROCESS,
)
PROCESS_GROWTH_MB = NumberOption(
    "--process-growth-mb",
    "MiB by which the memory of such a process may grow; it is replaced after a job that leaves it larger.",
    1,
    limits.MAX_PROCESS_GROWTH_MB,
)
