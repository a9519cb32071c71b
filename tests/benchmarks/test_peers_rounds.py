"""The arithmetic of the comparison with peers: rounds, medians, ratios, and the parts of a workload's figures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.benchmarks.peers import measure as measuring
from dev.benchmarks.peers.contestants import PEERS, chosen
from dev.benchmarks.peers.measure import ALONE, BURST, CHAIN, JOIN, SINGLE_CALLS, Sizes, Times, measure
from dev.benchmarks.peers.report import summary
from dev.benchmarks.peers.rounds import Row, Sample, interleaved, percentile, ratios, rows_of
from dev.benchmarks.peers.tidegate_side import chained, joined
from dev.benchmarks.peers.usage import READ_UNITS, REQUESTS, WRITE_UNITS, Usage


def test_rounds_are_interleaved() -> None:
    assert list(interleaved("ABC", 2)) == [(1, "A"), (1, "B"), (1, "C"), (2, "A"), (2, "B"), (2, "C")]


def test_rows_gather_the_rounds_of_one_figure_and_give_their_median() -> None:
    samples = [
        Sample(name, "chain", "seconds", "s", value)
        for name, value in (("a", 5.0), ("b", 1.0), ("a", 3.0), ("b", 2.0), ("a", 100.0))
    ]
    first, second = rows_of(samples)
    assert (first.name, first.values, first.median) == ("a", (5.0, 3.0, 100.0), 5.0)
    assert (first.lowest, first.highest) == (3.0, 100.0)
    assert (second.name, second.median) == ("b", 1.5)


def test_a_ratio_is_our_median_by_the_peers_and_only_where_both_have_the_figure() -> None:
    rows = [
        Row("ours", "chain", "seconds", "s", (6.0,)),
        Row("peer", "chain", "seconds", "s", (2.0, 3.0, 4.0)),
        Row("peer", "join", "seconds", "s", (1.0,)),
        Row("other", "chain", "seconds", "s", (0.0,)),
    ]
    assert ratios(rows, "ours") == {("peer", "chain", "seconds"): 2.0}


@pytest.mark.parametrize(("part", "expected"), [(0.5, 5), (0.95, 10), (0.9, 9), (0.01, 1), (1.0, 10)])
def test_a_percentile_is_one_of_the_values(part: float, expected: float) -> None:
    assert percentile([3, 1, 2, 10, 9, 8, 7, 6, 5, 4], part) == expected


def test_usage_between_two_moments_and_its_sums() -> None:
    before = Usage({(REQUESTS, "celery", "sqs.SendMessage"): 2.0, (WRITE_UNITS, "api", "Jobs"): 7.0})
    after = Usage(
        {
            (REQUESTS, "celery", "sqs.SendMessage"): 5.0,
            (REQUESTS, "api", "dynamodb.PutItem"): 4.0,
            (WRITE_UNITS, "api", "Jobs"): 7.0,
        }
    )
    used = after - before
    assert used.total(REQUESTS) == 7.0
    assert used.total(REQUESTS, service="sqs.") == 3.0
    assert used.total(REQUESTS, caller="api") == 4.0
    assert used.total(WRITE_UNITS) == 0.0
    assert used.only("celery").total(REQUESTS) == 3.0
    assert Usage.from_json(used.to_json()) == used


def test_peers_are_chosen_by_how_their_name_begins() -> None:
    assert [peer.name for peer in chosen(["celery-sqs"])] == ["celery-sqs-threads", "celery-sqs-prefork"]
    assert chosen([]) == PEERS
    with pytest.raises(ValueError, match="no peer is called 'sidekiq'"):
        chosen(["sidekiq"])


def test_tidegates_workloads_have_the_dependencies_that_they_promise() -> None:
    assert [job.get("depends_on") for job in chained(3)] == [None, [{"key": "job-0"}], [{"key": "job-1"}]]
    assert [len(job.get("depends_on", [])) for job in joined(4)] == [0, 0, 0, 0, 4]


class _Contestant:
    """A contestant that takes ten seconds for each workload, one of them for the calls."""

    name = "somebody"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def _run(self, what: str, count: int) -> Times:
        self.asked.append((what, count))
        return Times(began=100.0, enqueued=101.0, ended=110.0)

    def burst(self, count: int) -> Times:
        return self._run("burst", count)

    def single_calls(self, count: int) -> Times:
        return self._run("single_calls", count)

    def chain(self, count: int) -> Times:
        return self._run("chain", count)

    def join(self, count: int) -> Times:
        return self._run("join", count)


def test_every_workload_runs_once_after_a_warm_up_and_empty_ones_are_left_out() -> None:
    contestant = _Contestant()
    found = list(measure(contestant, Sizes(burst=50, single_calls=0, chain=5, join=0, alone=2), 4, None))
    assert contestant.asked == [
        ("burst", 8),
        ("burst", 50),
        ("chain", 5),
        ("single_calls", 1),
        ("single_calls", 1),
    ]
    assert found == [
        Sample("somebody", BURST, "seconds", "s", 10.0),
        Sample("somebody", BURST, "rate", "jobs/s", 5.0),
        Sample("somebody", BURST, "enqueue rate", "jobs/s", 50.0),
        Sample("somebody", CHAIN, "seconds", "s", 10.0),
        Sample("somebody", ALONE, "p50", "ms", 10_000.0),
        Sample("somebody", ALONE, "p95", "ms", 10_000.0),
    ]


def test_costs_are_per_job_and_the_join_counts_its_last_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_SETTLE_SECONDS", 0.0)
    grown: Iterator[Usage] = iter(
        [
            Usage(),
            Usage(
                {
                    (REQUESTS, "celery", "dynamodb.PutItem"): 20.0,
                    (REQUESTS, "celery", "sqs.SendMessage"): 10.0,
                    (WRITE_UNITS, "celery", "results"): 30.0,
                    (READ_UNITS, "celery", "results"): 5.0,
                }
            ),
        ]
    )
    sizes = Sizes(burst=0, single_calls=0, chain=0, join=9, alone=0)
    found = list(measure(_Contestant(), sizes, 1, lambda: next(grown)))
    values = {sample.metric: sample.value for sample in found if isinstance(sample, Sample)}
    assert values["DynamoDB requests"] == 2.0
    assert values["SQS requests"] == 1.0
    assert values["write units"] == 3.0
    assert values["price"] == pytest.approx(3.0 * 0.625 + 0.5 * 0.125 + 1.0 * 0.40)
    assert [what[0] for what in found if not isinstance(what, Sample)] == [JOIN]
    assert SINGLE_CALLS not in {sample.workload for sample in found if isinstance(sample, Sample)}


def test_the_summary_shows_a_dash_for_what_was_not_measured() -> None:
    rows = [
        Row("tidegate", CHAIN, "seconds", "s", (6.0,)),
        Row("tidegate", BURST, "write units", "per job", (9.0,)),
        Row("huey", CHAIN, "seconds", "s", (2.0,)),
    ]
    _head, ours, theirs, _blank, _words, ratio = summary(rows).splitlines()
    assert ours.split() == ["tidegate", *"--", "6.00", *"-----", "9.00", *"--"]
    assert theirs.split() == ["huey", *"--", "2.00", *"--------"]
    assert ratio.split() == ["huey", *"--", "3.00", *"--------"]
