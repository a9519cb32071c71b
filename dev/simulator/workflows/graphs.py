"""The shapes of workflows that the simulations run."""

from __future__ import annotations

import random
from collections.abc import Sequence

from dev.simulator.memory.seeded import JOB_TYPE
from tidegate.domain import limits
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest

COLLECTED = 1_500  # upstreams of one collector, below the limit of dependencies


def job(key: str, *upstreams: str | DependencyRequest, priority: int | None = None) -> JobRequest:
    """Makes a job that waits for its upstreams to succeed, or as the dependencies say."""
    edges = [DependencyRequest(key=each) if isinstance(each, str) else each for each in upstreams]
    return JobRequest(type=JOB_TYPE, key=key, depends_on=tuple(edges), priority=priority)


def workflow(jobs: Sequence[JobRequest]) -> WorkflowRequest:
    """Returns the request of a workflow of these jobs."""
    return WorkflowRequest(jobs=tuple(jobs), name="simulated")


def chain(count: int) -> WorkflowRequest:
    """Makes jobs that each wait for the one before."""
    return workflow([job("0"), *(job(str(place), str(place - 1)) for place in range(1, count))])


def fan_out_fan_in(count: int) -> WorkflowRequest:
    """Makes one job, then parallel jobs, then collectors of at most 1,500 each, then one job: `count` jobs in all."""
    collectors = -(-(count - 2) // (COLLECTED + 1))
    wide = count - 2 - collectors
    leaves = [f"leaf-{place}" for place in range(wide)]
    groups = [leaves[place::collectors] for place in range(collectors)]
    return workflow(
        [
            job("root"),
            *(job(leaf, "root") for leaf in leaves),
            *(job(f"collector-{place}", *group) for place, group in enumerate(groups)),
            job("sink", *(f"collector-{place}" for place in range(collectors))),
        ]
    )


def fan(width: int) -> WorkflowRequest:
    """Makes one job, then `width` parallel jobs, then one job that waits for all of them."""
    leaves = [f"leaf-{place}" for place in range(width)]
    return workflow([job("root"), *(job(leaf, "root") for leaf in leaves), job("sink", *leaves)])


def unconnected(count: int) -> WorkflowRequest:
    """Makes jobs without dependencies."""
    return workflow([job(str(place)) for place in range(count)])


def layered(count: int, seed: int) -> WorkflowRequest:
    """Makes layers of 20 to 40 jobs. Each job waits for 1 to 4 of the layer above, drawn from a seed."""
    draw = random.Random(seed)
    jobs: list[JobRequest] = []
    above: list[str] = []
    while len(jobs) < count:
        width = min(draw.randint(20, 40), count - len(jobs))
        layer = [str(len(jobs) + place) for place in range(width)]
        for key in layer:
            upstreams = draw.sample(above, min(len(above), draw.randint(1, 4)))
            jobs.append(job(key, *upstreams, priority=draw.randint(limits.MIN_PRIORITY, limits.MAX_PRIORITY)))
        above = layer
    return workflow(jobs)
