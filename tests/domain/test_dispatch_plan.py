from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.dispatch_plan import (
    LOOK_AT_MOST,
    Candidate,
    Dispatched,
    DispatchPlan,
    Draw,
    Held,
    free_slots,
    plan_dispatch,
    window_slots,
)
from tidegate.domain.lanes import key_lane, share_lane, type_lane
from tidegate.domain.rules import DispatchRules, TypeRule
from tidegate.domain.traits import NO_TRAITS, Traits

RANKS = st.integers(-(10**28), 10**28) | st.integers(0, 3)
NO_RULES = DispatchRules()


def no_chance() -> float:
    raise AssertionError("nothing is left to chance where there is one share")


def by_rank(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: -candidate.rank)


def queue(*traits: Traits, first_rank: int = 1_000, lane: str = "") -> list[Candidate]:
    """Makes candidates with falling ranks."""
    return [
        Candidate(f"{lane}{first_rank}-{place}", first_rank - place, each, lane)
        for place, each in enumerate(traits)
    ]


def of_share(share: str, jobs: int, first_rank: int = 1_000) -> list[Candidate]:
    return queue(*[Traits("t", share)] * jobs, first_rank=first_rank, lane=share_lane(share))


def plan(
    *queues: list[Candidate],
    places: int,
    dispatched: Dispatched | None = None,
    rules: DispatchRules = NO_RULES,
    weights: dict[str, int] | None = None,
    draw: Draw = lambda: 0.5,
) -> DispatchPlan:
    return plan_dispatch(queues, places, dispatched or Dispatched(), rules, weights or {}, draw)


@given(st.lists(st.lists(RANKS, max_size=20), max_size=8), st.integers(0, 60))
def test_the_merge_of_sorted_shards_is_the_sorted_whole(shards: list[list[int]], places: int) -> None:
    candidates = [
        by_rank([Candidate(f"{shard}-{place}", rank) for place, rank in enumerate(ranks)])
        for shard, ranks in enumerate(shards)
    ]
    whole = by_rank([candidate for shard in candidates for candidate in shard])
    chosen = plan(*candidates, places=places).chosen
    assert [each.rank for each in chosen] == [each.rank for each in whole[:places]]
    assert len({each.job_id for each in chosen}) == len(chosen)


def test_no_more_of_a_shard_is_read_than_needed() -> None:
    def endless() -> Iterator[Candidate]:
        number = 0
        while True:
            yield Candidate(f"job-{number}", -number)
            number += 1

    chosen = plan_dispatch([endless(), endless()], 4, Dispatched(), NO_RULES, {}, no_chance).chosen
    assert [candidate.rank for candidate in chosen] == [0, 0, -1, -1]


@given(st.integers(0, 10_000), st.integers(4, 40).map(lambda quarters: quarters / 4), st.integers(0, 10**6))
def test_free_slots_fill_the_window_and_never_exceed_it(
    capacity: int, window: float, dispatched: int
) -> None:
    free = free_slots(window_slots(capacity, window), dispatched)
    assert free >= 0
    if free:
        assert dispatched + free <= capacity * window < dispatched + free + 1
    else:
        assert dispatched + 1 > capacity * window


def test_a_pool_without_capacity_takes_nothing() -> None:
    assert free_slots(window_slots(0, 2.0), 0) == 0


SHARES = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), min_size=2)


@given(SHARES, st.integers(0, 40), st.randoms(use_true_random=False), st.data())
def test_shares_that_wait_divide_the_places_by_weight_to_within_one_place(
    weights: dict[str, int], places: int, chance: random.Random, data: st.DataObject
) -> None:
    waiting = {share: data.draw(st.integers(0, 40), label=share) for share in weights}
    queues = [of_share(share, jobs, data.draw(st.integers(0, 10**6))) for share, jobs in waiting.items()]
    made = plan(*queues, places=places, weights=weights, draw=chance.random)
    chosen = Counter(each.traits.share for each in made.chosen)
    assert chosen.total() == min(places, sum(waiting.values()))
    given: Counter[str] = Counter()
    for each in made.chosen:
        share = each.traits.share
        given[share] += 1
        for other, others_weight in weights.items():
            # Among shares with nothing dispatched, chance decides.
            still_waits = 0 < given[other] < waiting[other]
            if still_waits and given[share] > 1:
                # No share gets more than its fair part while another waits.
                assert given[share] / weights[share] <= (given[other] + 1) / others_weight


