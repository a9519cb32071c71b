"""The recorder costs at most 0.3 write units a job when workflows are busy."""

from __future__ import annotations

import random
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from tests.harness.domain.job_lives import START_MS, submitted
from tests.harness.domain.job_samples import SAMPLES
from tests.harness.functions.api_calls import SETTINGS
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb.progress import segment_item
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.stored import units_of
from tidegate.domain.submission import Phase, Submission
from tidegate.usecases.record.record import record

MOST_UNITS = 0.3  # of a job, over its whole life
STREAM_SHARDS = 4  # of a new table, each of which calls a recorder of its own
BATCH = 1_000
WINDOW_MS = 5_000  # MaximumBatchingWindowInSeconds of template.yaml
LATE_MS = 100  # between being ready, dispatched and claimed


def changes(workflow_id: str, jobs: int, slots: int, draw: random.Random) -> Iterator[tuple[int, Job]]:
    """Yields the changes of a workflow whose jobs run in `slots` slots, for 0.5 to 20 s each, by their times."""
    free_at_ms = [0] * slots
    for index in range(jobs):
        slot = min(range(slots), key=free_at_ms.__getitem__)
        at_ms = free_at_ms[slot]
        free_at_ms[slot] = at_ms + 3 * LATE_MS + draw.randrange(500, 20_000)
        job_id = f"{workflow_id}.{index}"
        ready = replace(submitted(job_id, State.READY), ready_at_ms=START_MS + at_ms)
        yield at_ms, ready
        yield at_ms + LATE_MS, replace(ready, state=State.QUEUED)
        yield at_ms + 2 * LATE_MS, replace(ready, state=State.RUNNING, attempt=1)
        ended = replace(SAMPLES[State.SUCCEEDED], job_id=job_id, attempt=1, ready_at_ms=ready.ready_at_ms)
        yield free_at_ms[slot] - LATE_MS, ended


@pytest.mark.parametrize(
    ("workflows", "jobs", "slots"),
    [(1, 3_000, 100), (1, 10_000, 400), (8, 500, 50)],
    ids=["one of 3,000", "one of 10,000", "eight of 500"],
)
def test_a_busy_job_costs_at_most_three_tenths_of_a_write_unit(workflows: int, jobs: int, slots: int) -> None:
    services, world = memory_services(SETTINGS)
    draw = random.Random(4)
    stream: list[deque[tuple[int, Job]]] = [deque() for _ in range(STREAM_SHARDS)]
    found: list[tuple[int, Job]] = []
    for number in range(workflows):
        world.submissions[f"W{number}"] = Submission(
            submission_id=f"W{number}",
            phase=Phase.COMPLETE,
            job_count=jobs,
            fingerprint="f",
            created_at_ms=START_MS,
        )
        found += changes(f"W{number}", jobs, slots, draw)
    for at_ms, job in sorted(found, key=lambda each: each[0]):
        stream[zlib.crc32(job.job_id.encode()) % STREAM_SHARDS].append((at_ms, job))
    units = 0
    while any(stream):
        shard = min((each for each in stream if each), key=lambda each: each[0][0])
        ends_ms = shard[0][0] + WINDOW_MS
        batch: list[Job] = []
        while shard and shard[0][0] <= ends_ms and len(batch) < BATCH:
            batch.append(shard.popleft()[1])
        before = dict(world.segments)
        units += record(services, batch).summaries
        for key, segment in world.segments.items():
            if segment is not before.get(key):
                units += units_of(item_size(segment_item(segment)))
    assert all(segment.is_ended for segment in world.segments.values())
    assert units / (workflows * jobs) <= MOST_UNITS, units / (workflows * jobs)
