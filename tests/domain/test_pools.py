from __future__ import annotations

import pytest

from tidegate.domain.errors import InvalidRequest
from tidegate.domain.pools import Pool, PoolKind, choose_pool


def pool(name: str, *capabilities: str) -> Pool:
    return Pool(name, f"https://queues/{name}", PoolKind.PROCESS, 3_600, capabilities=frozenset(capabilities))


POOLS = {
    each.name: each
    for each in (pool("small"), pool("gpu", "cuda", "large"), pool("big", "large"), pool("also-big", "large"))
}


def choose(named: str | None, *requires: str) -> str:
    chosen = choose_pool(POOLS, "small", named, frozenset(requires), lambda field: f"jobs[2].{field}")
    return chosen.name


def test_the_named_pool_is_taken() -> None:
    assert choose("big") == "big"
    assert choose("gpu", "cuda", "large") == "gpu"


def test_without_a_name_it_is_the_default() -> None:
    assert choose(None) == "small"


def test_where_the_default_lacks_something_it_is_the_first_by_name_that_offers_it() -> None:
    assert choose(None, "large") == "also-big"
    assert choose(None, "large", "cuda") == "gpu"


@pytest.mark.parametrize(
    ("named", "requires", "field", "message"),
    [
        ("mega", (), "jobs[2].pool", "unknown pool 'mega'; pools are also-big, big, gpu, small"),
        ("big", ("cuda",), "jobs[2].requires", "pool 'big' does not offer cuda; it offers large"),
        ("small", ("cuda", "arm"), "jobs[2].requires", "does not offer arm, cuda; it offers nothing special"),
        (
            None,
            ("cuda", "arm"),
            "jobs[2].requires",
            "no pool offers arm, cuda together; also-big offers large; big offers large; "
            "gpu offers cuda, large; small offers nothing special",
        ),
    ],
)
def test_what_fits_no_pool_is_refused_with_its_field(
    named: str | None, requires: tuple[str, ...], field: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        choose(named, *requires)
    (violation,) = refused.value.violations
    assert violation.field == field
    assert message in violation.message