def served(weights: dict[str, int], places: int, rounds: int, seed: int) -> Counter[str]:
    """Counts how often each share is served.

    All shares always wait, jobs last equally long, and the oldest job ends each round.
    """
    chance = random.Random(seed)
    running: list[str] = []
    count: Counter[str] = Counter()
    for _ in range(rounds):
        running = running[1:] if len(running) == places else running
        made = plan(
            *(of_share(share, places, 10**6 if share == "a" else 1) for share in weights),
            places=places - len(running),
            dispatched=Dispatched.count(Traits("t", share) for share in running),
            weights=weights,
            draw=chance.random,
        )
        running += [each.traits.share for each in made.chosen]
        count.update(each.traits.share for each in made.chosen)
    return count


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("weights", "places"),
    [({"a": 1, "b": 1}, 1), ({"a": 9, "b": 1}, 1), ({"a": 9, "b": 1}, 4), ({"a": 5, "b": 2, "c": 1}, 2)],
)
def test_no_share_starves_though_its_part_is_less_than_a_place(
    weights: dict[str, int], places: int, seed: int
) -> None:
    """The jobs of share `a` are always the more urgent ones."""
    rounds = 4_000
    count = served(weights, places, rounds, seed)
    for share, weight in weights.items():
        fair = rounds * weight / sum(weights.values())
        # Beside larger shares, a share whose part is less than a slot may get up to one slot.
        assert 0.8 * fair <= count[share] + (0 if places == 1 else rounds / places)
        assert count[share] <= 1.2 * fair + (0 if places == 1 else rounds / places)
        assert count[share] >= 0.8 * fair or fair >= rounds / places


@pytest.mark.parametrize("seed", range(3))
def test_parts_of_several_places_are_kept_to(seed: int) -> None:
    count = served({"a": 6, "b": 3, "c": 1}, 20, 4_000, seed)
    assert [round(count[share] / 400) for share in "abc"] == [6, 3, 1]


def test_what_runs_already_counts_for_its_share() -> None:
    running = Dispatched.count([Traits("t", "busy")] * 3)
    chosen = plan(of_share("busy", 9, 5_000), of_share("idle", 9, 10), places=4, dispatched=running).chosen
    assert [each.traits.share for each in chosen] == ["idle", "idle", "idle", "busy"]


def test_every_job_counts_once_against_each_bound() -> None:
    jobs = [Traits("t", "a", "k"), Traits("t", "b"), Traits("u", "b", "k")]
    counted = Dispatched.count(jobs)
    assert (counted.total, counted.by_type, counted.by_share, counted.by_key) == (
        3,
        {"t": 2, "u": 1},
        {"a": 1, "b": 2},
        {"k": 2},
    )


def test_of_equal_shares_the_more_urgent_job_comes_first() -> None:
    chosen = plan(
        of_share("a", 2, 10), of_share("b", 2, 20), queue(NO_TRAITS, first_rank=30), places=5
    ).chosen
    assert [each.rank for each in chosen] == [30, 20, 10, 19, 9]


def test_jobs_of_one_key_go_one_at_a_time_and_hold_nobody_up() -> None:
    keyed, other = Traits("t", "", "customer-7"), Traits("t")
    made = plan(queue(keyed, keyed, other, keyed), places=9)
    assert [each.traits for each in made.chosen] == [keyed, other]
    assert [held.lane for held in made.held] == [key_lane("customer-7", 1)] * 2


def test_a_key_may_have_a_larger_limit() -> None:
    keyed = Traits("t", "", "customer-7", 3)
    made = plan(queue(*[keyed] * 5), places=9, dispatched=Dispatched.count([keyed]))
    assert len(made.chosen) == 2
    assert len(made.held) == 3


def test_a_paused_type_is_held_and_one_with_a_limit_fills_it() -> None:
    rules = DispatchRules(types={"paused": TypeRule(paused=True), "few": TypeRule(max_running=2)})
    running = Dispatched.count([Traits("few")])
    made = plan(
        queue(Traits("paused"), Traits("few"), Traits("few"), Traits("any")),
        places=9,
        dispatched=running,
        rules=rules,
    )
    assert [each.traits.type for each in made.chosen] == ["few", "any"]
    assert [held.lane for held in made.held] == [type_lane("paused"), type_lane("few")]


def test_a_lane_of_held_back_jobs_is_left_when_its_key_is_at_its_limit() -> None:
    keyed = Traits("t", "", "k")
    lane = key_lane("k", 1)
    made = plan(queue(keyed, keyed, keyed, lane=lane), queue(NO_TRAITS, first_rank=1), places=9)
    assert [each.lane for each in made.chosen] == [lane, ""]
    assert made.held == ()


def test_who_is_refused_waits_in_the_lane_that_was_named() -> None:
    candidates = queue(NO_TRAITS, NO_TRAITS)
    refused = candidates[0]
    made = plan_dispatch(
        [candidates],
        1,
        Dispatched(),
        NO_RULES,
        {},
        no_chance,
        lambda candidate: "key:1:k" if candidate is refused else None,
    )
    assert made == DispatchPlan((candidates[1],), (Held(refused, "key:1:k"),))


@pytest.mark.parametrize("places", [1, 10])
def test_a_plan_looks_at_no_more_candidates_than_its_bound(places: int) -> None:
    looked = 0

    def endless() -> Iterator[Candidate]:
        nonlocal looked
        while True:
            looked += 1
            yield Candidate(f"job-{looked}", -looked, Traits("paused"))

    rules = DispatchRules(types={"paused": TypeRule(paused=True)})
    made = plan_dispatch([endless()], places, Dispatched(), rules, {}, no_chance)
    assert made.chosen == ()
    assert len(made.held) == LOOK_AT_MOST
    assert looked <= LOOK_AT_MOST + 1
