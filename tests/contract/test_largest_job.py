"""The largest job that a client can send fits into the store's items."""

from __future__ import annotations

import pytest

from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb.codec import JobCodec, split
from tidegate.domain import limits
from tidegate.domain.dependency import Dependency, DependencyType
from tidegate.domain.job import Job, JobInput
from tidegate.domain.rank import RankPolicy
from tidegate.domain.states import State

MAX_ITEM_BYTES = 400 * 1024
WIDEST = "\N{SLIGHTLY SMILING FACE}"  # four bytes


def test_the_largest_job_fits_into_its_items() -> None:
    count = limits.MAX_DEPENDENCIES_PER_JOB
    condition = "c" * (limits.MAX_CONDITIONS_BYTES // count)
    upstream_id = "0" * 26 + ".9999"
    tags = {f"{place:04d}" + WIDEST * 124: WIDEST * 128 for place in range(2 * limits.MAX_TAGS)}
    job = Job(
        job_id=upstream_id,
        state=State.PENDING,
        type="t" * limits.MAX_TYPE_CHARACTERS,
        pool="p",
        priority=1,
        created_at_ms=1,
        key=WIDEST * limits.MAX_KEY_CHARACTERS,
        name=WIDEST * limits.MAX_NAME_CHARACTERS,
        description=WIDEST * limits.MAX_DESCRIPTION_CHARACTERS,
        tags=tags,
        input=JobInput(
            {"x": "x" * (limits.MAX_PARAMETERS_BYTES - len('{"x":""}'))},
            (Dependency(upstream_id.replace("0", "1"), DependencyType.MUST_COMPLETE, condition),) * count,
        ),
        dependency_count=count,
        waiting_on=frozenset(range(count)),
    )
    parts = split(JobCodec(4, RankPolicy()), job, 1)
    assert parts.input_item is not None
    assert item_size(parts.input_item) < MAX_ITEM_BYTES
    assert item_size(parts.item) < MAX_ITEM_BYTES


@pytest.mark.parametrize("tags", [0, 1, 5, 20])
@pytest.mark.parametrize("size", [100, 900, 1_100, 2_000, 4_000, 20_000, 262_000])
def test_a_kilobyte_of_input_or_more_is_never_read_with_its_job(size: int, tags: int) -> None:
    job = Job(
        job_id="0" * 26,
        state=State.READY,
        type="t",
        pool="p",
        priority=1,
        created_at_ms=1,
        tags={f"{place:04d}": "x" * limits.MAX_TAG_CHARACTERS for place in range(tags)},
        input=JobInput({"x": "x" * size}),
    )
    stored = split(JobCodec(4, RankPolicy()), job, 1)
    assert stored.input_item is not None or size < 1_024
