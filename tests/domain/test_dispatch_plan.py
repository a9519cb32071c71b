from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.dispatch_plan import Candidate, best_ranked, free_places

RANKS = st.integers(-(10**28), 10**28) | st.integers(0, 3)


def by_rank(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: -candidate.rank)


@given(st.lists(st.lists(RANKS, max_size=20), max_size=8), st.integers(0, 60))
def test_the_merge_of_sorted_shards_is_the_sorted_whole(shards: list[list[int]], places: int) -> None:
    candidates = [
        by_rank([Candidate(f"{shard}-{place}", rank) for place, rank in enumerate(ranks)])
        for shard, ranks in enumerate(shards)
    ]
    whole = by_rank([candidate for shard in candidates for candidate in shard])
    assert list(best_ranked(candidates, places)) == whole[:places]


def test_no_more_of_a_shard_is_read_than_needed() -> None:
    def endless() -> Iterator[Candidate]:
        number = 0
        while True:
            yield Candidate(f"job-{number}", -number)
            number += 1

    assert [candidate.rank for candidate in best_ranked([endless(), endless()], 4)] == [0, 0, -1, -1]


@given(st.integers(0, 10_000), st.integers(4, 40).map(lambda quarters: quarters / 4), st.integers(0, 10**6))
def test_free_places_fill_the_window_and_never_exceed_it(capacity: int, window: float, active: int) -> None:
    free = free_places(capacity, window, active)
    assert free >= 0
    if free:
        assert active + free <= capacity * window < active + free + 1
    else:
        assert active + 1 > capacity * window


def test_a_pool_without_capacity_takes_nothing() -> None:
    assert free_places(0, 2.0, 0) == 0
