from __future__ import annotations

import pytest

from tidegate.domain.errors import InvalidRequest
from tidegate.domain.pools import Pool, PoolKind, PoolRoom, freest, suitable_pools


def pool(name: str, *capabilities: str, longest_seconds: int = 3_600) -> Pool:
    kind = PoolKind.PROCESS
    return Pool(name, f"https://queues/{name}", kind, longest_seconds, capabilities=frozenset(capabilities))


POOLS = {
    each.name: each
    for each in (
        pool("small", longest_seconds=60),
        pool("gpu", "cuda", "large"),
        pool("big", "large"),
        pool("also-big", "large", longest_seconds=600),
    )
}


def suitable(named: str | None, *requires: str, timeout_seconds: int | None = None) -> list[str]:
    found = suitable_pools(
        POOLS, "small", named, frozenset(requires), timeout_seconds, lambda field: f"jobs[2].{field}"
    )
    return [each.name for each in found]


def test_the_named_pool_alone_is_suitable() -> None:
    assert suitable("big") == ["big"]
    assert suitable("gpu", "cuda", "large") == ["gpu"]


def test_a_job_that_names_and_requires_nothing_goes_to_the_default() -> None:
    assert suitable(None) == ["small"]


def test_every_pool_that_offers_what_is_required_is_suitable() -> None:
    assert suitable(None, "large") == ["also-big", "big", "gpu"]
    assert suitable(None, "large", "cuda") == ["gpu"]


def test_a_pool_that_can_not_run_that_long_is_not_suitable() -> None:
    assert suitable(None, "large", timeout_seconds=600) == ["also-big", "big", "gpu"]
    assert suitable(None, "large", timeout_seconds=601) == ["big", "gpu"]


def test_the_pool_with_the_most_free_capacity_is_the_freest() -> None:
    assert freest([PoolRoom("a", 4, 3), PoolRoom("b", 10, 8), PoolRoom("c", 2, 1)]) == "b"
    assert freest([PoolRoom("a", 4, 9), PoolRoom("b", 10, 14)]) == "b"


def test_of_equally_free_pools_it_is_the_first_and_one_without_capacity_comes_last() -> None:
    assert freest([PoolRoom("a", 4, 3), PoolRoom("b", 9, 8)]) == "a"
    assert freest([PoolRoom("empty", 0, 0), PoolRoom("busy", 4, 50)]) == "busy"
    assert freest([PoolRoom("empty", 0, 0), PoolRoom("only", 1, 50)]) == "only"
    assert freest([PoolRoom("empty", 0, 3), PoolRoom("void", 0, 2)]) == "void"


def test_a_paused_pool_is_the_last_resort() -> None:
    assert freest([PoolRoom("free", 9, 0, paused=True), PoolRoom("full", 2, 9)]) == "full"
    assert freest([PoolRoom("free", 9, 0, paused=True), PoolRoom("empty", 0, 0)]) == "empty"
    assert freest([PoolRoom("a", 2, 1, paused=True), PoolRoom("b", 9, 0, paused=True)]) == "b"


@pytest.mark.parametrize(
    ("named", "requires", "timeout_seconds", "field", "message"),
    [
        ("mega", (), None, "jobs[2].pool", "unknown pool 'mega'; pools are also-big, big, gpu, small"),
        ("big", ("cuda",), None, "jobs[2].requires", "pool 'big' does not offer cuda; it offers large"),
        (
            "small",
            ("cuda", "arm"),
            None,
            "jobs[2].requires",
            "does not offer arm, cuda; it offers nothing special",
        ),
        (
            None,
            ("cuda", "arm"),
            None,
            "jobs[2].requires",
            "no pool offers arm, cuda together; also-big offers large; big offers large; "
            "gpu offers cuda, large; small offers nothing special",
        ),
        (None, ("arm",), None, "jobs[2].requires", "no pool offers arm; also-big offers large; "),
        (None, (), 61, "jobs[2].timeout_seconds", "is 61; pool 'small' can run a job for at most 60 seconds"),
        (None, ("large",), 3_601, "jobs[2].timeout_seconds", "can run a job for at most 3600 seconds"),
        ("also-big", (), 601, "jobs[2].timeout_seconds", "pool 'also-big' can run a job for at most 600"),
    ],
)
def test_what_fits_no_pool_is_refused_with_its_field(
    named: str | None, requires: tuple[str, ...], timeout_seconds: int | None, field: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        suitable(named, *requires, timeout_seconds=timeout_seconds)
    (violation,) = refused.value.violations
    assert violation.field == field
    assert message in violation.message


@pytest.mark.parametrize(
    ("timeout_seconds", "others"),
    [
        (600, "; pools that can run it for so long: also-big, big, gpu"),
        (601, "; pools that can run it for so long: big, gpu"),
        (3_601, ""),
    ],
)
def test_a_job_that_is_too_long_for_its_pool_is_told_of_others(timeout_seconds: int, others: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        suitable("small", timeout_seconds=timeout_seconds)
    (violation,) = refused.value.violations
    assert violation.message == (
        f"is {timeout_seconds}; pool 'small' can run a job for at most 60 seconds{others}"
    )
