"""Runs job code that is `async def`, and has it stop when its job should."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tidegate.jobs.context import JobContext

LOOK_SECONDS = 0.1  # between two looks at whether the job should stop


def run_coroutine(coroutine: Coroutine[Any, Any, object], context: JobContext) -> object:
    """Runs a coroutine to its end in an event loop of its own; returns what it returns, raises what it raises.

    When the job is cancelled, its worker shuts down, or its time is over, the coroutine is cancelled at its next
    `await`, and JobCancelled or JobTimedOut is raised once it has ended. One that goes on all the same is left to what
    stops any job code by force.
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
