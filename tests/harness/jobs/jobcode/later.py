"""Job code written as `async def`."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from tests.harness.jobs.jobcode.jobs import LONG_SECONDS, Marker, Nothing, Rows
from tidegate.domain.job import Json
from tidegate.jobs import JobContext, JobError, job


async def _half(rows: int) -> int:
    await asyncio.sleep(0.01)
    return rows // 2


@job("later.add")
async def add(parameters: Rows, context: JobContext) -> Json:
    """Adds in two concurrent tasks."""
    context.progress(0.5, "adding")
    halves = await asyncio.gather(_half(parameters.rows), _half(parameters.rows + 1))
    return {"total": sum(halves), "main": threading.current_thread() is threading.main_thread()}


def _traced(function: Callable[..., Awaitable[Json]]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(parameters: Rows, context: JobContext) -> Awaitable[Json]:
        return function(parameters, context)

    return call


@job("later.wrapped")
@_traced
async def wrapped(parameters: Rows, context: JobContext) -> Json:
    """Returns a coroutine from a plain function that wraps it."""
    return await _half(parameters.rows)


@job("later.refuse")
async def refuse(parameters: Nothing, context: JobContext) -> None:
    """Fails for good after a moment."""
    await asyncio.sleep(0.01)
    raise JobError("the input is gone", code="Gone", retryable=False)


@job("later.wait")
async def wait(parameters: Marker, context: JobContext) -> None:
    """Waits long, and cleans up when it is stopped."""
    context.progress(0.1, "waiting")
    try:
        await asyncio.sleep(LONG_SECONDS)
    finally:
        await asyncio.sleep(0.01)
        parameters.marker.write_text("cleaned up")


@job("later.stubborn")
async def stubborn(parameters: Nothing, context: JobContext) -> None:
    """Goes on after it is told to stop, until it is stopped by force."""
    context.progress(0.1, "going on")
    for _ in range(int(LONG_SECONDS * 10)):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue


@job("later.cancel-itself")
async def cancel_itself(parameters: Nothing, context: JobContext) -> None:
    """Raises the error of a cancelled task, though nothing cancelled it."""
    raise asyncio.CancelledError
