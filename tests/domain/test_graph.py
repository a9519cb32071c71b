from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.graph import analyse_chains, find_cycle, latest_starts, topological_order

Graph = list[list[int]]
LARGE = 10_000  # far beyond any recursion limit


@st.composite
def graphs(draw: st.DrawFn, *, acyclic: bool, max_nodes: int) -> Graph:
    """Draws upstreams by node. An acyclic graph has its nodes in a drawn order, so that indices say nothing."""
    count = draw(st.integers(0, max_nodes))
    nodes = list(range(count))
    order = draw(st.permutations(nodes)) if acyclic else nodes
    upstreams: Graph = [[] for _ in nodes]
    for place, node in enumerate(order):
        candidates = order[:place] if acyclic else nodes
        if candidates:
            upstreams[node] = draw(st.lists(st.sampled_from(candidates), unique=True, max_size=4))
    return upstreams


def can_be_ordered(upstreams: Graph) -> bool:
    left = set(range(len(upstreams)))
    while free := {node for node in left if not left.intersection(upstreams[node])}:
        left -= free
    return not left


def all_chains(upstreams: Graph) -> list[tuple[int, ...]]:
    """Returns every chain of a small acyclic graph that can't be made longer at its end."""
    chains: list[tuple[int, ...]] = []
    grown: list[tuple[int, ...]] = [(node,) for node in range(len(upstreams))]
    while grown:
        chain = grown.pop()
        following = [node for node, above in enumerate(upstreams) if chain[-1] in above]
        grown.extend((*chain, node) for node in following)
        if not following:
            chains.append(chain)
    return chains


@given(graphs(acyclic=False, max_nodes=8))
def test_a_cycle_is_found_exactly_where_there_is_one_and_is_real(upstreams: Graph) -> None:
    cycle = find_cycle(upstreams)
    assert (cycle is None) is can_be_ordered(upstreams)
    if cycle is not None:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle[1:])) == len(cycle) - 1 >= 1
        assert all(before in upstreams[after] for before, after in itertools.pairwise(cycle))


@given(graphs(acyclic=True, max_nodes=30))
def test_the_order_is_legal_and_complete(upstreams: Graph) -> None:
    order = topological_order(upstreams)
    assert sorted(order) == list(range(len(upstreams)))
    place = {node: at for at, node in enumerate(order)}
    assert all(place[above] < place[node] for node, all_above in enumerate(upstreams) for above in all_above)


@given(graphs(acyclic=True, max_nodes=7), st.lists(st.integers(0, 5), min_size=7, max_size=7))
def test_chains_are_those_of_brute_force(upstreams: Graph, seconds: list[int]) -> None:
    durations = dict(enumerate(seconds[: len(upstreams)]))
    found = analyse_chains(upstreams, {node: float(value) for node, value in durations.items()})
    chains = all_chains(upstreams)
    lengths = [sum(durations[node] for node in chain) for chain in chains]
    assert found.critical_path_seconds == max(lengths, default=0)
    assert found.depth == max((len(chain) for chain in chains), default=0)
    assert sum(durations[node] for node in found.critical_path) == found.critical_path_seconds
    assert all(before in upstreams[after] for before, after in itertools.pairwise(found.critical_path))
    for node in range(len(upstreams)):
        after = [sum(durations[each] for each in chain) for chain in chains if chain[0] == node]
        assert found.remaining_seconds[node] == max(after)


@given(
    graphs(acyclic=True, max_nodes=7),
    st.lists(st.integers(0, 5), min_size=7, max_size=7),
    st.dictionaries(st.integers(0, 6), st.integers(50, 99)),
    st.none() | st.integers(50, 99),
)
def test_latest_starts_are_those_of_brute_force(
    upstreams: Graph, lengths: list[int], ends_by: dict[int, int], all_end_by: int | None
) -> None:
    nodes = range(len(upstreams))
    ends_by = {node: end for node, end in ends_by.items() if node in nodes}
    found = latest_starts(upstreams, dict(enumerate(lengths)), ends_by, all_end_by)
    for node in nodes:
        # A node starts in time for each node on each chain that begins with it.
        allowed = [
            end - sum(lengths[each] for each in chain[: place + 1])
            for chain in all_chains(upstreams)
            if chain[0] == node
            for place, last in enumerate(chain)
            for end in (ends_by.get(last), all_end_by)
            if end is not None
        ]
        assert found[node] == min(allowed, default=None)


def test_a_start_that_would_be_before_all_times_is_at_their_beginning() -> None:
    assert latest_starts([[], [0]], {0: 10, 1: 100}, {1: 105}) == (0, 5)
    assert latest_starts([[], []], {1: 7}, {}) == (None, None)


def test_jobs_without_an_estimate_count_nothing() -> None:
    chains = analyse_chains([[], [0], [1]], {1: 4.0})
    assert chains.critical_path_seconds == 4.0
    assert chains.remaining_seconds == (4.0, 4.0, 0.0)


def test_a_job_that_depends_on_itself_is_a_cycle() -> None:
    assert find_cycle([[], [1]]) == (1, 1)


def test_a_very_long_chain_is_ordered() -> None:
    chain: Graph = [[], *([node] for node in range(LARGE - 1))]
    assert find_cycle(chain) is None
    assert topological_order(chain) == tuple(range(LARGE))
    chains = analyse_chains(chain, dict.fromkeys(range(LARGE), 1.0))
    assert chains.depth == LARGE
    assert chains.critical_path_seconds == LARGE
    assert chains.critical_path == tuple(range(LARGE))


def test_a_very_long_cycle_is_found_whole() -> None:
    ring: Graph = [[(node - 1) % LARGE] for node in range(LARGE)]
    cycle = find_cycle(ring)
    assert cycle is not None
    assert len(cycle) == LARGE + 1
    assert all(before in ring[after] for before, after in itertools.pairwise(cycle))
