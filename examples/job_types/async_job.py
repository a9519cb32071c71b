"""A job type that is `async def`: it tries many ports at the same time.

When the job is cancelled or its time is over, what the code awaits is cancelled, so it needs no `context.check()`.

Copy this file into layers/jobs/tidegate_jobs and run `tidegate local up`. Then submit a job:

    echo '{"type": "example.probe", "parameters": {"host": "127.0.0.1", "ports": [22, 80]}}' | tidegate submit - --wait
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from tidegate.jobs import JobContext, Parameters, job

PATIENCE_SECONDS = 2.0
Port = Annotated[int, Field(ge=1, le=65_535)]


class Ports(Parameters):
    """The ports of a host to try."""

    host: str
    ports: tuple[Port, ...] = Field(min_length=1, max_length=100)


@job("example.probe")
async def probe(parameters: Ports, context: JobContext) -> dict[str, list[int]]:
    """Returns the ports that accept a connection."""
    context.progress(0, f"trying {len(parameters.ports)} ports")
    accepts = await asyncio.gather(*(_accepts(parameters.host, port) for port in parameters.ports))
    return {"open": [port for port, is_open in zip(parameters.ports, accepts, strict=True) if is_open]}


async def _accepts(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError is one too
        return False
    writer.close()
    return True
