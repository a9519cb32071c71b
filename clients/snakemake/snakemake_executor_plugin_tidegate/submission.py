"""The job that a rule becomes. This module knows neither Snakemake nor the network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEFAULT_TYPE = "snakemake.rule"
DEFAULT_TIMEOUT_SECONDS = 3_600
MAX_TIMEOUT_SECONDS = 43_200
MAX_PARAMETERS_BYTES = 256 * 1024
DEFAULT_PRIORITY = 100
MIN_PRIORITY, MAX_PRIORITY = 1, 1_000
MAX_NAME_CHARACTERS = 256
MAX_TAG_CHARACTERS = 128
MAX_BATCH = 500
"""The most jobs of one submission, so that a request stays far below the gateway's bound of 6 MB."""
MAX_BATCH_BYTES = 2 * 1024 * 1024
_STEP = re.compile(r"(\d{1,6})=([^=,]{1,128})")
_UNPRINTABLE = re.compile(r"[^ -~]")


class BadSettings(ValueError):
    """The error for settings that can't work; says which, and what to write."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One job of Snakemake: a rule, or a group of rules. `runtime_minutes` is its resource `runtime`."""

    key: str
    name: str
    threads: int
    priority: int
    attempt: int
    arguments: tuple[str, ...]
    directory: str
    runtime_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The part of the settings that shapes jobs. `cores` has capabilities by the threads from which they are needed."""

    type: str = DEFAULT_TYPE
    pool: str | None = None
    cores: tuple[tuple[int, str], ...] = ()
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS


def shape_of(type_: str, pool: str | None, cores: str | None, timeout_seconds: int) -> Shape:
    """Returns settings as a Shape. Raises BadSettings."""
    if not 1 <= timeout_seconds <= MAX_TIMEOUT_SECONDS:
        raise BadSettings(
            f"--tidegate-timeout-seconds is {timeout_seconds}; write 1 to {MAX_TIMEOUT_SECONDS:,}"
        )
    steps: dict[int, str] = {}
    for part in filter(None, (cores or "").split(",")):
        match = _STEP.fullmatch(part.strip())
        if match is None:
            raise BadSettings(f"--tidegate-cores has {part!r}; write THREADS=CAPABILITY, such as 4=large")
        steps[int(match[1])] = match[2]
    return Shape(type_, pool, tuple(sorted(steps.items())), timeout_seconds)


def job_of(rule: Rule, shape: Shape, run: str) -> dict[str, Any]:
    """Returns the job of a rule as a workflow's body has it. `run` is the id of this run of Snakemake.

    Snakemake itself retries a rule that failed, by its option --retries, so the job is not retried.
    """
    seconds: float = shape.timeout_seconds
    if rule.runtime_minutes is not None:
        seconds = 60 * rule.runtime_minutes
    job: dict[str, Any] = {
        "key": rule.key,
        "name": _printable(rule.name)[:MAX_NAME_CHARACTERS],
        "type": shape.type,
        "parameters": {"directory": rule.directory, "arguments": list(rule.arguments)},
        "priority": min(max(MIN_PRIORITY, DEFAULT_PRIORITY + rule.priority), MAX_PRIORITY),
        "max_retries": 0,
        "timeout_seconds": int(min(max(1, -(-seconds // 1)), MAX_TIMEOUT_SECONDS)),
        "tags": {
            "snakemake.run": run,
            "snakemake.rule": _printable(rule.name)[:MAX_TAG_CHARACTERS],
            "snakemake.threads": str(rule.threads),
            "snakemake.attempt": str(rule.attempt),
        },
    }
    capability = capability_for(rule.threads, shape)
    if capability is not None:
        job["requires"] = [capability]
    if shape.pool is not None:
        job["pool"] = shape.pool
    return job


def capability_for(threads: int, shape: Shape) -> str | None:
    """Returns the capability that a number of threads requires: that of the highest step not above it."""
    fitting = [capability for least, capability in shape.cores if least <= threads]
    return fitting[-1] if fitting else None


def batches(jobs: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> list[list[Mapping[str, Any]]]:
    """Returns jobs in submissions of at most MAX_BATCH jobs and MAX_BATCH_BYTES. `sizes` are their sizes in bytes."""
    found: list[list[Mapping[str, Any]]] = []
    held = MAX_BATCH_BYTES
    for job, size in zip(jobs, sizes, strict=True):
        if not found or held + size > MAX_BATCH_BYTES or len(found[-1]) == MAX_BATCH:
            found.append([])
            held = 0
        found[-1].append(job)
        held += size
    return found


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text) or "rule"
