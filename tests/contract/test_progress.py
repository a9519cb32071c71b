"""Every store of progress behaves the same."""

from __future__ import annotations

import random
from dataclasses import replace

from tests.harness.contract.stores import Stores
from tests.harness.domain.job_lives import submitted, way_of
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb.progress import segment_item
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.progress import SEGMENT_JOBS, Segment, new_segment, recorded
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.workflow_graph import graph_of


def drawn(workflow_id: str, seed: int, number: int = 0) -> Segment:
    """Makes a segment at the first version, after many changes of its jobs."""
    draw = random.Random(seed)
    jobs = [
        job
        for index in range(SEGMENT_JOBS)
        for job in way_of(
            submitted(f"{workflow_id}.{number * SEGMENT_JOBS + index}"), draw, draw.randrange(12)
        )
    ]
    return recorded(new_segment(workflow_id, number, limits.MAX_JOBS_PER_WORKFLOW, 1_800_000_000), jobs)


def test_a_segment_is_read_as_it_was_written(stores: Stores) -> None:
    segments = [drawn("W1", 1), drawn("W1", 2, number=1), drawn("W2", 3), new_segment("W3", 0, 2)]
    segments[3] = replace(segments[3], version=1)
    assert stores.progress.save(segments) == [True] * 4
    places = [(each.workflow_id, each.number) for each in segments]
    assert stores.progress.load([*places, ("W9", 0)]) == dict(zip(places, segments, strict=True))
    assert stores.progress.load_all("W1", consistent=True) == tuple(segments[:2])
    assert stores.progress.load_all("W9") == ()
    assert stores.progress.load([]) == {}


def test_a_segment_of_a_release_that_measured_nothing_is_read_as_not_measured(stores: Stores) -> None:
    segment = replace(drawn("W1", 1), ran=b"")
    assert stores.progress.save([segment]) == [True]
    (found,) = stores.progress.load_all("W1", consistent=True)
    assert found.marks == segment.marks
    assert found.ran_seconds == (None,) * SEGMENT_JOBS


def test_a_segment_is_written_only_over_the_version_before_it(stores: Stores) -> None:
    first = drawn("W1", 1)
    second = recorded(first, [replace(submitted("W1.0"), reopened=50)])
    other = recorded(first, [replace(submitted("W1.1"), reopened=50)])
    assert second.version == other.version == 2
    assert stores.progress.save([second]) == [False]
    assert stores.progress.save([first]) == [True]
    assert stores.progress.save([first, drawn("W2", 2)]) == [False, True]
    assert stores.progress.save([second]) == [True]
    assert stores.progress.save([other, first, second]) == [False] * 3
    assert stores.progress.load([("W1", 0)]) == {("W1", 0): second}


def test_a_graph_is_read_as_it_was_written(stores: Stores) -> None:
    draw = random.Random(5)
    kinds = list(DependencyType)
    jobs = [
        JobRequest(
            type=f"type-{index % 3}",
            key=f"{draw.getrandbits(400):x}",
            estimated_duration_seconds=draw.choice((None, 1, 0.25)),
        )
        for index in range(6_000)
    ]
    for index in range(1, len(jobs)):
        edges = tuple(
            DependencyRequest(key=jobs[draw.randrange(index)].key, type=draw.choice(kinds)) for _ in range(2)
        )
        outside = (DependencyRequest(job_id="J1"),) if index % 100 == 0 else ()
        jobs[index] = replace(jobs[index], depends_on=(*edges, *outside))
    large = graph_of(WorkflowRequest(jobs=tuple(jobs)))
    small = graph_of(WorkflowRequest(jobs=tuple(jobs[:1])))
    for graph in (small, large, large):
        stores.progress.save_graph("W1", graph, 1_800_000_000)
        assert stores.progress.load_graph("W1") == graph
    stores.progress.save_graph("W2", small, None)
    assert stores.progress.load_graph("W2") == small
    assert stores.progress.load_graph("W3") is None
    assert stores.progress.load_all("W1") == (), "a graph is no segment"


def test_a_segment_takes_one_unit_to_write() -> None:
    ready = [
        submitted(f"W1.{index}", State.READY, 1_700_000_000_000 + index) for index in range(SEGMENT_JOBS)
    ]
    for segment in (recorded(new_segment("W1", 0, SEGMENT_JOBS), ready), new_segment("W1", 0, SEGMENT_JOBS)):
        assert item_size(segment_item(segment)) <= 1_024
