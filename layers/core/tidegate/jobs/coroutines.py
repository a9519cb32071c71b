"""Runs job code that is an `async def` function, and stops it when its job should stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tidegate.jobs.context import JobContext

LOOK_SECONDS = 0.1  # interval of the checks for a request to stop


def run_coroutine(coroutine: Coroutine[Any, Any, object], context: JobContext) -> object:
    """Runs a coroutine to its end in an event loop of its own; returns its value and raises its errors.

    When the job is cancelled, its worker shuts down, or its time is over, the coroutine is cancelled at its next
    `await`. After it has ended, JobCancelled or JobTimedOut is raised. A coroutine that goes on nevertheless is
    stopped by force later, like any job code.
    """
    return asyncio.run(_watched(coroutine, context))


async def _watched(coroutine: Coroutine[Any, Any, object], context: JobContext) -> object:
    task = asyncio.ensure_future(coroutine)
    was_told = False
    while not task.done():
        await asyncio.wait({task}, timeout=LOOK_SECONDS)
        if not task.done() and not was_told and (context.cancelled or context.remaining_seconds <= 0):
            was_told = True
            task.cancel()
    if was_told and task.cancelled():
        context.check()
    return task.result()
